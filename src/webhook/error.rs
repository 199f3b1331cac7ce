//! Why a webhook request is rejected.
#![forbid(unsafe_code)]

use crate::http::BodyError;

/// The maximum length of the body, in bytes.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// The maximum difference between the time of a signature and this host's clock, in seconds.
pub const TOLERANCE_SECONDS: u64 = 300;

/// Why a webhook request is rejected. `Display` is both the public message and the text for the log, and contains nothing of
/// the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The body is longer than [`MAX_BODY_BYTES`].
    #[error("The body of the webhook is too large: at most {MAX_BODY_BYTES} bytes are read")]
    BodyTooLarge,
    /// The body is incomplete.
    #[error("The body of the webhook broke off before its end: send it again")]
    BodyIncomplete,
    /// There is not exactly one `Authorization` header with the configured value.
    #[error(
        "Webhook rejected: Authorization is not jaas_webhook_authorization; enter the same text for this endpoint in the console of 8x8"
    )]
    Authorization,
    /// A signature is required, and there is none.
    #[error(
        "Webhook rejected: it is not signed; set jaas_webhook_secret to the secret of this endpoint, and for the settings of rooms also jaas_webhook_authorization"
    )]
    SignatureMissing,
    /// The signature header is not of the form `t=…,v1=…`.
    #[error("Webhook rejected: X-Jaas-Signature is not of the form t=SECONDS,v1=BASE64")]
    SignatureMalformed,
    /// The signature is too old, or too far in the future.
    #[error(
        "Webhook rejected: its signature is more than {TOLERANCE_SECONDS} seconds from the time of this service; set the clock, or do not send it again"
    )]
    SignatureOld,
    /// No secret verifies any of the signatures.
    #[error(
        "Webhook rejected: it is not signed with jaas_webhook_secret; copy the secret of this endpoint from the console of 8x8"
    )]
    SignatureWrong,
    /// The event is for another App ID.
    #[error(
        "Webhook rejected: the event belongs to another App ID than jaas_app_id; register the endpoint for the one that this service has"
    )]
    Foreign,
    /// The request comes from 8x8, but does not have the documented form.
    #[error("The event of the webhook cannot be read: {0}")]
    Malformed(&'static str),
}

impl From<BodyError> for Error {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::BodyTooLarge,
            BodyError::Incomplete => Self::BodyIncomplete,
        }
    }
}

//! Why a request is not taken for one of 8x8.
#![forbid(unsafe_code)]

use crate::http::BodyError;

/// The largest body, in bytes.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// How old a signature may be, and how far in the future, in seconds.
pub const TOLERANCE_SECONDS: u64 = 300;

/// `Display` is the public message and the log's: neither has anything of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// More than [`MAX_BODY_BYTES`].
    #[error("The body of the webhook is too large: at most {MAX_BODY_BYTES} bytes are read")]
    BodyTooLarge,
    /// It ends before its end.
    #[error("The body of the webhook broke off before its end: send it again")]
    BodyBrokeOff,
    /// Not the one `Authorization` header that is configured.
    #[error(
        "Webhook rejected: Authorization is not jaas_webhook_authorization; enter the same text for this endpoint in the console of 8x8"
    )]
    Authorization,
    /// No signature where one is needed.
    #[error(
        "Webhook rejected: it is not signed; set jaas_webhook_secret to the secret of this endpoint, and for the settings of rooms also jaas_webhook_authorization"
    )]
    SignatureMissing,
    /// Not `t=…,v1=…`.
    #[error("Webhook rejected: X-Jaas-Signature is not of the form t=SECONDS,v1=BASE64")]
    SignatureMalformed,
    /// Too old, or of a clock that is fast.
    #[error(
        "Webhook rejected: its signature is more than {TOLERANCE_SECONDS} seconds from the time of this service; set the clock, or do not send it again"
    )]
    SignatureOld,
    /// Not by one of the secrets.
    #[error(
        "Webhook rejected: it is not signed with jaas_webhook_secret; copy the secret of this endpoint from the console of 8x8"
    )]
    SignatureWrong,
    /// An event of another App ID.
    #[error(
        "Webhook rejected: the event belongs to another App ID than jaas_app_id; register the endpoint for the one that this service has"
    )]
    Foreign,
    /// From 8x8, and not what its documentation says.
    #[error("The event of the webhook cannot be read: {0}")]
    Malformed(&'static str),
}

impl From<BodyError> for Error {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::BodyTooLarge,
            BodyError::BrokeOff => Self::BodyBrokeOff,
        }
    }
}

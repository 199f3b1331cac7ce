//! Maps every stage's error to a status and a public message, and separately to a log line.
//!
//! Neither contains any part of a key, of a token or of personal data: the stages' errors carry names of parameters and
//! variables and sentences about them, never their values. The one exception is the origin, which identifies no person and
//! is logged by the service itself.
#![forbid(unsafe_code)]

use serde::Serialize;

use crate::config::{MISSING_MESSAGE, Problem};
use crate::log::Line;
use crate::{caller, cors, invitation, policy, request, token, usage, webhook};

/// Why a request is rejected.
#[derive(Debug)]
pub enum Error {
    /// 404: the path is unknown.
    NotFound,
    /// 405: the path is known, but does not support the method.
    MethodNotAllowed {
        /// The value of the `Allow` header (RFC 9110, section 10.2.1).
        allow: &'static str,
    },
    /// 403: pages of this origin may not call.
    Origin {
        /// What is wrong with the origin, for the log.
        rejection: cors::Rejection,
        /// The allow list, if the configuration discloses it.
        allowed: Option<Vec<String>>,
    },
    /// 401: the caller is not authenticated; 403: the caller is not a member; 503: the login's keys are unavailable.
    Caller(caller::Error),
    /// 400, 401, 403, 500 or 503: an invitation is invalid, or none is made.
    Invitation(invitation::Error),
    /// 400, 413 or 415: a parameter or the body is invalid.
    Request(request::Error),
    /// 400 or 403: the policy grants nothing.
    Policy(policy::Error),
    /// 401, 429 or 503: the limit of monthly users, or the operator's report.
    Usage(usage::Error),
    /// 400, 401 or 413: the request is not an event from 8x8.
    Webhook(webhook::Error),
    /// 500: the configuration does not allow issuing tokens.
    Configuration(Vec<Problem>),
    /// 503: the configuration is invalid, reported by the health check.
    Unhealthy(Vec<Problem>),
    /// 500: signing failed although the key was parsed.
    Signing(token::SigningError),
}

impl From<caller::Error> for Error {
    fn from(error: caller::Error) -> Self {
        Self::Caller(error)
    }
}

impl From<invitation::Error> for Error {
    fn from(error: invitation::Error) -> Self {
        Self::Invitation(error)
    }
}

impl From<request::Error> for Error {
    fn from(error: request::Error) -> Self {
        Self::Request(error)
    }
}

impl From<policy::Error> for Error {
    fn from(error: policy::Error) -> Self {
        Self::Policy(error)
    }
}

impl From<usage::Error> for Error {
    fn from(error: usage::Error) -> Self {
        Self::Usage(error)
    }
}

impl From<webhook::Error> for Error {
    fn from(error: webhook::Error) -> Self {
        Self::Webhook(error)
    }
}

impl From<token::SigningError> for Error {
    fn from(error: token::SigningError) -> Self {
        Self::Signing(error)
    }
}

impl Error {
    /// Returns the HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Policy(policy::Error::RoomMissing) => 400,
            Self::Request(error) => match error {
                request::Error::BodyTooLarge => 413,
                request::Error::UnsupportedMediaType | request::Error::UnsupportedEncoding => 415,
                _ => 400,
            },
            Self::Invitation(error) => status_of(*error),
            Self::Origin { .. }
            | Self::Caller(caller::Error::NotMember(_))
            | Self::Policy(policy::Error::RoomNotAllowed) => 403,
            Self::Caller(caller::Error::KeysUnavailable { .. }) => 503,
            Self::Caller(_) => 401,
            Self::Usage(error) => match error {
                usage::Error::NotOperator => 401,
                usage::Error::GuestsUsedUp { .. } | usage::Error::UsedUp { .. } => 429,
                usage::Error::Unavailable | usage::Error::Damaged { .. } | usage::Error::Busy => {
                    503
                }
            },
            Self::Webhook(error) => match error {
                webhook::Error::BodyTooLarge => 413,
                webhook::Error::BodyIncomplete | webhook::Error::Malformed(_) => 400,
                _ => 401,
            },
            Self::NotFound => 404,
            Self::MethodNotAllowed { .. } => 405,
            Self::Configuration(_) | Self::Signing(_) => 500,
            Self::Unhealthy(_) => 503,
        }
    }

    /// Returns the public message.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::NotFound => "Not found: this service has /api/jitsi-token and /healthz".into(),
            Self::MethodNotAllowed { allow } => format!("Method not allowed: use one of {allow}"),
            Self::Origin { .. } => "Origin not allowed".into(),
            Self::Caller(error) => error.to_string(),
            Self::Invitation(error) => error.to_string(),
            Self::Request(error) => error.to_string(),
            Self::Policy(error) => error.to_string(),
            Self::Usage(error) => error.to_string(),
            Self::Webhook(error) => error.to_string(),
            Self::Configuration(problems) if problems.iter().any(Problem::is_missing) => {
                MISSING_MESSAGE.into()
            }
            Self::Configuration(problems) | Self::Unhealthy(problems) => join(problems),
            Self::Signing(_) => "The token could not be signed: check jaas_private_key with `openssl rsa -in key.pem -check -noout`".into(),
        }
    }

    /// Returns the headers that are specific to this error.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, String)> {
        match self {
            Self::MethodNotAllowed { allow } => Some(("allow", (*allow).to_owned())),
            Self::Caller(caller::Error::KeysUnavailable { retry_after, .. }) => {
                Some(("retry-after", retry_after.to_string()))
            }
            Self::Caller(error) => error
                .challenge()
                .map(|challenge| ("www-authenticate", challenge.to_owned())),
            Self::Invitation(error) => error
                .challenge()
                .map(|challenge| ("www-authenticate", challenge.to_owned())),
            Self::Usage(usage::Error::NotOperator) => {
                Some(("www-authenticate", "Bearer".to_owned()))
            }
            Self::Usage(error) => error
                .retry_after()
                .map(|seconds| ("retry-after", seconds.to_string())),
            // A 401 must have a challenge (RFC 9110, section 11.6.1), and no registered scheme covers signed bodies.
            Self::Webhook(_) if self.status() == 401 => {
                Some(("www-authenticate", "Jaas-Signature".to_owned()))
            }
            _ => None,
        }
        .into_iter()
    }

    /// Returns the JSON body of the response.
    #[must_use]
    pub fn body(&self) -> Body<'_> {
        let unhealthy = match self {
            Self::Unhealthy(problems) => Some(problems.as_slice()),
            _ => None,
        };
        Body {
            status: unhealthy.map(|_| "error"),
            error: self.message(),
            allowed_origins: match self {
                Self::Origin { allowed, .. } => allowed.as_deref(),
                _ => None,
            },
            problems: unhealthy,
        }
    }

    /// Whether the caller may have caused this error, with nothing broken on the server.
    fn may_be_callers_fault(&self) -> bool {
        // An invented `kid` cannot be told from a new one.
        self.status() < 500
            || matches!(
                self,
                Self::Caller(caller::Error::KeysUnavailable {
                    reason: caller::Unavailable::NewKey,
                    ..
                })
            )
    }

    /// Returns the log line about this request.
    #[must_use]
    pub fn log_line(&self) -> Line<'_> {
        let problems = match self {
            Self::Configuration(problems) | Self::Unhealthy(problems) => Some(problems.as_slice()),
            _ => None,
        };
        Line {
            level: if self.may_be_callers_fault() {
                "warn"
            } else {
                "error"
            },
            status: self.status(),
            reason: Some(match self {
                Self::Origin { rejection, .. } => rejection.to_string(),
                Self::Caller(error) => error.reason(),
                Self::Invitation(error) => error.reason(),
                Self::Request(error) => error.reason().into_owned(),
                Self::Usage(error) => error.reason(),
                Self::Configuration(_) | Self::Unhealthy(_) => "configuration".to_owned(),
                _ => self.message(),
            }),
            problems,
            ..Line::default()
        }
    }
}

/// The body of an error. `error` is always present, the other fields only where the contract promises them.
#[derive(Debug, Serialize)]
pub struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_origins: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problems: Option<&'a [Problem]>,
}

fn status_of(error: invitation::Error) -> u16 {
    use invitation::Error as Rejection;
    match error {
        Rejection::InUrl
        | Rejection::Duplicate
        | Rejection::Parameter(..)
        | Rejection::UnknownParameter
        | Rejection::Id => 400,
        Rejection::Invalid(_) => 401,
        Rejection::NotModerator | Rejection::MayNotInvite | Rejection::Room => 403,
        Rejection::Signing => 500,
        Rejection::StoreUnavailable => 503,
    }
}

fn join(problems: &[Problem]) -> String {
    let sentences: Vec<String> = problems.iter().map(Problem::to_string).collect();
    sentences.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::variable;

    fn text(value: &impl Serialize) -> String {
        serde_json::to_string(value).unwrap()
    }

    #[test]
    fn what_is_missing_is_said_in_the_workers_words_and_named_only_in_the_log() {
        let error = Error::Configuration(vec![
            Problem::missing(variable::PRIVATE_KEY),
            Problem::invalid(variable::APP_ID, "has the wrong shape."),
        ]);
        assert_eq!(
            text(&error.body()),
            r#"{"error":"Missing required environment variables: JAAS_APP_ID, JAAS_KEY_ID, or JAAS_PRIVATE_KEY"}"#
        );
        let log = text(&error.log_line());
        assert!(log.contains(r#""variable":"jaas_private_key""#), "{log}");
        assert!(!log.contains("jaas_key_id"), "{log}");
    }

    #[test]
    fn every_wrong_variable_is_named_in_one_message() {
        let error = Error::Configuration(vec![
            Problem::invalid(variable::APP_ID, "has the wrong shape."),
            Problem::invalid(variable::REQUIRE_ORIGIN, "is neither true nor false."),
        ]);
        assert_eq!(
            error.message(),
            "jaas_app_id has the wrong shape. require_origin is neither true nor false."
        );
    }

    #[test]
    fn the_list_of_origins_is_told_only_where_it_is_disclosed() {
        let rejected = |allowed| Error::Origin {
            rejection: cors::Rejection::NotListed,
            allowed,
        };
        assert_eq!(
            text(&rejected(Some(vec!["https://a.example".into()])).body()),
            r#"{"error":"Origin not allowed","allowed_origins":["https://a.example"]}"#
        );
        assert_eq!(
            text(&rejected(None).body()),
            r#"{"error":"Origin not allowed"}"#
        );
    }
}

//! Turns the result of a request into a response and a log line.
#![forbid(unsafe_code)]

use serde::Serialize;

use crate::caller::Warning;
use crate::config::Config;
use crate::cors::{self, RequestOrigin};
use crate::error::Error;
use crate::http::{Headers, Response};
use crate::invitation::Made;
use crate::log::Line;
use crate::secret::Secret;
use crate::usage::Report;
use crate::webhook::Provisioning;

use super::guard::Note;

/// The result of a request that is not rejected.
pub(super) enum Success {
    Token {
        token: String,
        moderator: bool,
        /// The room's passcode, for callers who may know it.
        passcode: Option<Secret<String>>,
        note: Option<Note>,
    },
    /// The result of a `HEAD` whose `GET` would return a token. No token is signed.
    TokenUnsigned,
    Healthy {
        /// Present if the query asks for details.
        details: Option<Details>,
    },
    InvitationMade {
        made: Made,
        link: Option<String>,
    },
    /// The settings of a room, for 8x8.
    RoomSettings(Provisioning),
    /// An event from 8x8 that was accepted. The response has no body.
    EventAccepted {
        note: Option<Note>,
    },
    Usage(Report),
    InvitationWithdrawn,
    Preflight {
        /// The methods that a page may use.
        methods: &'static str,
        missing_header: Option<String>,
    },
}

#[derive(Serialize)]
struct Token<'a> {
    token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    passcode: Option<&'a str>,
}

/// The details of a verbose health check.
#[derive(Serialize)]
pub(super) struct Details {
    pub(super) warnings: Vec<&'static str>,
    /// The age of the stored copy of the key set at `auth_jwks_url`, in seconds; `null` if there is no copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) auth_jwks_age_seconds: Option<Option<u64>>,
}

#[derive(Serialize)]
struct Invitation<'a> {
    invitation: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<&'a str>,
    id: &'a str,
    expires_at: u64,
}

#[derive(Serialize)]
struct Health<'a> {
    status: &'static str,
    #[serde(flatten)]
    details: Option<&'a Details>,
}

/// Returns the response, with the headers common to all responses.
pub(super) fn respond(
    config: &Config<'_>,
    result: &Result<Success, Error>,
    origin: RequestOrigin<'_>,
    is_head: bool,
) -> Response {
    let mut headers = vec![
        ("cache-control", "no-store".to_owned()),
        ("x-content-type-options", "nosniff".to_owned()),
        ("referrer-policy", "no-referrer".to_owned()),
    ];
    if let Err(error) = result {
        headers.extend(error.headers());
    }
    origin.add_headers(&mut headers);
    if let Ok(Success::Preflight { methods, .. }) = result {
        let allowed = config.allowed_headers();
        headers.extend(cors::preflight_headers(methods, allowed));
    }
    let (status, json) = status_and_body(result);
    let mut body = Vec::new();
    if let Some(json) = json {
        headers.push(("content-type", "application/json".to_owned()));
        if !is_head {
            body = json;
            headers.push(("content-length", body.len().to_string()));
        }
    }
    Response {
        status,
        headers,
        body,
    }
}

/// Returns the status, and the body if the response has one.
fn status_and_body(result: &Result<Success, Error>) -> (u16, Option<Vec<u8>>) {
    match result {
        Ok(Success::Token {
            token, passcode, ..
        }) => {
            let passcode = passcode.as_ref().map(|passcode| passcode.expose().as_str());
            (200, Some(to_json(&Token { token, passcode })))
        }
        Ok(Success::TokenUnsigned) => (200, Some(Vec::new())),
        Ok(Success::Healthy { details }) => {
            let details = details.as_ref();
            let status = "ok";
            (200, Some(to_json(&Health { status, details })))
        }
        Ok(Success::InvitationMade { made, link }) => {
            let body = Invitation {
                invitation: made.invitation.expose(),
                link: link.as_deref(),
                id: made.id.as_str(),
                expires_at: made.expires_at,
            };
            (201, Some(to_json(&body)))
        }
        Ok(Success::RoomSettings(provisioning)) => (200, Some(to_json(provisioning))),
        Ok(Success::EventAccepted { .. }) => (204, None),
        Ok(Success::Usage(report)) => (200, Some(to_json(report))),
        Ok(Success::InvitationWithdrawn) => (204, None),
        Ok(Success::Preflight { .. }) => (204, None),
        Err(error) => (error.status(), Some(to_json(&error.body()))),
    }
}

/// Serialises a body. It holds only strings, numbers, booleans and lists, whose serialisation cannot fail.
fn to_json(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).unwrap_or_default()
}

/// Returns the log line, if the request is worth one. A successful health check is not: probes arrive every few seconds.
pub(super) fn log_line(
    result: &Result<Success, Error>,
    warning: Option<Warning>,
    headers: &Headers,
) -> Option<String> {
    let mut line = match result {
        Ok(Success::Token {
            moderator, note, ..
        }) => Line {
            level: if note.is_some() { "warn" } else { "info" },
            status: 200,
            event: Some("token issued"),
            moderator: Some(*moderator),
            warning: note.as_ref().map(Note::to_string),
            ..Line::default()
        },
        Ok(Success::EventAccepted { note: Some(note) }) => Line {
            level: "warn",
            status: 204,
            warning: Some(note.to_string()),
            ..Line::default()
        },
        Ok(Success::InvitationMade { .. }) => Line {
            level: "info",
            status: 201,
            event: Some("invitation made"),
            ..Line::default()
        },
        Ok(Success::InvitationWithdrawn) => Line {
            level: "info",
            status: 204,
            event: Some("invitation withdrawn"),
            ..Line::default()
        },
        Ok(Success::Preflight {
            missing_header: Some(header),
            ..
        }) => Line {
            level: "warn",
            status: 204,
            reason: Some("the preflight requests a header that is not in allowed_headers".into()),
            header: Some(header.clone()),
            ..Line::default()
        },
        Ok(_) if warning.is_some() => Line {
            status: 200,
            ..Line::default()
        },
        Ok(_) => return None,
        Err(error) => error.log_line(),
    };
    if let Some(warning) = warning {
        let own = line.warning.map(|own| own + "; ").unwrap_or_default();
        line.warning = Some(format!("{own}{warning}"));
        if line.level != "error" {
            line.level = "warn";
        }
    }
    Some(line.with_origin(headers))
}

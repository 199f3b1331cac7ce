//! The claim set: closed, so that nothing a caller sends can add a claim.
//!
//! The same key also signs 8x8's administration tokens (`admin: true`), which end conferences and dial telephones. The
//! structs below are all that is ever signed. Names, types and order are those of 8x8's page "JaaS JWT".
#![forbid(unsafe_code)]

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::policy::Grant;
use crate::token_request::{Email, PersonalText, TokenRequest};

/// The audience of every token.
pub const AUDIENCE: &str = "jitsi";
/// The issuer of every token.
pub const ISSUER: &str = "chat";
/// How long a token is valid, in seconds.
pub const LIFETIME_SECONDS: u64 = 3600;
/// How long before it is made a token becomes valid, in seconds: the web client compares `nbf` with the browser's clock.
pub const LEEWAY_SECONDS: u64 = 10;

/// A feature of a meeting, by the names that 8x8 documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    /// Stream the meeting.
    Livestreaming,
    /// Record the meeting.
    Recording,
    /// Transcribe what is said.
    Transcription,
    /// Be called by SIP.
    SipInboundCall,
    /// Call by SIP.
    SipOutboundCall,
    /// Be called by telephone.
    InboundCall,
    /// Dial telephones, at the owner's cost.
    OutboundCall,
    /// Send files.
    FileUpload,
    /// See who visits.
    ListVisitors,
    /// Write to everybody.
    SendGroupchat,
    /// Make polls.
    CreatePolls,
}

impl Feature {
    /// The features that 8x8 documents, in its order: the ones that every token names.
    pub const DOCUMENTED: [Self; 11] = [
        Self::Livestreaming,
        Self::Recording,
        Self::Transcription,
        Self::SipInboundCall,
        Self::SipOutboundCall,
        Self::InboundCall,
        Self::OutboundCall,
        Self::FileUpload,
        Self::ListVisitors,
        Self::SendGroupchat,
        Self::CreatePolls,
    ];

    /// The key in `context.features`.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Livestreaming => "livestreaming",
            Self::Recording => "recording",
            Self::Transcription => "transcription",
            Self::SipInboundCall => "sip-inbound-call",
            Self::SipOutboundCall => "sip-outbound-call",
            Self::InboundCall => "inbound-call",
            Self::OutboundCall => "outbound-call",
            Self::FileUpload => "file-upload",
            Self::ListVisitors => "list-visitors",
            Self::SendGroupchat => "send-groupchat",
            Self::CreatePolls => "create-polls",
        }
    }
}

/// The payload of a token.
#[derive(Debug, serde::Serialize)]
pub struct Claims {
    aud: &'static str,
    context: Context,
    /// Seconds since 1970-01-01 UTC, as `iat` and `nbf` are.
    exp: u64,
    iat: u64,
    iss: &'static str,
    nbf: u64,
    room: String,
    /// The App ID.
    sub: String,
}

#[derive(Debug, serde::Serialize)]
struct Context {
    user: User,
    features: Features,
    room: RoomContext,
}

/// Everything here is shown to all participants. A field that is absent is left out: `null` breaks the client.
#[derive(serde::Serialize)]
struct User {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// `"true"` or `"false"`: a string, as 8x8's example has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    moderator: Option<&'static str>,
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[user elided]")
    }
}

/// Every documented key is written: one that is left out is denied even to a moderator, and silently.
#[derive(Debug)]
struct Features(&'static [Feature]);

impl Serialize for Features {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(Feature::DOCUMENTED.len()))?;
        for feature in Feature::DOCUMENTED {
            map.serialize_entry(feature.key(), &self.0.contains(&feature))?;
        }
        map.end()
    }
}

#[derive(Debug, serde::Serialize)]
struct RoomContext {
    /// `false`: the room is a name, not a Lua pattern.
    regex: bool,
}

impl Claims {
    /// The claims of one token. `now` is in seconds since 1970-01-01 UTC.
    #[must_use]
    pub fn new(app_id: &str, request: TokenRequest, grant: &Grant, now: u64) -> Self {
        Self {
            aud: AUDIENCE,
            context: Context {
                user: User {
                    id: request.user_id.map(PersonalText::into_string),
                    name: request.user_name.map(PersonalText::into_string),
                    email: request.user_email.map(Email::into_string),
                    moderator: grant
                        .moderator
                        .map(|moderator| if moderator { "true" } else { "false" }),
                },
                features: Features(grant.features),
                room: RoomContext { regex: false },
            },
            exp: now.saturating_add(LIFETIME_SECONDS),
            iat: now,
            iss: ISSUER,
            nbf: now.saturating_sub(LEEWAY_SECONDS),
            room: request.room.into_string(),
            sub: app_id.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::config_with;
    use crate::parameters::Parameters;
    use crate::policy;

    fn claims(query: &str, variables: &[(&str, &str)]) -> String {
        let defaults = config_with(variables).defaults;
        let request = TokenRequest::read(&Parameters::from_form(query), &defaults).unwrap();
        let grant = policy::grant(request.moderator);
        serde_json::to_string(&Claims::new("app", request, &grant, 1_700_000_000)).unwrap()
    }

    #[test]
    fn a_moderators_claims_byte_for_byte() {
        assert_eq!(
            claims("room=r", &[]),
            concat!(
                r#"{"aud":"jitsi","context":{"user":{"id":"user123","name":"Your User","#,
                r#""email":"user@example.com","moderator":"true"},"features":{"livestreaming":true,"#,
                r#""recording":false,"transcription":false,"sip-inbound-call":false,"#,
                r#""sip-outbound-call":false,"inbound-call":false,"outbound-call":true,"#,
                r#""file-upload":false,"list-visitors":false,"send-groupchat":false,"#,
                r#""create-polls":false},"room":{"regex":false}},"exp":1700003600,"iat":1700000000,"#,
                r#""iss":"chat","nbf":1699999990,"room":"r","sub":"app"}"#
            )
        );
    }

    #[test]
    fn a_member_is_denied_every_feature_by_name() {
        let text = claims("user_moderator=false", &[]);
        assert!(text.contains(r#""moderator":"false""#));
        for feature in Feature::DOCUMENTED {
            assert!(
                text.contains(&format!(r#""{}":false"#, feature.key())),
                "{text}"
            );
        }
    }

    #[test]
    fn absent_fields_are_left_out() {
        let text = claims(
            "",
            &[
                ("default_user_id", ""),
                ("default_user_name", ""),
                ("default_user_email", ""),
                ("default_moderator", ""),
            ],
        );
        assert!(text.contains(r#""user":{},"#), "{text}");
        assert!(!text.contains("null"));
    }

    #[test]
    fn times_do_not_overflow() {
        let defaults = config_with(&[]).defaults;
        for now in [0, u64::MAX] {
            let request = TokenRequest::read(&Parameters::from_form(""), &defaults).unwrap();
            let claims = Claims::new("app", request, &policy::grant(None), now);
            assert!(claims.nbf <= claims.iat && claims.iat <= claims.exp);
        }
    }
}

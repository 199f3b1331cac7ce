//! The claim set: closed, so that nothing a caller sends can add a claim.
//!
//! The same key also signs 8x8's administration tokens (`admin: true`), which end conferences and dial telephones. The
//! structs below are all that is ever signed. Names, types and order are those of 8x8's page "JaaS JWT".
#![forbid(unsafe_code)]

use crate::features::GrantedFeatures;
use crate::policy::Grant;
use crate::token_request::{Avatar, Email, PersonalText};

/// The audience of every token.
pub const AUDIENCE: &str = "jitsi";
/// The issuer of every token.
pub const ISSUER: &str = "chat";

/// When a token is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// How long after it is made a token expires, in seconds. Prosody allows no leeway.
    pub ttl_seconds: u64,
    /// How long before it is made a token becomes valid, in seconds: the web client compares `nbf` with the browser's
    /// clock, which may be slow.
    pub leeway_seconds: u64,
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
    features: GrantedFeatures,
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
    avatar: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// `"true"` or `"false"`: a string, as 8x8's example has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    moderator: Option<&'static str>,
    #[serde(
        rename = "hidden-from-recorder",
        skip_serializing_if = "Option::is_none"
    )]
    hidden_from_recorder: Option<bool>,
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[user elided]")
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
    pub fn new(app_id: &str, grant: Grant, validity: Validity, now: u64) -> Self {
        let Grant {
            room,
            user_id,
            user_name,
            user_avatar,
            user_email,
            moderator,
            hidden_from_recorder,
            features,
        } = grant;
        Self {
            aud: AUDIENCE,
            context: Context {
                user: User {
                    id: user_id.map(PersonalText::into_string),
                    name: user_name.map(PersonalText::into_string),
                    avatar: user_avatar.map(Avatar::into_string),
                    email: user_email.map(Email::into_string),
                    moderator: moderator.map(|moderator| if moderator { "true" } else { "false" }),
                    hidden_from_recorder,
                },
                features,
                room: RoomContext { regex: false },
            },
            exp: now.saturating_add(validity.ttl_seconds),
            iat: now,
            iss: ISSUER,
            nbf: now.saturating_sub(validity.leeway_seconds),
            room: room.into_string(),
            sub: app_id.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::Caller;
    use crate::config::tests::config_with;
    use crate::parameters::Parameters;
    use crate::policy;
    use crate::token_request::TokenRequest;

    fn claims_at(now: u64, query: &str, variables: &[(&str, &str)]) -> Claims {
        let config = config_with(variables);
        let request = TokenRequest::read(&Parameters::from_form(query)).unwrap();
        let grant = policy::decide(&config, &Caller::Anyone, request, &mut || [0; 16]).unwrap();
        Claims::new("app", grant, config.validity, now)
    }

    fn claims(query: &str, variables: &[(&str, &str)]) -> String {
        serde_json::to_string(&claims_at(1_700_000_000, query, variables)).unwrap()
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
    fn what_is_asked_for_besides_stands_where_8x8_has_it() {
        let text = claims(
            "user_avatar=https://a.example/b&user_hidden_from_recorder=true",
            &[],
        );
        assert!(
            text.contains(r#""avatar":"https://a.example/b","email""#),
            "{text}"
        );
        assert!(
            text.contains(r#""hidden-from-recorder":true},"features""#),
            "{text}"
        );
    }

    #[test]
    fn a_member_is_denied_every_feature_by_name() {
        let text = claims("user_moderator=false", &[]);
        assert!(text.contains(r#""moderator":"false""#));
        assert_eq!(text.matches(":false").count(), 12, "{text}");
        assert!(!text.contains(":true"), "{text}");
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
    fn times_follow_the_variables_and_do_not_overflow() {
        let variables = [("token_ttl_seconds", "60"), ("token_leeway_seconds", "0")];
        let claims = claims_at(100, "", &variables);
        assert_eq!((claims.nbf, claims.iat, claims.exp), (100, 100, 160));
        for now in [0, u64::MAX] {
            let claims = claims_at(now, "", &[]);
            assert!(claims.nbf <= claims.iat && claims.iat <= claims.exp);
        }
    }
}

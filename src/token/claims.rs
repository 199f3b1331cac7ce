//! The claim set of the token. It is fixed, so that no request can add a claim.
//!
//! The same key also signs 8x8's administration tokens (`admin: true`), which can end conferences and dial telephones, so
//! only the structs below are ever signed. Names, types and order follow 8x8's page "JaaS JWT".
#![forbid(unsafe_code)]

use crate::features::GrantedFeatures;
use crate::person::{Avatar, Email, Id, Name};
use crate::policy::Grant;
use crate::role::Role;
use crate::secret::Secret;

/// The audience of every token.
pub const AUDIENCE: &str = "jitsi";
/// The issuer of every token.
pub const ISSUER: &str = "chat";

/// The period in which a token is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The lifetime of a token, in seconds. Prosody allows no leeway.
    pub ttl_seconds: u64,
    /// How long before its issue a token becomes valid, in seconds. The web client compares `nbf` with the browser's clock,
    /// which may be slow.
    pub leeway_seconds: u64,
}

/// The payload of a token.
#[derive(Debug, serde::Serialize)]
pub struct Claims {
    aud: &'static str,
    context: Context,
    /// The expiry, in seconds since 1970-01-01 UTC, like `iat` and `nbf`.
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
    #[serde(serialize_with = "expose")]
    user: Secret<User>,
    features: GrantedFeatures,
    room: RoomContext,
}

/// The user's details, which all participants can see. Absent fields are left out, because `null` breaks the client.
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
    /// `"true"` or `"false"`: a string, as in 8x8's example.
    #[serde(skip_serializing_if = "Option::is_none")]
    moderator: Option<&'static str>,
    /// `"visitor"`, which makes the client join as a visitor. The other roles are expressed by `moderator`.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(
        rename = "hidden-from-recorder",
        skip_serializing_if = "Option::is_none"
    )]
    hidden_from_recorder: Option<bool>,
}

fn expose<S: serde::Serializer>(user: &Secret<User>, serializer: S) -> Result<S::Ok, S::Error> {
    serde::Serialize::serialize(user.expose(), serializer)
}

#[derive(Debug, serde::Serialize)]
struct RoomContext {
    /// Always `false`: the room is a name, not a Lua pattern.
    regex: bool,
}

impl Claims {
    /// Creates the claims of one token. `now` is in seconds since 1970-01-01 UTC.
    #[must_use]
    pub fn new(app_id: &str, grant: Grant, validity: Validity, now: u64) -> Self {
        let Grant {
            room,
            user_id,
            user_name,
            user_avatar,
            user_email,
            role,
            hidden_from_recorder,
            features,
            not_after,
        } = grant;
        let exp = now.saturating_add(validity.ttl_seconds);
        Self {
            aud: AUDIENCE,
            context: Context {
                user: Secret::new(User {
                    id: user_id.map(Id::into_string),
                    name: user_name.map(Name::into_string),
                    avatar: user_avatar.map(Avatar::into_string),
                    email: user_email.map(Email::into_string),
                    moderator: role.map(|role| match role {
                        Role::Moderator => "true",
                        Role::Member | Role::Visitor => "false",
                    }),
                    role: role.filter(|role| *role == Role::Visitor).map(Role::name),
                    hidden_from_recorder,
                }),
                features,
                room: RoomContext { regex: false },
            },
            exp: not_after.map_or(exp, |last| last.min(exp)),
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
    use crate::features::{Feature, FeatureSet};
    use crate::policy::{self, DefaultId, Defaults, Settings};
    use crate::request::TokenRequest;
    use crate::room;

    const VALIDITY: Validity = Validity {
        ttl_seconds: 3600,
        leeway_seconds: 60,
    };

    fn settings() -> Settings {
        let features = ["livestreaming", "outbound-call"].map(Feature::from_key);
        Settings {
            defaults: Defaults {
                room: room::Name::parse("default-room").ok(),
                user_id: DefaultId::parse("user123").ok(),
                user_name: Name::parse("Your User").ok(),
                user_email: Email::parse("user@example.com").ok(),
                moderator: Some(true),
            },
            moderator_features: features.into_iter().flatten().collect(),
            member_features: FeatureSet::default(),
            allowed_rooms: None,
            guest_rooms: None,
        }
    }

    fn claims_of(settings: &Settings, validity: Validity, now: u64, query: &str) -> Claims {
        let request = TokenRequest::from_query(query).unwrap();
        let grant = policy::decide(settings, &Caller::Anyone, request, &mut |_: &mut [u8]| {});
        Claims::new("app", grant.unwrap(), validity, now)
    }

    fn text_of(settings: &Settings, query: &str) -> String {
        serde_json::to_string(&claims_of(settings, VALIDITY, 1_700_000_000, query)).unwrap()
    }

    #[test]
    fn a_moderators_claims_byte_for_byte() {
        assert_eq!(
            text_of(&settings(), "room=r"),
            concat!(
                r#"{"aud":"jitsi","context":{"user":{"id":"user123","name":"Your User","#,
                r#""email":"user@example.com","moderator":"true"},"features":{"livestreaming":true,"#,
                r#""recording":false,"transcription":false,"sip-inbound-call":false,"#,
                r#""sip-outbound-call":false,"inbound-call":false,"outbound-call":true,"#,
                r#""file-upload":false,"list-visitors":false,"send-groupchat":false,"#,
                r#""create-polls":false},"room":{"regex":false}},"exp":1700003600,"iat":1700000000,"#,
                r#""iss":"chat","nbf":1699999940,"room":"r","sub":"app"}"#
            )
        );
    }

    #[test]
    fn what_a_request_adds_stands_where_8x8_has_it() {
        let query = "user_avatar=https://a.example/b&user_hidden_from_recorder=true";
        let text = text_of(&settings(), query);
        let avatar = r#""avatar":"https://a.example/b","email""#;
        assert!(text.contains(avatar), "{text}");
        let hidden = r#""hidden-from-recorder":true},"features""#;
        assert!(text.contains(hidden), "{text}");
    }

    #[test]
    fn a_member_is_denied_every_feature_by_name() {
        let text = text_of(&settings(), "user_moderator=false");
        assert!(text.contains(r#""moderator":"false""#));
        assert_eq!(text.matches(":false").count(), 12, "{text}");
        assert!(!text.contains(":true"), "{text}");
    }

    #[test]
    fn a_visitor_is_one_by_a_claim_of_its_own_and_has_no_feature() {
        let settings = Settings {
            member_features: [Feature::from_key("send-groupchat").unwrap()]
                .into_iter()
                .collect(),
            ..settings()
        };
        let text = text_of(&settings, "user_role=visitor");
        let user = r#""moderator":"false","role":"visitor"},"features""#;
        assert!(text.contains(user), "{text}");
        assert!(!text.contains(":true"), "{text}");
        for query in ["user_role=member", "user_role=moderator", ""] {
            let text = text_of(&settings, query);
            assert!(!text.contains(r#""role""#), "{text}");
        }
    }

    #[test]
    fn absent_fields_are_left_out() {
        let settings = Settings {
            defaults: Defaults {
                user_id: None,
                user_name: None,
                user_email: None,
                moderator: None,
                ..settings().defaults
            },
            ..settings()
        };
        let text = text_of(&settings, "");
        assert!(text.contains(r#""user":{},"#), "{text}");
        assert!(!text.contains("null"));
    }

    #[test]
    fn times_follow_the_settings_and_do_not_overflow() {
        let validity = Validity {
            ttl_seconds: 60,
            leeway_seconds: 0,
        };
        let claims = claims_of(&settings(), validity, 100, "");
        assert_eq!((claims.nbf, claims.iat, claims.exp), (100, 100, 160));
        for now in [0, u64::MAX] {
            let claims = claims_of(&settings(), VALIDITY, now, "");
            assert!(claims.nbf <= claims.iat && claims.iat <= claims.exp);
        }
    }

    #[test]
    fn the_person_does_not_show_in_debug_output() {
        let claims = claims_of(&settings(), VALIDITY, 0, "user_name=hunter2");
        assert!(!format!("{claims:?}").contains("hunter2"));
    }
}

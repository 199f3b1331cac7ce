//! The variables: their names and defaults, as `spin.toml` declares them. docs/configuration.md explains each of them; a
//! test keeps the three in step.
#![forbid(unsafe_code)]

/// A Spin variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// The name, as in `spin.toml`.
    pub name: &'static str,
    /// The default value; `None` if the variable is required.
    pub default: Option<&'static str>,
}

macro_rules! variables {
    ($($constant:ident = $name:literal, $default:expr;)*) => {
        $(
            #[doc = concat!("The variable `", $name, "`.")]
            pub const $constant: Variable = Variable { name: $name, default: $default };
        )*
        /// All variables, in the order of `spin.toml`.
        pub const ALL: &[Variable] = &[$($constant),*];
    };
}

variables! {
    APP_ID = "jaas_app_id", None;
    KEY_ID = "jaas_key_id", None;
    PRIVATE_KEY = "jaas_private_key", None;
    ALLOWED_ORIGINS = "allowed_origins", Some("https://vtaiwan.pages.dev https://vue.vtaiwan.tw http://localhost:3000 http://localhost:3001 http://localhost:4173 http://localhost:4174 http://localhost:8080 http://localhost:8081 https://vtaiwan.tw https://www.vtaiwan.tw https://talk.vtaiwan.tw");
    ALLOWED_HEADERS = "allowed_headers", Some("Content-Type, Authorization, sentry-trace, baggage, traceparent, tracestate, x-requested-with");
    DISCLOSE_ORIGINS = "disclose_origins", Some("true");
    REQUIRE_ORIGIN = "require_origin", Some("false");
    DEFAULT_ROOM = "default_room", Some("default-room");
    DEFAULT_USER_ID = "default_user_id", Some("user123");
    DEFAULT_USER_NAME = "default_user_name", Some("Your User");
    DEFAULT_USER_EMAIL = "default_user_email", Some("user@example.com");
    DEFAULT_MODERATOR = "default_moderator", Some("true");
    TOKEN_TTL_SECONDS = "token_ttl_seconds", Some("3600");
    TOKEN_LEEWAY_SECONDS = "token_leeway_seconds", Some("60");
    MODERATOR_FEATURES = "moderator_features", Some("livestreaming, outbound-call");
    MEMBER_FEATURES = "member_features", Some("");
    ALLOWED_ROOMS = "allowed_rooms", Some("");
    AUTH_MODE = "auth_mode", Some("none");
    AUTH_HS256_SECRET = "auth_hs256_secret", Some("");
    AUTH_PUBLIC_KEY = "auth_public_key", Some("");
    AUTH_JWKS = "auth_jwks", Some("");
    AUTH_JWKS_URL = "auth_jwks_url", Some("");
    AUTH_JWKS_ORIGIN = "auth_jwks_origin", Some("https://unset.invalid");
    AUTH_JWKS_MAX_STALE_SECONDS = "auth_jwks_max_stale_seconds", Some("86400");
    AUTH_ISSUER = "auth_issuer", Some("");
    AUTH_AUDIENCE = "auth_audience", Some("");
    AUTH_MODERATOR_CLAIM = "auth_moderator_claim", Some("moderator");
    AUTH_MODERATOR_VALUES = "auth_moderator_values", Some("");
    AUTH_VISITOR_VALUES = "auth_visitor_values", Some("");
    AUTH_AUDIENCE_CLAIM = "auth_audience_claim", Some("aud");
    AUTH_REQUIRED_CLAIM = "auth_required_claim", Some("");
    AUTH_REQUIRED_VALUES = "auth_required_values", Some("");
    AUTH_ID_CLAIM = "auth_id_claim", Some("sub");
    AUTH_NAME_CLAIM = "auth_name_claim", Some("name");
    AUTH_PICTURE_CLAIM = "auth_picture_claim", Some("picture");
    AUTH_EMAIL_CLAIM = "auth_email_claim", Some("email");
    AUTH_ROOMS_CLAIM = "auth_rooms_claim", Some("rooms");
    AUTH_REQUEST_NAME = "auth_request_name", Some("true");
    GUEST_ROOMS = "guest_rooms", Some("");
    INVITATION_SECRET = "invitation_secret", Some("");
    INVITATION_LINK = "invitation_link", Some("");
    INVITATIONS_NOT_BEFORE = "invitations_not_before", Some("");
    JAAS_WEBHOOK_SECRET = "jaas_webhook_secret", Some("");
    JAAS_WEBHOOK_AUTHORIZATION = "jaas_webhook_authorization", Some("");
    ROOM_SETTINGS = "room_settings", Some("");
    MONTHLY_USER_LIMIT = "monthly_user_limit", Some("0");
    MONTHLY_USER_RESERVE = "monthly_user_reserve", Some("20%");
    BILLING_DAY = "billing_day", Some("1");
    COUNT_ISSUED = "count_issued", Some("false");
    OPERATOR_TOKEN = "operator_token", Some("");
    SIGNING_ENGINE = "signing_engine", Some("jwt-simple");
}

//! Values that stand in descriptions, and work nowhere.

/// Variables whose values 8x8, a login or a browser must know.
const KNOWN_ELSEWHERE: [&str; 9] = [
    "jaas_app_id",
    "jaas_key_id",
    "jaas_private_key",
    "allowed_origins",
    "auth_hs256_secret",
    "auth_jwks_url",
    "auth_jwks_origin",
    "auth_issuer",
    "auth_audience",
];

/// Values of examples: the Worker's description, 8x8's and this project's pages, and `cargo dev up` without a key.
const EXAMPLES: [&str; 15] = [
    "your_",
    "your-",
    "…",
    "...",
    "changeme",
    "change-me",
    "example.com",
    "example.net",
    "example.org",
    ".example",
    "vpaas-magic-cookie-00000000000000000000000000000000",
    "vpaas-magic-cookie-1fc542a3e4414a44b2611668195e2bfe",
    "vpaas-magic-cookie-xxxx",
    "/xxxxxx",
    "0123456789abcdef0123456789abcdef",
];

/// Whether a variable has the value of an example, although others must know it.
pub fn is_placeholder(variable: &str, value: &str) -> bool {
    let lower = value.to_lowercase();
    KNOWN_ELSEWHERE.contains(&variable) && EXAMPLES.iter().any(|example| lower.contains(example))
}

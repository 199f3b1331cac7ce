//! Example values, which do not work anywhere.

/// Variables whose values must be known to 8x8, a login or a browser.
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

/// Parts of example values: from the documentation of the Worker, of 8x8 and of this project, and from `cargo dev up`
/// without a key.
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

/// Returns whether a variable that others must know has an example value.
pub fn is_placeholder(variable: &str, value: &str) -> bool {
    let lower = value.to_lowercase();
    KNOWN_ELSEWHERE.contains(&variable) && EXAMPLES.iter().any(|example| lower.contains(example))
}

//! A login that signs its callers' credentials.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::now;
use crate::settings::Settings;

pub use crate::hs256::{sign as sign_exactly, signing_input};

pub const ISSUER: &str = "https://login.example";
pub const AUDIENCE: &str = "jaas";
pub const SUBJECT: &str = "by-credential";

/// The header of a valid credential.
const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// Returns settings that require a credential and verify it with the key in `variable`.
pub fn verified_by(variable: &str, key: &str) -> Settings {
    Settings::good().set_all(&[
        ("auth_mode", "required"),
        (variable, key),
        ("auth_issuer", ISSUER),
        ("auth_audience", AUDIENCE),
    ])
}

/// A login with a random shared secret.
pub struct Login {
    pub secret: String,
}

impl Login {
    #[allow(clippy::new_without_default, reason = "each is another")]
    pub fn new() -> Self {
        let mut bytes = [0; 32];
        ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes)
            .expect("random bytes");
        Self {
            secret: URL_SAFE_NO_PAD.encode(bytes),
        }
    }

    /// Returns settings that accept this login's credentials; with `auth_mode` `none`, they require no credential.
    pub fn configure(&self, auth_mode: &str) -> Settings {
        if auth_mode == "none" {
            return Settings::good().set("auth_mode", auth_mode);
        }
        verified_by("auth_hs256_secret", &self.secret).set("auth_mode", auth_mode)
    }

    /// Signs a credential that is valid for a minute. `changes` adds or replaces claims; `null` removes one.
    pub fn sign(&self, changes: &Value) -> String {
        self.sign_text(&payload(changes))
    }

    /// Signs a credential with exactly this payload.
    pub fn sign_text(&self, payload: &str) -> String {
        sign_exactly(&self.secret, HEADER, payload)
    }
}

/// Returns the payload of a valid credential with `changes` applied.
pub fn payload(changes: &Value) -> String {
    let mut claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": SUBJECT, "exp": now() + 60,
    });
    let object = claims.as_object_mut().expect("an object");
    for (name, value) in changes.as_object().expect("an object") {
        if value.is_null() {
            object.remove(name);
        } else {
            object.insert(name.clone(), value.clone());
        }
    }
    claims.to_string()
}

//! The three credentials of 8x8, beyond what the service itself demands of them.

use jaas_jwt::config::{Config, variable};
use jaas_jwt::private_key::PrivateKeyText;

use crate::facts::Facts;
use crate::finding::{Finding, Kind};
use crate::values::set;

/// The name of the engine that is the default.
const JWT_SIMPLE: &str = "jwt-simple";

/// The length that 8x8's instructions make (`ssh-keygen -b 4096`), in bits.
const RECOMMENDED_BITS: usize = 4096;

/// The public half of the key: modulus and exponent, big-endian.
pub struct PublicHalf {
    /// The modulus.
    pub n: Vec<u8>,
    /// The exponent.
    pub e: Vec<u8>,
}

impl PublicHalf {
    /// That of the configured key, if it can be used.
    pub fn of(facts: &Facts) -> Option<Self> {
        let text = facts.value(variable::PRIVATE_KEY.name)?.trim().to_owned();
        let key = PrivateKeyText::new(text).parse().ok()?;
        let components = key.public_key().to_components();
        Some(Self {
            n: components.n,
            e: components.e,
        })
    }

    /// The length of the modulus.
    fn bits(&self) -> usize {
        let digits = self.n.iter().skip_while(|byte| **byte == 0);
        let zeros = digits.clone().next().map_or(0, |byte| byte.leading_zeros());
        digits.count() * 8 - zeros as usize
    }
}

/// Remarks on the credentials.
pub fn examine(facts: &Facts, config: &Config, key: Option<&PublicHalf>, found: &mut Vec<Finding>) {
    let of = |variable: jaas_jwt::config::Variable| {
        facts.value(variable.name).unwrap_or_default().trim()
    };
    let app_id = of(variable::APP_ID);
    if !config.is_wrong(variable::APP_ID) && app_id.bytes().any(|b| b.is_ascii_uppercase()) {
        found.push(Finding::of_variable(
            Kind::AppIdCase,
            variable::APP_ID.name,
            "has capital letters, which no App ID of 8x8 has, and Jitsi compares it letter by letter.",
            "copy it from the API Keys page of https://jaas.8x8.vc",
        ));
    }
    let key_id = of(variable::KEY_ID);
    if !config.is_wrong(variable::KEY_ID) && !key_id.is_empty() && !key_id.contains('/') {
        found.push(Finding::of_variable(
            Kind::KeyIdAlone,
            variable::KEY_ID.name,
            "comes without the App ID before it, which is put in; other software that makes tokens does not do that.",
            set(variable::KEY_ID.name, "APP_ID/KEY_ID"),
        ));
    }
    let Some(key) = key else { return };
    if key.bits() < RECOMMENDED_BITS {
        found.push(Finding::of_variable(
            Kind::KeyBits,
            variable::PRIVATE_KEY.name,
            format!(
                "has {} bits; 8x8's instructions make {RECOMMENDED_BITS}, which are stronger and slower to sign with.",
                key.bits()
            ),
            "ssh-keygen -t rsa -b 4096 -m PEM -N '' -f key.pem, and give 8x8 the output of `openssl pkey -in key.pem -pubout`",
        ));
    }
    if key.bits() == RECOMMENDED_BITS && of(variable::SIGNING_ENGINE) == JWT_SIMPLE {
        found.push(Finding::of_variable(
            Kind::EngineSlow,
            variable::SIGNING_ENGINE.name,
            format!(
                "is jwt-simple, whose signature by a key of {RECOMMENDED_BITS} bits took 34 ms of a processor where rs256 took 7 ms (docs/performance.md); the tokens are the same."
            ),
            set(variable::SIGNING_ENGINE.name, "rs256"),
        ));
    }
    let is_throw_away = facts
        .throw_away_key
        .as_deref()
        .is_some_and(|pem| pem.trim() == of(variable::PRIVATE_KEY));
    if is_throw_away {
        found.push(Finding::of_variable(
            Kind::ThrowAwayKey,
            variable::PRIVATE_KEY.name,
            "is the throw-away key of this project's folder, which 8x8 does not know.",
            set(variable::PRIVATE_KEY.name, "\"$(cat key.pem)\""),
        ));
    }
}

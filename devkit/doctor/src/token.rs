//! A token, signed by the service's own code, and judged by code that knows nothing of the service.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use devkit_rules::{FEATURES_BY_ROLE, PASSED_ON_A_SLOW_CLOCK, WEB_CLIENT_CHECKS, violations};
use jaas_jwt::config::{Config, variable};
use jaas_jwt::parameters::{name, split_names};
use jaas_jwt::service::{self, Environment, Request, TOKEN_PATH};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde::Serialize;

use crate::credentials::PublicHalf;
use crate::facts::Facts;
use crate::finding::{Finding, Kind, Subject};
use crate::values::set;

/// The command that tells whether a key is whole.
const CHECK_KEY: &str = "openssl rsa -in key.pem -check -noout";

/// How the token did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judgement {
    /// The web client's checks, in its order.
    pub checks: Vec<Check>,
    /// Whether another implementation accepts the signature.
    pub signature_verified: bool,
}

/// One of the web client's checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What must be.
    pub name: &'static str,
    /// Whether it is.
    pub ok: bool,
}

/// Signs a token as for a page of the first allowed origin, for a room that is open.
///
/// Nobody here has a credential of the login, so that `auth_mode` is left out.
///
/// # Errors
/// What the service answers instead.
pub fn sign(facts: &Facts, now: u64) -> Result<String, Finding> {
    let config = Config::read(|wanted| {
        Ok(if wanted == variable::AUTH_MODE.name {
            Some("none".to_owned())
        } else {
            facts.value(wanted).map(str::to_owned)
        })
    });
    let origin = config.allowed_origins.to_vec().into_iter().next();
    let headers = origin.map(|origin| {
        let origin = origin.replacen('*', "www", 1);
        ("origin".to_owned(), origin.into_bytes())
    });
    let answer = service::handle(
        &config,
        Request {
            method: "GET".to_owned(),
            target: format!("{TOKEN_PATH}{}", query(facts, &config)),
            headers: headers.into_iter().collect(),
            body: std::io::empty(),
        },
        Environment {
            now,
            random: &mut random,
        },
    );
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    match body["token"].as_str() {
        Some(token) if answer.status == 200 => Ok(token.to_owned()),
        _ => Err(Finding::new(
            Kind::TokenRefused,
            Subject::Token,
            format!(
                "was not made: the service answers {} with \"{}\".",
                answer.status,
                body["error"].as_str().unwrap_or("no message")
            ),
            if answer.status == 403 {
                set(variable::ALLOWED_ORIGINS.name, "https://app.example.org")
            } else {
                CHECK_KEY.to_owned()
            },
        )),
    }
}

/// Names a room where the default is none or is closed.
fn query(facts: &Facts, config: &Config) -> String {
    let rooms = config.allowed_rooms.as_ref();
    let default = config.defaults.room.as_ref();
    if default.is_some_and(|room| rooms.is_none_or(|rooms| rooms.contains(room))) {
        return String::new();
    }
    let list = facts
        .value(variable::ALLOWED_ROOMS.name)
        .unwrap_or_default();
    let first = split_names(list).next().unwrap_or_default();
    let room = match first.replace('*', "").trim() {
        "" => "doctor".to_owned(),
        room => room.to_owned(),
    };
    let query = url::form_urlencoded::Serializer::new("?".to_owned())
        .append_pair(name::ROOM, &room)
        .finish();
    query.replacen("?&", "?", 1)
}

/// Bits for made-up ids. The token is thrown away, so that none at all would do.
fn random() -> [u8; 16] {
    let mut bits = [0; 16];
    let _ = SystemRandom::new().fill(&mut bits);
    bits
}

/// Judges a token; `now` is in seconds since 1970-01-01 UTC.
///
/// What variables decide, and other findings tell, is no finding here: features of members, and a short leeway.
#[must_use]
pub fn judge(token: &str, key: &PublicHalf, now: i64) -> (Judgement, Vec<Finding>) {
    let broken: Vec<&str> = violations(token, now)
        .into_iter()
        .map(|violation| violation.rule)
        .filter(|rule| ![FEATURES_BY_ROLE, PASSED_ON_A_SLOW_CLOCK].contains(rule))
        .collect();
    let mut findings: Vec<Finding> = broken
        .iter()
        .map(|rule| {
            Finding::new(
                Kind::TokenRule,
                Subject::Token,
                format!("breaks a rule of Jitsi's: {rule}."),
                "report this as a mistake of the service; no setting does it",
            )
        })
        .collect();
    let signature_verified = is_signed(token, key);
    if !signature_verified {
        findings.push(Finding::new(
            Kind::TokenSignature,
            Subject::Token,
            "has a signature that does not belong to the key.",
            CHECK_KEY,
        ));
    }
    // What does not decode cannot pass a later check either.
    let mut undecoded = false;
    let checks = WEB_CLIENT_CHECKS.iter().map(|(name, rules)| {
        let ok = !undecoded && !rules.iter().any(|rule| broken.contains(rule));
        undecoded |= !ok && name.ends_with("decodes");
        Check { name, ok }
    });
    let judgement = Judgement {
        checks: checks.collect(),
        signature_verified,
    };
    (judgement, findings)
}

fn is_signed(token: &str, key: &PublicHalf) -> bool {
    let Some((message, signature)) = token.rsplit_once('.') else {
        return false;
    };
    let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else {
        return false;
    };
    let key = RsaPublicKeyComponents {
        n: &key.n,
        e: &key.e,
    };
    key.verify(&RSA_PKCS1_2048_8192_SHA256, message.as_bytes(), &signature)
        .is_ok()
}

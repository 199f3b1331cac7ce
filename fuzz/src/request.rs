//! A token request. The first byte is its form: `q`, a query; `f`, a form; `j`, JSON. The second byte chooses the
//! configuration and the caller. Granted requests become tokens without a valid signature, which must follow the rules.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jaas_jwt::caller::Caller;
use jaas_jwt::config::Config;
use jaas_jwt::error::Error;
use jaas_jwt::http::Headers;
use jaas_jwt::policy;
use jaas_jwt::request::{self, TokenRequest};
use jaas_jwt::token::Claims;

use crate::fixture::{APP_ID, GOOD, KEY_ID, MARKER, NOW, SECRETS, fill};
use devkit_rules as rules;

pub fn run(input: &[u8]) {
    let [form, choice, text @ ..] = input else {
        return;
    };
    let good = &GOOD[usize::from(*choice) % GOOD.len()];
    let caller = match choice & 0x40 {
        0 => Caller::Anyone,
        _ => Caller::Guest,
    };
    let request = match form {
        b'j' => body("application/json", text),
        b'f' => body("application/x-www-form-urlencoded", text),
        _ => match std::str::from_utf8(text) {
            Ok(text) => TokenRequest::from_query(&fill(text)),
            Err(_) => return,
        },
    };
    let source = |name: &str| Ok(good.variable(name));
    let config = Config::new(&source);
    let decided = request.map_err(Error::from).and_then(|request| {
        let mut random = |bytes: &mut [u8]| bytes.fill(7);
        Ok(policy::decide(
            config.policy(),
            &caller,
            request,
            &mut random,
        )?)
    });
    match decided {
        Ok(grant) => {
            let claims = Claims::new(APP_ID, grant, config.validity(), NOW);
            let members_have_features = good.setting("member_features").is_some();
            check(&claims, members_have_features);
        }
        Err(error) => {
            assert!([400, 403, 413, 415].contains(&error.status()), "{error:?}");
            let line = error.log_line().with_origin(&Headers::default());
            for text in [error.message(), line] {
                assert!(!text.contains(MARKER), "{text}");
                SECRETS.check(text.as_bytes());
            }
        }
    }
}

fn body(media_type: &str, text: &[u8]) -> Result<TokenRequest, request::Error> {
    let headers = Headers::from([("content-type", media_type)]);
    match std::str::from_utf8(text) {
        Ok(text) => TokenRequest::from_post("", &headers, fill(text).as_bytes()),
        Err(_) => TokenRequest::from_post("", &headers, text),
    }
}

fn check(claims: &Claims, members_have_features: bool) {
    let header = format!(r#"{{"alg":"RS256","kid":"{KEY_ID}","typ":"JWT"}}"#);
    let payload = serde_json::to_vec(claims).expect("claims serialise");
    let token = format!(
        "{}.{}.c2lnbmF0dXJl",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(payload)
    );
    check_rules(&token, NOW, members_have_features);
}

/// Panics if the token breaks one of the tests' rules.
pub fn check_rules(token: &str, now: u64, members_have_features: bool) {
    let now = i64::try_from(now).expect("an instant that the rules know");
    let violations = rules::violations(token, now);
    let broken = violations
        .iter()
        .find(|found| !members_have_features || found.rule != rules::FEATURES_BY_ROLE);
    assert!(broken.is_none(), "{broken:?}");
}

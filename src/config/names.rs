//! The App ID and the key id, as 8x8 assigns them.
#![forbid(unsafe_code)]

use super::problem::Problem;
use super::variable;

/// The prefix of every App ID.
const APP_ID_PREFIX: &str = "vpaas-magic-cookie-";
/// The suffix of the id of the key with which 8x8's console signs its own sample app. That private key is not published.
const SAMPLE_SUFFIX: &str = "-SAMPLE_APP";

pub(super) fn parse_app_id(text: &str) -> Result<String, Problem> {
    if text.is_empty() {
        return Err(Problem::missing(variable::APP_ID));
    }
    let hex = text.strip_prefix(APP_ID_PREFIX).unwrap_or_default();
    if hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        Ok(text.to_owned())
    } else {
        Err(Problem::invalid(
            variable::APP_ID,
            "is not an App ID, which is vpaas-magic-cookie- and 32 hexadecimal digits; copy it from the API Keys page of https://jaas.8x8.vc.",
        ))
    }
}

/// Parses the `kid` header. The web client splits it at the slash and compares the first part with `sub`, case-sensitively.
pub(super) fn parse_key_id(text: &str, app_id: Option<&str>) -> Result<String, Problem> {
    let invalid = |message| Err(Problem::invalid(variable::KEY_ID, message));
    if text.is_empty() {
        return Err(Problem::missing(variable::KEY_ID));
    }
    let (prefix, id) = match text.split_once('/') {
        Some((prefix, id)) => (Some(prefix), id),
        None => (None, text),
    };
    let is_id = (1..=64).contains(&id.len())
        && !id.starts_with(APP_ID_PREFIX)
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if !is_id {
        return invalid(
            "is not a key id, which is <App ID>/<id> with 1 to 64 letters, digits, - or _ as the id; copy it from the API Keys page of https://jaas.8x8.vc.",
        );
    }
    if id.to_ascii_uppercase().ends_with(SAMPLE_SUFFIX) {
        return invalid(
            "belongs to the sample app of 8x8's console, whose private key you do not have; upload the public key of your own pair on the API Keys page of https://jaas.8x8.vc and set the id that it gets.",
        );
    }
    match (prefix, app_id) {
        (Some(prefix), Some(app_id)) if prefix != app_id => invalid(
            "belongs to another App ID than jaas_app_id; copy both from the same line of the API Keys page of https://jaas.8x8.vc.",
        ),
        // Without a valid App ID there is nothing to compare with, and its problem is reported already.
        (_, app_id) => Ok(format!("{}/{id}", app_id.unwrap_or_default())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::APP_ID;

    #[test]
    fn an_app_id_has_its_prefix_and_32_hexadecimal_digits() {
        for (text, good) in [
            (APP_ID, true),
            ("vpaas-magic-cookie-1FC542A3E4414A44B2611668195E2BFE", true),
            ("vpaas-magic-cookie-1fc542a3e4414a44b2611668195e2bf", false),
            (
                "vpaas-magic-cookie-1fc542a3e4414a44b2611668195e2bfeb",
                false,
            ),
            ("vpaas-magic-cookie-1fc542a3e4414a44b2611668195e2bfg", false),
            ("1fc542a3e4414a44b2611668195e2bfe", false),
            ("your_app_id_here", false),
            ("", false),
        ] {
            assert_eq!(parse_app_id(text).is_ok(), good, "{text}");
        }
    }

    #[test]
    fn a_key_id_is_completed_and_compared_with_the_app_id() {
        let kid = format!("{APP_ID}/4f4910");
        let other = "vpaas-magic-cookie-00000000000000000000000000000000/4f4910";
        for (text, expected) in [
            (kid.as_str(), Ok(kid.clone())),
            ("4f4910", Ok(kid.clone())),
            (other, Err("belongs to another App ID")),
            (&kid.to_uppercase(), Err("belongs to another App ID")),
            (APP_ID, Err("is not a key id")),
            ("/4f4910", Err("belongs to another App ID")),
            (&format!("{APP_ID}/"), Err("is not a key id")),
            (&format!("{APP_ID}/a/b"), Err("is not a key id")),
            ("4f 4910", Err("is not a key id")),
            ("", Err("is not set")),
            (&format!("{APP_ID}/fee1bc-SAMPLE_APP"), Err("sample app")),
            ("fee1bc-sample_app", Err("sample app")),
        ] {
            match (parse_key_id(text, Some(APP_ID)), expected) {
                (Ok(kid), Ok(expected)) => assert_eq!(kid, expected, "{text}"),
                (Err(problem), Err(part)) => {
                    assert!(problem.to_string().contains(part), "{text}: {problem}");
                }
                (parsed, _) => panic!("{text}: {parsed:?}"),
            }
        }
    }
}

//! No output contains a part of a secret, whatever is wrong with the configuration.

use std::collections::HashSet;

use crate::setup::{Setup, short_key};

/// The length of the pieces that are searched for: a match of this length is not a coincidence.
pub const PIECE: usize = 12;

/// Searches for pieces of secrets.
pub struct Search(HashSet<Vec<u8>>);

impl Search {
    /// Searches for all pieces of these texts, without line breaks.
    pub fn new(secrets: &[&str]) -> Self {
        let pieces = secrets.iter().flat_map(|secret| {
            let bytes: Vec<u8> = secret
                .bytes()
                .filter(|b| !b.is_ascii_whitespace())
                .collect();
            bytes.windows(PIECE).map(<[u8]>::to_vec).collect::<Vec<_>>()
        });
        Self(pieces.collect())
    }

    pub fn find(&self, text: &str) -> Option<String> {
        text.as_bytes()
            .windows(PIECE)
            .find(|piece| self.0.contains(*piece))
            .map(|piece| String::from_utf8_lossy(piece).into_owned())
    }
}

/// Returns the text between the first and the last line of a PEM.
pub fn body(pem: &str) -> String {
    pem.lines().filter(|line| !line.starts_with('-')).collect()
}

#[test]
fn a_piece_would_be_found() {
    let search = Search::new(&["abcdefghijklmnop"]);
    assert_eq!(
        search.find("x cdefghijklmn y").as_deref(),
        Some("cdefghijklmn")
    );
    assert_eq!(search.find("x cdefghijklm y"), None);
}

/// Returns the forms in which a key may end up in the wrong place, or wrongly in the right place.
pub fn shapes(pem: &str) -> Vec<String> {
    let body = body(pem);
    let line = pem.lines().nth(2).expect("a key has lines");
    vec![
        pem.to_owned(),
        pem.replace('\n', "\\n"),
        pem.replace('\n', "\r\n"),
        pem[..pem.len() / 2].to_owned(),
        pem.replace("BEGIN", "BEGINN"),
        pem.replace("PRIVATE", "PUBLIC"),
        pem.replace("PRIVATE", "OPENSSH PRIVATE"),
        pem.replacen("MII", "M!!", 1),
        format!("\"{pem}"),
        format!("'{pem}'\\"),
        format!("https://{line}.example"),
        format!("https://user:{line}@vtaiwan.tw/{line}"),
        format!("{{\"keys\":[{{\"kid\":\"{line}\",\"d\":\"{line}\"}}]}}"),
        format!("${{{line}}}"),
        format!("/{line}.pem"),
        format!("{APP}/{line}", APP = crate::setup::APP_ID),
        line.to_owned(),
        body.to_lowercase(),
        body.to_uppercase(),
        body,
    ]
}

/// Uses a short key, which signs faster.
fn good() -> Setup {
    Setup::faultless().set("jaas_private_key", short_key())
}

#[test]
fn no_output_holds_a_piece_of_a_key_wherever_it_was_pasted() {
    let secret = body(short_key());
    let login = &good().facts();
    let login = login.settings.value("auth_hs256_secret").expect("a secret");
    let search = Search::new(&[
        &secret,
        &secret.to_lowercase(),
        &secret.to_uppercase(),
        login,
    ]);
    let mut seen = 0;
    let mut check = |setup: Setup, what: &str| {
        let report = setup.report();
        for text in [report.text(), report.json(), format!("{report:?}")] {
            assert_eq!(search.find(&text), None, "{what}:\n{text}");
            seen += 1;
        }
    };
    for shape in shapes(short_key()) {
        for declared in good().facts().variables {
            let name = declared.name.as_str();
            check(good().set(name, &shape).production(), name);
            let in_file = declared.name.to_uppercase();
            check(good().entry(&in_file, &shape), &in_file);
        }
        // In place of a name.
        check(good().entry(&shape, "x"), "a name in a file");
        check(good().environment(&shape, "x"), "a name");
        let name = format!("SPIN_VARIABLE_{shape}");
        check(good().environment(&name, "x"), "a name");
        let quoted = toml_string(&shape);
        for line in [
            format!("{quoted} = \"x\""),
            format!("allowed_origins = {quoted}"),
        ] {
            let config = format!(
                "[[variables_provider]]\ntype = \"static\"\n[variables_provider.values]\n{line}\n"
            );
            check(good().with(|s| s.runtime_config = config), "a provider");
        }
        let config = format!("[[variables_provider]]\ntype = {quoted}\n");
        check(
            good().with(|s| s.runtime_config = config),
            "a provider's type",
        );
    }
    assert!(seen > 2500, "{seen}");
}

/// Returns a TOML string, written like in JSON.
fn toml_string(text: &str) -> String {
    serde_json::to_string(text).expect("a string")
}

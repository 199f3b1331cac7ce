use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

fn error_of(text: &str) -> Error {
    match PrivateKeyText::new(text.to_owned()).parse() {
        Ok(_) => panic!("accepted"),
        Err(error) => error,
    }
}

/// A PEM block, assembled here so that no file of the repository looks like a key.
fn block(tag: &str, body: &str) -> String {
    format!("-----BEGIN {tag}-----\n{body}\n-----END {tag}-----\n")
}

/// A 2048-bit key, generated for this run.
fn key_pem() -> &'static str {
    static PEM: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    PEM.get_or_init(|| RS256KeyPair::generate(2048).unwrap().to_pem().unwrap())
}

fn base64_url(bytes: &[u8]) -> String {
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

fn percent(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[test]
fn every_shape_gives_the_same_key() {
    let pem = key_pem();
    let der = PrivateKeyText::new(pem.into())
        .parse()
        .unwrap()
        .to_der()
        .unwrap();
    let base64 = STANDARD.encode(pem);
    let body: String = pem
        .lines()
        .filter(|line| !line.starts_with('-'))
        .map(|line| format!("{line}\n"))
        .collect();
    let pkcs1 = STANDARD.encode(
        pkcs8::PrivateKeyInfo::try_from(&der[..])
            .unwrap()
            .private_key,
    );
    let wrapped: Vec<_> = base64
        .as_bytes()
        .chunks(76)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    for (shape, text) in [
        ("CRLF", pem.replace('\n', "\r\n")),
        ("no final line break", pem.trim_end().to_owned()),
        ("more line breaks around it", format!("\n\n{pem}\n\n")),
        ("literal \\n", pem.replace('\n', "\\n")),
        ("literal \\r\\n", pem.replace('\n', "\\r\\n")),
        ("literal \\\\n", pem.replace('\n', "\\\\n")),
        ("spaces for line breaks", pem.replace('\n', " ")),
        ("no line breaks at all", pem.replace('\n', "")),
        ("leading spaces", pem.replace('\n', "\n    ")),
        ("double quotes", format!("\"{pem}\"")),
        (
            "single quotes, one line",
            format!("'{}'", pem.replace('\n', "\\n")),
        ),
        ("a byte order mark", format!("\u{feff}{pem}")),
        ("text before", format!("Key ID: abc123\n{pem}")),
        ("base64", base64.clone()),
        ("base64 in lines", wrapped.join("\n")),
        (
            "base64 without padding",
            base64.trim_end_matches('=').to_owned(),
        ),
        (
            "base64 of one line",
            STANDARD.encode(pem.replace('\n', "\\n")),
        ),
        (
            "after a certificate",
            format!("{}{pem}", block("CERTIFICATE", "AAAA")),
        ),
        ("blank lines inside", pem.replace('\n', "\n\n")),
        ("blank lines with spaces", pem.replace('\n', "\r\n \t\r\n")),
        ("a header", pem.replacen('\n', "\nKey-Id: abc\n\n", 1)),
        ("the body alone", body.clone()),
        ("the body alone, in one line", body.replace('\n', "")),
        ("DER in base64", STANDARD.encode(&der)),
        ("DER in base64url", base64_url(&der)),
        ("PEM in base64url", base64_url(pem.as_bytes())),
        ("the body in base64", STANDARD.encode(&body)),
        ("base64 of base64", STANDARD.encode(&base64)),
        (
            "PEM in DOS lines in base64",
            STANDARD.encode(pem.replace('\n', "\r\n")),
        ),
        ("PKCS#1", block("RSA PRIVATE KEY", &pkcs1)),
        (
            "PKCS#1 under the label of PKCS#8",
            block("PRIVATE KEY", &pkcs1),
        ),
        ("PKCS#1, the body alone", pkcs1.clone()),
        ("%0A", pem.replace('\n', "%0A")),
        ("%0d%0a", pem.replace('\n', "%0d%0a")),
        ("%250A", pem.replace('\n', "%250A")),
        ("percent-encoded", percent(pem)),
        ("percent-encoded twice", percent(&percent(pem))),
        (
            "percent-encoded by a form",
            percent(pem).replace("%20", "+"),
        ),
        (
            "percent-encoded by a form, twice",
            percent(&percent(pem).replace("%20", "+")),
        ),
        ("the percent-encoded body alone", percent(&body)),
        ("percent-encoded base64", percent(&base64)),
        ("\\u000a", pem.replace('\n', "\\u000a")),
        ("\\u000D\\u000A", pem.replace('\n', "\\u000D\\u000A")),
        (
            "a JSON string",
            serde_json::to_string(pem).unwrap().replace('/', "\\/"),
        ),
        (
            "a JSON string in a JSON string",
            serde_json::to_string(&serde_json::to_string(pem).unwrap()).unwrap(),
        ),
        ("&#10;", pem.replace('\n', "&#10;")),
        ("&#xD;&#xA;", pem.replace('\n', "&#xD;&#xA;")),
        ("`n", pem.replace('\n', "`n")),
        ("&#xa;", pem.replace('\n', "&#xa;")),
        ("\\x0a", pem.replace('\n', "\\x0a")),
        ("\\012", pem.replace('\n', "\\012")),
        ("<br>", pem.replace('\n', "<br>\n")),
        (
            "no-break spaces",
            pem.replace(" PRIVATE ", "\u{a0}PRIVATE\u{a0}"),
        ),
        ("line separators", pem.replace('\n', "\u{2028}")),
        ("tabs", pem.replace('\n', "\n\t")),
    ] {
        let parsed = PrivateKeyText::new(text).parse();
        // Not `assert_eq`, which would print the key.
        assert!(
            parsed.is_ok_and(|key| key.to_der().unwrap() == der),
            "{shape}"
        );
    }
}

fn key() -> RS256KeyPair {
    PrivateKeyText::new(key_pem().into()).parse().unwrap()
}

#[test]
fn each_wrong_kind_is_told_apart() {
    let pem = key_pem();
    let encrypted = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA";
    for (text, error) in [
        ("x".repeat(pem::MAX_BYTES + 1), Error::TooLong),
        ("your_private_key".into(), Error::NoPem),
        (STANDARD.encode("nothing"), Error::NoPem),
        (pem.lines().skip(1).collect(), Error::NoPem),
        (pem[..pem.len() / 2].into(), Error::CutOff),
        (pem.lines().next().unwrap().into(), Error::CutOff),
        (pem.replace("END", "end"), Error::CutOff),
        (pem.replacen("MI", "M!", 1), Error::Damaged),
        (block("OPENSSH PRIVATE KEY", "AAAA"), Error::OpenSsh),
        (block("ENCRYPTED PRIVATE KEY", "AAAA"), Error::Encrypted),
        (block("RSA PRIVATE KEY", encrypted), Error::Encrypted),
        (
            block("RSA PRIVATE KEY", encrypted).replace('\n', " "),
            Error::Encrypted,
        ),
        (block("PUBLIC KEY", "AAAA"), Error::Public),
        (block("RSA PUBLIC KEY", "AAAA"), Error::Public),
        ("ssh-rsa AAAA me@host".into(), Error::Public),
        (block("CERTIFICATE", "AAAA"), Error::Certificate),
        (block("CERTIFICATE REQUEST", "AAAA"), Error::Certificate),
        (block("EC PRIVATE KEY", "AAAA"), Error::NotRsa),
        (
            ["EC PARAMETERS", "EC PRIVATE KEY"]
                .map(|tag| block(tag, "AAAA"))
                .concat(),
            Error::NotRsa,
        ),
        (block("EC PARAMETERS", "AAAA"), Error::NotRsa),
        (block("DSA PRIVATE KEY", "AAAA"), Error::NotRsa),
        (block("ЗАКРЫТЫЙ КЛЮЧ", "AAAA"), Error::UnknownLabel),
        (block("PRIVATE KEZ", "AAAA"), Error::UnknownLabel),
        (block("RSA  PRIVATE KEY", "AAAA"), Error::UnknownLabel),
        (block("", "AAAA"), Error::UnknownLabel),
        (block("PGP PRIVATE KEY BLOCK", "AAAA"), Error::UnknownLabel),
        (pem.repeat(2), Error::Several),
        (block("PRIVATE KEY", "AAAA"), Error::Inconsistent),
        (block("RSA PRIVATE KEY", ""), Error::Inconsistent),
    ] {
        assert_eq!(error_of(&text), error, "{error:?}");
    }
}

#[test]
fn a_key_for_another_algorithm_is_told_from_a_damaged_one() {
    let pem = jwt_simple::prelude::ES256KeyPair::generate()
        .to_pem()
        .unwrap();
    assert_eq!(error_of(&pem), Error::NotRsa);
    let body = |pem: &str| {
        pem.lines()
            .filter(|line| !line.starts_with('-'))
            .collect::<String>()
    };
    assert_eq!(error_of(&body(&pem)), Error::NotRsa);
    let pem = jwt_simple::prelude::Ed25519KeyPair::generate().to_pem();
    assert_eq!(error_of(&pem), Error::NotRsa);
}

#[test]
fn every_message_ends_with_a_command() {
    use Error::*;
    for error in [
        TooLong,
        NoPem,
        CutOff,
        Damaged,
        OpenSsh,
        Encrypted,
        Public,
        Certificate,
        UnknownLabel,
        NotRsa,
        Several,
        TooShort,
        TooLarge,
        Inconsistent,
    ] {
        let message = error.to_string();
        assert!(message.contains("`openssl "), "{message}");
        assert!(message.ends_with('.'), "{message}");
    }
}

#[test]
fn the_text_of_a_key_does_not_show_in_debug_output() {
    let text = PrivateKeyText::new("hunter2".into());
    assert!(!format!("{text:?}").contains("hunter2"));
}

#[test]
fn der_without_its_lines_is_told_by_its_outermost_elements() {
    let tlv = |tag: u8, value: &[u8]| [&[tag, value.len() as u8], value].concat();
    let sequence = |parts: &[&[u8]]| STANDARD.encode(tlv(0x30, &parts.concat()));
    let (number, inner) = (tlv(2, &[1]), tlv(0x30, &[]));
    let (octets, bits) = (tlv(4, &[7]), tlv(3, &[0, 7]));
    for (der, error) in [
        (sequence(&[&number, &octets]), Error::NotRsa),
        (sequence(&[&inner, &octets]), Error::Encrypted),
        (sequence(&[&inner, &bits]), Error::Public),
        (sequence(&[&number, &number]), Error::Public),
        (sequence(&[&inner, &inner, &bits]), Error::Certificate),
        (sequence(&[&number, &number, &number]), Error::Inconsistent),
        (sequence(&[&number, &inner, &octets]), Error::Inconsistent),
        (sequence(&[&octets, &octets]), Error::NoPem),
        (sequence(&[]), Error::NoPem),
    ] {
        assert_eq!(error_of(&der), error, "{der}");
    }
    // Truncated, or with trailing data.
    let der = key().to_der().unwrap();
    assert_eq!(
        error_of(&STANDARD.encode(&der[..der.len() - 1])),
        Error::NoPem
    );
    assert_eq!(
        error_of(&STANDARD.encode([&der[..], b"x"].concat())),
        Error::NoPem
    );
}

#[test]
fn no_text_is_too_odd_to_be_read() {
    let pem = key_pem();
    let odd = [
        "",
        "%",
        "%4",
        "\\",
        "`",
        "&#",
        "-----BEGIN",
        "-----BEGIN -----END ----------",
        "\"'\"",
        "\u{feff}",
        "%ff%fe",
    ];
    for text in odd {
        assert!(PrivateKeyText::new(text.into()).parse().is_err(), "{text}");
    }
    for end in (0..pem.len()).step_by(97) {
        let _ = PrivateKeyText::new(pem[..end].into()).parse();
        let _ = PrivateKeyText::new(pem[end..].into()).parse();
    }
}

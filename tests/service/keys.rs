//! Private keys: every kind, size and format that works, and a helpful message for each that does not.

use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::harness::{Server, Settings};
use crate::health::{assert_problems, health};
use crate::http::get;
use crate::key_material::{Kind, SIZES, key, openssl, openssl_key, pem_line, public_key, ssh_key};
use crate::signature;

/// Returns the formats in which a PEM file may end up in a variable.
fn shapes(pem: &str) -> Vec<(&'static str, String)> {
    let lines: Vec<&str> = pem.lines().collect();
    let body = &lines[1..lines.len() - 1];
    let wrapped = |text: &str, end: &str| {
        text.as_bytes()
            .chunks(76)
            .map(|line| format!("{}{end}", String::from_utf8_lossy(line)))
            .collect::<String>()
    };
    vec![
        ("the file as it is", pem.to_owned()),
        ("literal \\n", lines.join("\\n") + "\\n"),
        ("literal \\n, none at the end", lines.join("\\n")),
        ("literal \\r\\n", lines.join("\\r\\n")),
        ("base64 of the file", STANDARD.encode(pem)),
        (
            "base64 of the file, in lines",
            wrapped(&STANDARD.encode(pem), "\n"),
        ),
        ("CRLF", lines.join("\r\n") + "\r\n"),
        (
            "leading spaces",
            lines.iter().map(|line| format!("    {line}\n")).collect(),
        ),
        ("spaces around", format!(" \n {pem} \n ")),
        ("double quotes", format!("\"{pem}\"")),
        (
            "double quotes and literal \\n",
            format!("\"{}\"", lines.join("\\n")),
        ),
        ("single quotes", format!("'{pem}'")),
        (
            "base64 in quotes",
            format!("\"{}\"\n", STANDARD.encode(pem)),
        ),
        (
            "base64 in escaped quotes",
            format!("\\\"{}\\\"", STANDARD.encode(pem)),
        ),
        (
            "a byte order mark before base64",
            format!("\u{feff}{}", STANDARD.encode(pem)),
        ),
        (
            "base64 without BEGIN and END, in quotes",
            format!("'{}'", body.join("\\n")),
        ),
        ("no final newline", pem.trim_end().to_owned()),
        ("spaces for newlines", lines.join(" ")),
        ("blank lines inside", lines.join("\n\n")),
        ("blank lines with CRLF", lines.join("\r\n\r\n")),
        ("%0A for line ends", lines.join("%0A") + "%0A"),
        ("%0D%0A for line ends", lines.join("%0d%0a")),
        ("base64 without BEGIN and END", body.join("\n")),
        ("base64 without BEGIN and END, one line", body.concat()),
        ("DER in base64, in lines", wrapped(&body.concat(), "\n")),
        ("DER in base64url", {
            let text = body.concat().replace('+', "-").replace('/', "_");
            text.trim_end_matches('=').to_owned()
        }),
    ]
}

#[test]
fn every_kind_and_size_signs_in_every_shape() {
    thread::scope(|scope| {
        for kind in [Kind::Pkcs8, Kind::Pkcs1] {
            scope.spawn(move || {
                for bits in SIZES {
                    let key = key(kind, bits);
                    let label = match kind {
                        Kind::Pkcs8 => "PRIVATE KEY",
                        Kind::Pkcs1 => "RSA PRIVATE KEY",
                    };
                    assert!(key.pem.starts_with(&pem_line("BEGIN", label)));
                    for (index, (shape, value)) in shapes(&key.pem).iter().enumerate() {
                        let settings = Settings::with_key(key).set("jaas_private_key", value);
                        let server = Server::start(settings);
                        // Every response's signature is checked by the harness.
                        let response = server.send(&get(&[]));
                        assert_eq!(response.status, 200, "{kind:?} {bits}, {shape}: {response}");
                        if index == 0 {
                            let token = response.token().raw;
                            assert!(signature::is_valid_for_openssl(&token, server.key()));
                            assert_eq!(server.send(&health()).status, 200);
                        }
                    }
                }
            });
        }
    });
}

/// Every message contains one of these commands.
const COMMANDS: [&str; 2] = ["openssl ", "ssh-keygen "];

fn wrong_keys() -> Vec<(&'static str, String)> {
    let good = key(Kind::Pkcs8, 2048);
    let certificate = openssl(
        &[
            "req",
            "-x509",
            "-new",
            "-key",
            "/dev/stdin",
            "-subj",
            "/CN=test",
        ],
        &good.pem,
    );
    let body = |pem: &str| -> Vec<String> {
        pem.lines()
            .filter(|line| !line.starts_with('-'))
            .map(str::to_owned)
            .collect()
    };
    let in_pem = |label: &str, lines: &[String]| {
        format!(
            "{}\n{}\n{}\n",
            pem_line("BEGIN", label),
            lines.join("\n"),
            pem_line("END", label)
        )
    };
    let lines = body(&good.pem);
    let short = openssl_key(&["RSA", "-pkeyopt", "rsa_keygen_bits:1024"]);
    let mut damaged = lines.clone();
    damaged[3] = damaged[3].replace(|c: char| c.is_ascii_digit(), "!");
    vec![
        ("OpenSSH", ssh_key(&["-t", "rsa", "-b", "2048"], "")),
        (
            "encrypted PKCS #8",
            openssl_key(&["RSA", "-aes256", "-pass", "pass:secret"]),
        ),
        (
            "encrypted PKCS #1",
            ssh_key(&["-t", "rsa", "-b", "2048", "-m", "PEM"], "secret"),
        ),
        (
            "encrypted OpenSSH",
            ssh_key(&["-t", "rsa", "-b", "2048"], "secret"),
        ),
        ("public", good.public_pem.clone()),
        (
            "public PKCS #1",
            openssl(&["rsa", "-RSAPublicKey_out"], &good.pem),
        ),
        ("certificate", certificate),
        (
            "EC, SEC1",
            openssl(&["ecparam", "-name", "prime256v1", "-genkey", "-noout"], ""),
        ),
        (
            "EC, PKCS #8",
            openssl_key(&["EC", "-pkeyopt", "ec_paramgen_curve:P-256"]),
        ),
        ("Ed25519", openssl_key(&["ed25519"])),
        (
            "1024 bits, PKCS #1",
            ssh_key(&["-t", "rsa", "-b", "1024", "-m", "PEM"], ""),
        ),
        ("1024 bits, PKCS #8", short),
        ("a word", "correct-horse-battery".into()),
        (
            "base64 of a word",
            STANDARD.encode("correct horse battery staple, and more"),
        ),
        ("bytes", "\u{1}\u{2}公民\u{7f}".into()),
        ("a path", "/run/secrets/jaas.pem".into()),
        (
            "a public key without header and footer",
            body(&good.public_pem).concat(),
        ),
        ("header and footer alone", in_pem("PRIVATE KEY", &[])),
        ("truncated", good.pem[..good.pem.len() / 2].to_owned()),
        (
            "truncated inside",
            in_pem("PRIVATE KEY", &lines[..lines.len() / 2]),
        ),
        (
            "without footer",
            good.pem
                .lines()
                .take(lines.len() + 1)
                .map(|line| format!("{line}\n"))
                .collect(),
        ),
        ("not base64", in_pem("PRIVATE KEY", &damaged)),
        ("another label", in_pem("SECRET KEY", &lines)),
    ]
}

#[test]
fn every_wrong_key_is_a_500_with_a_command_that_repairs_it() {
    for (name, value) in wrong_keys() {
        for (shape, value) in [
            ("", value.clone()),
            (", in base64", STANDARD.encode(&value)),
        ] {
            let server = Server::start_broken(Settings::good().set("jaas_private_key", &value));
            let response = server.send(&get(&[]));
            assert_eq!(response.status, 500, "{name}{shape}: {response}");
            let message = response.error();
            assert!(
                message.contains("jaas_private_key"),
                "{name}{shape}: {message}"
            );
            assert!(
                COMMANDS.iter().any(|command| message.contains(command)),
                "{name}{shape} has no command: {message}"
            );
            let messages = assert_problems(&server, &["jaas_private_key"]);
            for text in messages.iter().chain([&message]) {
                for part in ["correct", "horse", "battery", "/run/secrets", "公民"] {
                    assert!(!text.contains(part), "{name}{shape}: {text}");
                }
            }
        }
    }
}

#[test]
fn wrong_kinds_have_messages_of_their_own() {
    let distinct = [
        "OpenSSH",
        "encrypted PKCS #8",
        "public",
        "certificate",
        "EC, SEC1",
        "1024 bits, PKCS #8",
        "a word",
    ];
    let mut messages: Vec<String> = wrong_keys()
        .into_iter()
        .filter(|(name, _)| distinct.contains(name))
        .map(|(_, value)| {
            let server = Server::start_broken(Settings::good().set("jaas_private_key", &value));
            server.send(&get(&[])).error()
        })
        .collect();
    messages.sort();
    messages.dedup();
    assert_eq!(messages.len(), distinct.len(), "{messages:#?}");
}

/// The intent is clear, so such a key may work; otherwise it is reported like any other wrong key.
#[test]
fn a_pkcs1_key_under_the_label_of_pkcs8_signs_or_is_told() {
    let key = key(Kind::Pkcs1, 2048);
    let value = key.pem.replace("RSA PRIVATE", "PRIVATE");
    let settings = Settings::with_key(key).set("jaas_private_key", &value);
    let server = Server::start_broken(settings);
    let response = server.send(&get(&[]));
    if response.status != 200 {
        assert_eq!(response.status, 500, "{response}");
        assert!(response.error().contains("jaas_private_key"), "{response}");
    }
}

#[test]
fn a_wrong_key_is_told_in_the_log_without_any_of_it() {
    let value = public_key(&key(Kind::Pkcs8, 2048).pem);
    let server = Server::start_broken(Settings::good().set("jaas_private_key", &value));
    let lines = server.log_of(|server| {
        assert_eq!(server.send(&get(&[])).status, 500);
    });
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["level"], "error");
    assert_eq!(lines[0]["problems"][0]["variable"], "jaas_private_key");
}

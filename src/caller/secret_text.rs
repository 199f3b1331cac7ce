//! Whether a text can be a shared secret: long enough, and nothing that is public, structured or known to everybody.
//!
//! Whoever knows the secret makes credentials, so a public key or a sample of the documentation in its place makes
//! everybody a moderator.
#![forbid(unsafe_code)]

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde::de::IgnoredAny;

use crate::private_key::pem;

/// The shortest HS256 secret, in bytes: as long as the hash (RFC 7518, section 3.2).
pub const MIN_SECRET_BYTES: usize = 32;

const PEM: &str = "is a key or a certificate, not a shared secret; a public key belongs in auth_public_key, and a shared secret is made with `openssl rand -base64 48`.";
const JSON: &str = "is JSON, not a shared secret; a key set belongs in auth_jwks, and a shared secret is made with `openssl rand -base64 48`.";
const SSH: &str = "is a key of SSH, not a shared secret; make one with `openssl rand -base64 48`.";
const URL: &str = "is a URL, not a shared secret; make one with `openssl rand -base64 48`.";
const JWT: &str =
    "is a token, not the secret that signs tokens; make one with `openssl rand -base64 48`.";
const TEMPLATE: &str =
    "is a template that nothing was filled into; make a secret with `openssl rand -base64 48`.";
const PLACEHOLDER: &str =
    "is a placeholder that everybody knows; make a secret with `openssl rand -base64 48`.";
const SHORT: &str =
    "is shorter than 32 bytes, so that it can be guessed; make one with `openssl rand -base64 48`.";
const SIMPLE: &str =
    "repeats or counts, so that it can be guessed; make one with `openssl rand -base64 48`.";

/// Checks a text.
///
/// # Errors
/// The rest of a sentence that starts with the variable's name.
pub(super) fn check(text: &str) -> Result<(), &'static str> {
    let text = text.trim();
    structured(text)?;
    // The same within base64, in which files are carried.
    let compact: String = text.split_whitespace().collect();
    let compact = compact.trim_end_matches('=');
    let decoded = STANDARD_NO_PAD
        .decode(compact)
        .or_else(|_| URL_SAFE_NO_PAD.decode(compact));
    if let Some(text) = decoded.ok().and_then(|bytes| String::from_utf8(bytes).ok()) {
        structured(&text)?;
    }
    if is_placeholder(text) {
        return Err(PLACEHOLDER);
    }
    if text.len() < MIN_SECRET_BYTES {
        return Err(SHORT);
    }
    if is_simple(text.as_bytes()) {
        return Err(SIMPLE);
    }
    Ok(())
}

/// Texts that have a form of their own.
fn structured(text: &str) -> Result<(), &'static str> {
    let text =
        text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\u{feff}'));
    let starts_with_one_of = |starts: &[&str]| starts.iter().any(|start| text.starts_with(start));
    // The base64 of SSH's own format starts with the length and the name of the algorithm.
    if starts_with_one_of(&[
        "ssh-",
        "ecdsa-sha2-",
        "sk-ssh-",
        "sk-ecdsa-",
        "AAAAB3NzaC1",
        "AAAAC3NzaC1",
        "AAAAE2VjZHNhLXNoYTIt",
        "---- BEGIN SSH2",
    ]) {
        return Err(SSH);
    }
    let lines = [
        "-----BEGIN",
        "-----END",
        "BEGIN CERTIFICATE",
        "BEGIN PUBLIC KEY",
    ];
    if pem::read(text).is_ok() || lines.iter().any(|line| text.contains(line)) {
        return Err(PEM);
    }
    let json = starts_with_one_of(&["{", "["]) && serde_json::from_str::<IgnoredAny>(text).is_ok();
    if json || text.contains("\"kty\"") || text.contains("\"keys\"") {
        return Err(JSON);
    }
    let parts: Vec<_> = text.split('.').collect();
    if matches!(parts.len(), 3 | 5)
        && parts[0].starts_with("eyJ")
        && parts
            .iter()
            .all(|part| URL_SAFE_NO_PAD.decode(part).is_ok())
    {
        return Err(JWT);
    }
    if text.contains("://") && url::Url::parse(text).is_ok() {
        return Err(URL);
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || " _-.:".contains(c);
    let pairs = [
        ("${", "}"),
        ("$(", ")"),
        ("{{", "}}"),
        ("<", ">"),
        ("%", "%"),
    ];
    let unfilled = pairs.iter().any(|(open, close)| {
        let name = text
            .strip_prefix(open)
            .and_then(|rest| rest.strip_suffix(close));
        name.is_some_and(|name| name.chars().all(plain))
    });
    if unfilled {
        return Err(TEMPLATE);
    }
    Ok(())
}

/// The words of which placeholders are made.
const WORDS: [&str; 161] = [
    "a",
    "access",
    "admin",
    "after",
    "all",
    "an",
    "and",
    "any",
    "api",
    "app",
    "application",
    "as",
    "at",
    "auth",
    "bar",
    "base",
    "based",
    "be",
    "before",
    "bit",
    "bits",
    "by",
    "bytes",
    "can",
    "change",
    "changeit",
    "character",
    "characters",
    "chars",
    "client",
    "complex",
    "configure",
    "configured",
    "data",
    "debug",
    "default",
    "demo",
    "deploy",
    "deployment",
    "dev",
    "development",
    "do",
    "dont",
    "dummy",
    "edit",
    "enter",
    "env",
    "ever",
    "example",
    "fake",
    "fill",
    "foo",
    "for",
    "from",
    "generate",
    "generated",
    "goes",
    "hello",
    "here",
    "hmac",
    "hs",
    "if",
    "in",
    "info",
    "insert",
    "is",
    "it",
    "jaas",
    "jitsi",
    "jwt",
    "keep",
    "key",
    "least",
    "length",
    "letmein",
    "local",
    "login",
    "long",
    "main",
    "master",
    "max",
    "me",
    "min",
    "minimum",
    "more",
    "must",
    "my",
    "never",
    "new",
    "no",
    "none",
    "not",
    "oauth",
    "of",
    "oidc",
    "old",
    "on",
    "only",
    "openssl",
    "or",
    "our",
    "own",
    "pass",
    "password",
    "phrase",
    "placeholder",
    "please",
    "private",
    "prod",
    "production",
    "public",
    "put",
    "qwerty",
    "rand",
    "random",
    "real",
    "replace",
    "safe",
    "sample",
    "secret",
    "secure",
    "server",
    "service",
    "session",
    "set",
    "shared",
    "should",
    "sign",
    "signing",
    "site",
    "some",
    "staging",
    "string",
    "strong",
    "super",
    "temp",
    "test",
    "testing",
    "tests",
    "text",
    "than",
    "that",
    "the",
    "then",
    "this",
    "to",
    "todo",
    "token",
    "undefined",
    "unique",
    "use",
    "user",
    "value",
    "very",
    "with",
    "word",
    "words",
    "world",
    "yes",
    "you",
    "your",
];

/// Whether a text consists of such words, with or without something between them.
fn is_placeholder(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let digits = lower.bytes().filter(u8::is_ascii_digit).count();
    let mut words = lower
        .split(|c: char| !c.is_ascii_alphabetic())
        .filter(|word| !word.is_empty());
    // What is mostly digits may be random.
    digits < 16 && lower.is_ascii() && words.clone().next().is_some() && words.all(is_of_words)
}

/// Whether a text can be taken apart into words.
fn is_of_words(text: &str) -> bool {
    // For each place whether words reach it.
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for at in 0..text.len() {
        if reached[at] {
            for word in WORDS.iter().filter(|word| text[at..].starts_with(**word)) {
                reached[at + word.len()] = true;
            }
        }
    }
    reached[text.len()]
}

/// Whether a text repeats something shorter than a secret, has few characters, or counts up or down.
fn is_simple(text: &[u8]) -> bool {
    let repeats = (1..MIN_SECRET_BYTES)
        .filter(|period| period * 2 <= text.len())
        .any(|period| text[period..].iter().eq(&text[..text.len() - period]));
    let mut seen = [false; 256];
    text.iter().for_each(|byte| seen[usize::from(*byte)] = true);
    let few = seen.iter().filter(|seen| **seen).count() < 8;
    let steps = text
        .windows(2)
        .filter(|pair| pair[0].abs_diff(pair[1]) == 1)
        .count();
    repeats || few || steps * 2 > text.len()
}

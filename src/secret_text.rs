//! Whether a text can be a shared secret: long enough, and nothing that is public, structured or known to everybody.
//!
//! Whoever knows the secret makes credentials, so a public key or a sample of the documentation in its place makes
//! everybody a moderator.
#![forbid(unsafe_code)]

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::percent_decode_str;

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
const NAME: &str = "is an App ID or a key id, which every token shows; make a secret with `openssl rand -base64 48`.";
const ASSIGNMENT: &str = "is an assignment with a name before =; give the value alone, or make one with `openssl rand -base64 48`.";
const SHORT: &str =
    "is shorter than 32 bytes, so that it can be guessed; make one with `openssl rand -base64 48`.";
const SIMPLE: &str =
    "repeats or counts, so that it can be guessed; make one with `openssl rand -base64 48`.";

/// Checks a text.
///
/// # Errors
/// The rest of a sentence that starts with the variable's name.
pub fn check(text: &str) -> Result<(), &'static str> {
    let text = text.trim();
    for reading in readings(text) {
        if is_der(&reading) || is_modulus(&reading) {
            return Err(PEM);
        }
        if let Ok(text) = str::from_utf8(&reading) {
            structured(text)?;
        }
    }
    if KNOWN.contains(&text) {
        return Err(PLACEHOLDER);
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

/// The text, and what it may stand for: without escapes, percent-decoded, and from base64 or hexadecimal, in which files
/// and keys are carried.
fn readings(text: &str) -> Vec<Vec<u8>> {
    let compact: String = text.split_whitespace().collect();
    let compact = compact.trim_end_matches('=');
    let pairs = compact.as_bytes().chunks(2);
    let hex: Option<Vec<u8>> = pairs
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok())
        .collect();
    let base64 = STANDARD_NO_PAD
        .decode(compact)
        .or_else(|_| URL_SAFE_NO_PAD.decode(compact));
    [
        Some(text.as_bytes().to_vec()),
        Some(text.replace('\\', "").into_bytes()),
        Some(percent_decode_str(text).collect()),
        base64.ok(),
        hex,
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Whether bytes begin as keys and certificates in DER do: a sequence of more than 127 bytes.
fn is_der(bytes: &[u8]) -> bool {
    bytes.len() >= 48 && matches!(bytes, [0x30, 0x81 | 0x82, ..])
}

/// Whether bytes can be the modulus of an RSA key, with or without its sign: of one of the usual lengths, and odd.
fn is_modulus(bytes: &[u8]) -> bool {
    let number = match bytes {
        [0, rest @ ..] => rest,
        all => all,
    };
    matches!(number.len(), 256 | 384 | 512)
        && number[0] >= 0x80
        && number.last().is_some_and(|last| last % 2 == 1)
}

/// Secrets of public documents: RFC 7515 (appendix A.1), and the hash of nothing.
const KNOWN: [&str; 3] = [
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
];

/// Texts that have a form of their own.
fn structured(text: &str) -> Result<(), &'static str> {
    let text =
        text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\u{feff}'));
    let text = text.strip_prefix("Bearer ").unwrap_or(text).trim();
    if text.contains("vpaas-magic-cookie-") {
        return Err(NAME);
    }
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
        "SHA256:",
        "MD5:",
        "age1",
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
    let within = |open, close| text.starts_with(open) && text.ends_with(close);
    let is_key = |rest: &str| rest.trim_start_matches(['"', '\'', ' ']).starts_with(':');
    let has_kty = text.split("kty").skip(1).any(is_key);
    if within('{', '}') || within('[', ']') || has_kty || text.contains("\"keys\"") {
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
    let is_url = text.contains("://") && url::Url::parse(text).is_ok();
    if is_url || starts_with_one_of(&["urn:", "data:"]) || starts_with_host(text) {
        return Err(URL);
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || " _-.:".contains(c);
    let pairs = [("${", "}"), ("{{", "}}"), ("<", ">"), ("%", "%")];
    let unfilled = pairs.iter().any(|(open, close)| {
        let name = text
            .strip_prefix(open)
            .and_then(|rest| rest.strip_suffix(close));
        name.is_some_and(|name| name.chars().all(plain))
    });
    if unfilled || within('$', ')') {
        return Err(TEMPLATE);
    }
    let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    if let Some((name, value)) = text.split_once('=')
        && ["SECRET", "KEY", "JWT", "AUTH", "TOKEN"]
            .iter()
            .any(|word| name.contains(word))
        && name.chars().all(is_name)
        && !value.trim_start_matches('=').is_empty()
    {
        return Err(ASSIGNMENT);
    }
    Ok(())
}

/// Whether a text starts with a host name of two labels or more, as an address without its scheme does.
fn starts_with_host(text: &str) -> bool {
    let host = text.split(['/', ':']).next().unwrap_or_default();
    let mut labels = host.rsplit('.');
    let last = labels.next().unwrap_or_default();
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    last.len() >= 2
        && last.bytes().all(|b| b.is_ascii_lowercase())
        && labels.clone().next().is_some()
        && labels.all(is_label)
}

/// The words of which placeholders are made.
const WORDS: [&str; 272] = [
    "a",
    "access",
    "adipiscing",
    "admin",
    "aes",
    "after",
    "algorithm",
    "algorithms",
    "all",
    "amet",
    "an",
    "and",
    "any",
    "api",
    "app",
    "application",
    "as",
    "asdfghjkl",
    "at",
    "atleast",
    "auth",
    "authenticate",
    "authentication",
    "authorization",
    "azure",
    "bar",
    "base",
    "based",
    "be",
    "before",
    "better",
    "bit",
    "bits",
    "by",
    "bytes",
    "can",
    "change",
    "changeit",
    "character",
    "characters",
    "characterslong",
    "chars",
    "clerk",
    "client",
    "cognito",
    "com",
    "complex",
    "compose",
    "configure",
    "configured",
    "connect",
    "consectetur",
    "data",
    "debug",
    "decrypt",
    "default",
    "demo",
    "deploy",
    "deployment",
    "dev",
    "development",
    "digest",
    "django",
    "do",
    "docker",
    "dolor",
    "domain",
    "dont",
    "dummy",
    "edit",
    "elit",
    "email",
    "encode",
    "encoded",
    "encrypt",
    "encryption",
    "enough",
    "enter",
    "entra",
    "env",
    "ever",
    "example",
    "express",
    "fake",
    "file",
    "fill",
    "firebase",
    "flask",
    "foo",
    "for",
    "from",
    "generate",
    "generated",
    "generation",
    "github",
    "gitlab",
    "go",
    "goes",
    "google",
    "hash",
    "hashing",
    "hello",
    "helm",
    "here",
    "hmac",
    "hmacsha",
    "host",
    "hs",
    "http",
    "https",
    "if",
    "in",
    "info",
    "insecure",
    "insert",
    "ipsum",
    "is",
    "it",
    "jaas",
    "java",
    "jitsi",
    "jose",
    "json",
    "jws",
    "jwt",
    "keep",
    "key",
    "keycloak",
    "keys",
    "kindly",
    "kubernetes",
    "laravel",
    "least",
    "length",
    "letmein",
    "local",
    "localhost",
    "login",
    "long",
    "longer",
    "lorem",
    "mail",
    "main",
    "master",
    "max",
    "me",
    "min",
    "minimum",
    "minimumof",
    "more",
    "must",
    "my",
    "name",
    "names",
    "net",
    "never",
    "new",
    "nextauth",
    "no",
    "node",
    "none",
    "not",
    "oauth",
    "of",
    "oidc",
    "old",
    "on",
    "once",
    "only",
    "openid",
    "openssl",
    "or",
    "org",
    "our",
    "own",
    "page",
    "pages",
    "pass",
    "password",
    "passwords",
    "path",
    "php",
    "phrase",
    "phrases",
    "placeholder",
    "please",
    "port",
    "private",
    "prod",
    "production",
    "public",
    "put",
    "python",
    "qwerty",
    "qwertyuiop",
    "rails",
    "rand",
    "random",
    "real",
    "remember",
    "replace",
    "rust",
    "safe",
    "sample",
    "secret",
    "secrets",
    "secure",
    "server",
    "service",
    "session",
    "set",
    "sha",
    "shared",
    "short",
    "should",
    "sign",
    "signature",
    "signed",
    "signin",
    "signing",
    "sit",
    "site",
    "sites",
    "some",
    "spring",
    "sso",
    "staging",
    "string",
    "strings",
    "strong",
    "supabase",
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
    "tokens",
    "undefined",
    "unique",
    "unit",
    "units",
    "uri",
    "url",
    "use",
    "user",
    "valid",
    "validation",
    "value",
    "vercel",
    "very",
    "web",
    "which",
    "with",
    "word",
    "words",
    "world",
    "www",
    "yaml",
    "yes",
    "yml",
    "you",
    "your",
    "zxcvbnm",
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

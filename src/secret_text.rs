//! Checks that a text can be a shared secret: long enough, and neither public, structured nor well known.
//!
//! Whoever knows the secret can forge credentials. A public key or an example from the documentation in its place would let
//! everybody become a moderator.
#![forbid(unsafe_code)]

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::percent_decode_str;
use serde::de::IgnoredAny;

use crate::private_key::pem;

/// The minimum length of an HS256 secret, in bytes: that of the hash (RFC 7518, section 3.2).
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

/// Checks that a text can be a shared secret.
///
/// # Errors
/// If it cannot. The error continues a sentence that starts with the variable's name.
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

/// Returns the text together with its possible decodings: without backslashes, percent-decoded, and from base64 or
/// hexadecimal, which are common for files and keys.
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

/// Whether bytes start like a key or certificate in DER: with a sequence of more than 127 bytes that extends to the end of
/// the bytes, or beyond it if they are truncated, and that starts with a number or another sequence. Random bytes do not.
fn is_der(bytes: &[u8]) -> bool {
    let (declared, content) = match bytes {
        [0x30, 0x81, length, content @ ..] if *length >= 0x80 => (usize::from(*length), content),
        [0x30, 0x82, high, low, content @ ..] => {
            (usize::from(u16::from_be_bytes([*high, *low])), content)
        }
        _ => return false,
    };
    let begins_well = matches!(
        content,
        // The version of a private key, and the element after it.
        [0x02, 0x01, 0..=2, 0x02 | 0x04 | 0x30, ..]
            // A modulus.
            | [0x02, 0x81 | 0x82, ..]
            // The signed part of a certificate.
            | [0x30, 0x81 | 0x82, ..]
            // The identifier of an algorithm.
            | [0x30, _, 0x06, ..]
    );
    content.len() <= declared && declared < pem::MAX_BYTES && begins_well
}

/// Whether bytes can be the modulus of an RSA key, with or without a sign byte: of a common length, and odd.
fn is_modulus(bytes: &[u8]) -> bool {
    let number = match bytes {
        [0, rest @ ..] => rest,
        all => all,
    };
    matches!(number.len(), 256 | 384 | 512)
        && number[0] >= 0x80
        && number.last().is_some_and(|last| last % 2 == 1)
}

/// Secrets from public documents: the key of RFC 7515 (appendix A.1), and the SHA-256 of an empty text.
const KNOWN: [&str; 3] = [
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
];

type HasForm = fn(&str) -> bool;

/// Rejects a text with a structure that a secret does not have.
fn structured(text: &str) -> Result<(), &'static str> {
    let text =
        text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\u{feff}'));
    let text = text.strip_prefix("Bearer ").unwrap_or(text).trim();
    // The first form that matches determines the message.
    const FORMS: [(HasForm, &str); 8] = [
        (is_name, NAME),
        (is_ssh, SSH),
        (is_pem, PEM),
        (is_json, JSON),
        (is_jwt, JWT),
        (is_url, URL),
        (is_template, TEMPLATE),
        (is_assignment, ASSIGNMENT),
    ];
    match FORMS.into_iter().find(|(has_form, _)| has_form(text)) {
        Some((_, problem)) => Err(problem),
        None => Ok(()),
    }
}

fn is_name(text: &str) -> bool {
    text.contains("vpaas-magic-cookie-")
}

fn is_ssh(text: &str) -> bool {
    // The base64 of a key in SSH's own format starts with the length and the name of the algorithm.
    const STARTS: [&str; 10] = [
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
    ];
    // A key of age is in lower case throughout.
    let is_age = || {
        text.strip_prefix("age1")
            .is_some_and(|rest| rest.bytes().all(is_lower_or_digit))
    };
    STARTS.iter().any(|start| text.starts_with(start)) || is_age()
}

fn is_pem(text: &str) -> bool {
    const LINES: [&str; 4] = [
        "-----BEGIN",
        "-----END",
        "BEGIN CERTIFICATE",
        "BEGIN PUBLIC KEY",
    ];
    LINES.iter().any(|line| text.contains(line)) || pem::read(text).is_ok()
}

/// Whether a text is JSON, possibly with the quotes of other languages, or contains a part of a JWK in any notation.
fn is_json(text: &str) -> bool {
    let within = |open, close| text.starts_with(open) && text.ends_with(close);
    let parses = |text: &str| serde_json::from_str::<IgnoredAny>(text).is_ok();
    let in_brackets = within('{', '}') || within('[', ']');
    let is_kind = |rest: &str| {
        let value = rest.trim_start_matches(['"', '\'', ' ']).strip_prefix(':');
        let value = value.map(|value| value.trim_start_matches(['"', '\'', ' ']));
        let starts_with_kind = |value: &str| {
            ["RSA", "EC", "OKP", "oct"]
                .iter()
                .any(|kind| value.starts_with(kind))
        };
        value.is_some_and(starts_with_kind)
    };
    (in_brackets && (parses(text) || parses(&text.replace('\'', "\""))))
        || text.contains("\"keys\"")
        || text.split("kty").skip(1).any(is_kind)
}

fn is_jwt(text: &str) -> bool {
    let is_part = |part: &str| URL_SAFE_NO_PAD.decode(part).is_ok();
    text.starts_with("eyJ")
        && matches!(text.split('.').count(), 3 | 5)
        && text.split('.').all(is_part)
}

fn is_url(text: &str) -> bool {
    text.starts_with("urn:")
        || text.starts_with("data:")
        || starts_with_scheme(text)
        || starts_with_host(text)
}

/// Whether a text is a URL with a host and a scheme of at least three letters in one case. Random text has this form with a
/// probability of less than one in a million.
fn starts_with_scheme(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    let is_scheme = scheme.len() >= 3
        && (scheme.bytes().all(|b| b.is_ascii_lowercase() || b == b'+')
            || scheme.bytes().all(|b| b.is_ascii_uppercase()));
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    is_scheme && host.len() >= 3 && url::Url::parse(text).is_ok()
}

/// Whether a text is an address without a scheme: a host name of two labels or more, and possibly a path.
fn starts_with_host(text: &str) -> bool {
    let (host, rest) = text.split_at(text.find(['/', ':']).unwrap_or(text.len()));
    let is_of_path = |b: u8| b.is_ascii_alphanumeric() || b"-._~/:?#&=%+,".contains(&b);
    let mut labels = host.rsplit('.');
    let last = labels.next().unwrap_or_default();
    let is_label = |label: &str| {
        let is_of_label = |b| is_lower_or_digit(b) || b == b'-';
        !label.is_empty() && label.bytes().all(is_of_label)
    };
    last.len() >= 2
        && last.bytes().all(|b| b.is_ascii_lowercase())
        && labels.clone().next().is_some()
        && labels.all(is_label)
        && rest.bytes().all(is_of_path)
}

fn is_lower_or_digit(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

/// Whether a text is a placeholder that a template engine or a shell should have replaced.
fn is_template(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || " _-.:".contains(c);
    let within = |open: &str, close: &str| text.strip_prefix(open)?.strip_suffix(close);
    let is_command = |command: &str| {
        let program = command.split(' ').next().unwrap_or_default();
        program
            .bytes()
            .all(|b| is_lower_or_digit(b) || b"/._-".contains(&b))
    };
    [("${", "}"), ("{{", "}}"), ("<", ">"), ("%", "%")]
        .into_iter()
        .filter_map(|(open, close)| within(open, close))
        .any(|name| name.chars().all(plain))
        || within("$(", ")").is_some_and(is_command)
}

/// Whether a text is a line of an `.env` file.
fn is_assignment(text: &str) -> bool {
    const WORDS: [&str; 5] = ["SECRET", "KEY", "JWT", "AUTH", "TOKEN"];
    let is_of_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    text.split_once('=').is_some_and(|(name, value)| {
        WORDS.iter().any(|word| name.contains(word))
            && name.chars().all(is_of_name)
            && !value.trim_start_matches('=').is_empty()
    })
}

/// Words that occur in placeholders.
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

/// Whether a text consists of [`WORDS`], with or without separators.
fn is_placeholder(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let digits = lower.bytes().filter(u8::is_ascii_digit).count();
    let mut words = lower
        .split(|c: char| !c.is_ascii_alphabetic())
        .filter(|word| !word.is_empty());
    // A text with many digits may be random.
    digits < 16 && lower.is_ascii() && words.clone().next().is_some() && words.all(is_of_words)
}

/// Whether a text is a concatenation of [`WORDS`].
fn is_of_words(text: &str) -> bool {
    // Whether the text up to each position is a concatenation of words.
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

/// Whether a text repeats a part that is shorter than a secret, has few different bytes, or mostly counts up or down.
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

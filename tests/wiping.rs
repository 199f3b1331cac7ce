//! Checks that the text of a private key is wiped before its memory is freed: this program's allocator inspects each block
//! that is freed.
#![allow(
    unsafe_code,
    reason = "an allocator can only be replaced by unsafe code"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jaas_jwt::private_key::PrivateKeyText;
use jwt_simple::prelude::RS256KeyPair;

/// The length of a substring of the key, in bytes, that counts as a finding.
const WINDOW: usize = 8;

/// Every substring of the key's secret part in one representation, sorted.
type Windows = Vec<[u8; WINDOW]>;

/// The substrings to find: of the key as written, text and DER; and of its numbers as arithmetic stores them, lowest byte
/// first.
static SECRETS: OnceLock<[Windows; 2]> = OnceLock::new();

thread_local! {
    /// Whether this thread inspects the blocks that it frees, and how many of them contained a part of the key.
    static LOOKING: Cell<bool> = const { Cell::new(false) };
    static FOUND: Cell<[usize; 2]> = const { Cell::new([0; 2]) };
}

struct Watching;

// SAFETY: every call goes to the system allocator with the same arguments. The default `realloc` uses `alloc` and `dealloc`.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above. Zeroed, so that the block contains nothing from an earlier owner.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if LOOKING.get() {
            // SAFETY: the block is allocated until the next line, and was zeroed when it was allocated.
            let bytes = unsafe { std::slice::from_raw_parts(block, layout.size()) };
            let found = SECRETS
                .get()
                .expect("set before anybody looks")
                .each_ref()
                .map(|secrets| usize::from(has_one_of(secrets, bytes)));
            let before = FOUND.get();
            FOUND.set([before[0] + found[0], before[1] + found[1]]);
        }
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Watching = Watching;

fn has_one_of(secrets: &Windows, bytes: &[u8]) -> bool {
    bytes.windows(WINDOW).any(|window| {
        secrets
            .binary_search_by(|secret| secret[..].cmp(window))
            .is_ok()
    })
}

/// Returns how many freed blocks contained a part of the key: as written, and as numbers.
fn count(action: impl FnOnce()) -> [usize; 2] {
    FOUND.set([0; 2]);
    LOOKING.set(true);
    action();
    LOOKING.set(false);
    FOUND.get()
}

/// The ways in which a key comes.
fn shapes(pem: &str, der: &[u8]) -> Vec<(&'static str, String)> {
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let pkcs1 = pkcs8::PrivateKeyInfo::try_from(der)
        .expect("PKCS#8")
        .private_key;
    let percent = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let tag = |label: &str| format!("-----{label} RSA PRIVATE KEY-----\n");
    vec![
        ("as it is", pem.to_owned()),
        ("literal \\n", pem.replace('\n', "\\n")),
        ("quotes", format!("\"{}\"", pem.replace('\n', "\\\\n"))),
        ("CRLF", pem.replace('\n', "\r\n")),
        ("spaces", pem.replace('\n', " ")),
        ("blank lines", pem.replace('\n', "\n\n")),
        ("a header", pem.replacen('\n', "\nKey-Id: abc\n\n", 1)),
        ("text before", format!("Key\n{pem}")),
        ("base64", STANDARD.encode(pem)),
        ("base64url", URL_SAFE_NO_PAD.encode(pem)),
        (
            "base64 of one line",
            STANDARD.encode(pem.replace('\n', "\\n")),
        ),
        ("the body alone", body.clone()),
        ("the body in base64", STANDARD.encode(&body)),
        ("%0A", pem.replace('\n', "%0A")),
        ("percent-encoded", percent(pem)),
        ("percent-encoded twice", percent(&percent(pem))),
        ("percent-encoded base64", percent(&STANDARD.encode(pem))),
        ("XML", pem.replace('\n', "&#10;")),
        (
            "PKCS#1",
            [tag("BEGIN"), STANDARD.encode(pkcs1), tag("END")].concat(),
        ),
        ("PKCS#1, the body alone", STANDARD.encode(pkcs1)),
        // Rejected keys are wiped, too.
        ("cut off", pem[..pem.len() - 40].to_owned()),
        ("damaged", pem.replacen('\n', "\n!", 1)),
        ("twice", pem.repeat(2)),
        ("too long", format!("{}{pem}", " ".repeat(70_000))),
        (
            "for another algorithm",
            pem.replace("PRIVATE", "EC PRIVATE"),
        ),
    ]
}

/// Returns the substrings of the secret part: everything after the modulus, which is public.
fn secrets(shapes: &[(&'static str, String)], der: &[u8]) -> [Windows; 2] {
    let private = &der[der.len() / 4 + 20..];
    let reversed: Vec<u8> = private.iter().rev().copied().collect();
    let texts = shapes.iter().map(|(_, text)| {
        let start = text.len() * 2 / 5;
        &text.as_bytes()[start..text.len() - 100]
    });
    [windows(texts.chain([private])), windows([&reversed[..]])]
}

fn windows<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Windows {
    let mut windows: Windows = parts
        .into_iter()
        .flat_map(|bytes| bytes.windows(WINDOW))
        .map(|window| window.try_into().expect("as long"))
        // Drops substrings that any text may contain: white space, or a run of one character.
        .filter(|window: &[u8; WINDOW]| {
            let mut bytes = *window;
            bytes.sort_unstable();
            bytes.chunk_by(|a, b| a == b).count() >= 6
        })
        .collect();
    windows.sort_unstable();
    windows.dedup();
    windows
}

/// The number of keys, because what arithmetic leaves behind depends on the key.
const KEYS: usize = 4;

#[test]
fn no_freed_memory_has_the_key_as_it_is_written() {
    let mut all_shapes = Vec::new();
    let mut all_secrets = [Windows::new(), Windows::new()];
    for i in 0..KEYS {
        let pair = RS256KeyPair::generate(2048).expect("a key");
        let (pem, der) = (pair.to_pem().expect("PEM"), pair.to_der().expect("DER"));
        let mut shapes = shapes(&pem, &der);
        // The findings for a format do not depend on the key, so one key in all formats is enough.
        shapes.truncate(if i == 0 { shapes.len() } else { 1 });
        for (all, some) in all_secrets.iter_mut().zip(secrets(&shapes, &der)) {
            all.extend(some);
            all.sort_unstable();
        }
        all_shapes.extend(
            shapes
                .into_iter()
                .map(|(shape, text)| (shape, text, der.clone())),
        );
    }
    SECRETS.set(all_secrets).expect("set once");

    for (shape, text, der) in &all_shapes {
        // The allocator detects what is not wiped.
        let reversed: Vec<u8> = der.iter().rev().copied().collect();
        let unwiped = (text.clone(), der.clone(), reversed);
        assert_eq!(count(|| drop(unwiped)), [2, 1], "{shape}");

        let [for_rs256, for_jwt_simple] =
            [text, text].map(|text| PrivateKeyText::new(text.clone()));
        let found = count(|| {
            drop(for_rs256.parse_for_rs256());
            drop(for_rs256);
        });
        assert_eq!(found, [0, 0], "{shape}");
        let found = count(|| {
            drop(for_jwt_simple.parse());
            drop(for_jwt_simple);
        });
        // Not the numbers: the crate `rsa` frees some computed numbers without wiping them.
        assert_eq!(found[0], 0, "{shape}");
    }
}

//! Compares signatures with those in a file: lines of hexadecimal key (PKCS#8), message and signature on the standard
//! input. `tests/equality.rs` writes such a file; in WebAssembly this is how the thousand keys of its long run are tried.

use std::io::{self, BufRead};
use std::process::ExitCode;

use getrandom::SysRng;
use rs256::SigningKey;

fn bytes(hex: &str) -> Option<Vec<u8>> {
    (0..hex.len())
        .step_by(2)
        .map(|place| u8::from_str_radix(hex.get(place..place + 2)?, 16).ok())
        .collect()
}

fn main() -> ExitCode {
    let (mut count, mut wrong) = (0, 0);
    let mut last: Option<(String, SigningKey)> = None;
    for line in io::stdin().lock().lines() {
        let line = line.expect("the input can be read");
        let words: Vec<_> = line.split(' ').collect();
        let [key, message, signature] = words[..] else {
            panic!("a line has three words");
        };
        // Reading a key costs as much as some signatures.
        if last.as_ref().is_none_or(|(text, _)| text != key) {
            let der = bytes(key).expect("hexadecimal");
            let parsed = SigningKey::from_pkcs8_der(&der).expect("a good key");
            last = Some((key.to_owned(), parsed));
        }
        let (_, key) = last.as_ref().expect("set above");
        let message = bytes(message).expect("hexadecimal");
        let made = key.sign(&message, &mut SysRng).expect("it signs");
        count += 1;
        wrong += u32::from(Some(made) != bytes(signature));
    }
    println!("{count} signatures compared, {wrong} differ");
    if count > 0 && wrong == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

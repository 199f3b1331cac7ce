//! Keys as operators paste them. The first byte is the form of the rest: `t`, the text of a variable; `d`, changes to the
//! DER of a valid key, three bytes each (a two-byte position, and a value to XOR); `k`, a whole DER.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jaas_jwt::caller::VerificationKey;
use jaas_jwt::private_key::PrivateKeyText;
use jwt_simple::prelude::{Claims, Duration, RSAKeyPairLike, RSAPublicKeyLike};

use crate::fixture::{DER, SECRETS, fill, is_picked};

pub fn run(input: &[u8]) {
    let Some((form, rest)) = input.split_first() else {
        return;
    };
    match form {
        b'd' => {
            let mut der = DER.clone();
            for change in rest.chunks_exact(3) {
                let place = usize::from(u16::from_be_bytes([change[0], change[1]])) % der.len();
                der[place] ^= change[2];
            }
            private(&pem("PRIVATE KEY", &der), input);
        }
        b'k' => {
            for label in ["PRIVATE KEY", "RSA PRIVATE KEY"] {
                private(&pem(label, rest), input);
            }
            public(&pem("PUBLIC KEY", rest));
        }
        _ => {
            let text = fill(&String::from_utf8_lossy(rest));
            private(&text, input);
            public(&text);
        }
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let dashes = "-".repeat(5);
    let text = STANDARD.encode(der);
    format!("{dashes}BEGIN {label}{dashes}\n{text}\n{dashes}END {label}{dashes}\n")
}

fn private(text: &str, input: &[u8]) {
    match PrivateKeyText::new(text.to_owned()).parse() {
        Err(error) => check(&error.to_string()),
        // An accepted key makes signatures that its public half verifies.
        Ok(pair) if is_picked(input) => {
            let token = pair
                .sign(Claims::create(Duration::from_secs(60)))
                .expect("a key that was taken signs");
            let verified = pair
                .public_key()
                .verify_token::<jwt_simple::claims::NoCustomClaims>(&token, None);
            assert!(verified.is_ok(), "the signature is wrong");
        }
        Ok(_) => {}
    }
}

fn public(text: &str) {
    for outcome in [
        VerificationKey::from_pem(text),
        VerificationKey::from_jwks(text),
        VerificationKey::from_secret(text),
    ] {
        if let Err(message) = outcome {
            check(message);
        }
    }
}

/// Checks that a message is a short sentence and contains no secret.
fn check(message: &str) {
    assert!(
        message.ends_with('.') || message.ends_with('`'),
        "{message}"
    );
    assert!(message.len() < 400, "{message}");
    SECRETS.check(message.as_bytes());
}

//! The variables for the signing key.
#![forbid(unsafe_code)]

use std::rc::Rc;

use super::memo::Memo;
use super::problem::Problem;
use super::reader::Reader;
use super::{names, variable};
use crate::kept::Slot;
use crate::private_key::PrivateKeyText;
use crate::token::{Engine, Signer, SignerError};

/// The problem of `signing_engine` when jwt-simple accepts the key and `rs256` does not. Continues a sentence.
const UNSUPPORTED_BY_RS256: &str = "is rs256, which takes keys of 2048, 3072 or 4096 bits with two primes of half that length each, and jaas_private_key is another; set it to jwt-simple, or make a new pair with `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:4096 -out key.pem`.";

/// The parts from which a [`Signer`] is created. A part with a problem is `None`.
#[derive(Debug)]
pub(super) struct Key {
    pub app_id: Option<String>,
    pub key_id: Option<String>,
    pub private_key: Option<PrivateKeyText>,
    pub engine: Option<Engine>,
}

pub(super) fn read(reader: &mut Reader<'_>) -> Key {
    let app_id = reader.text(variable::APP_ID);
    let app_id = app_id.and_then(|text| reader.keep(names::parse_app_id(&text)));
    let key_id = reader.text(variable::KEY_ID);
    let key_id = key_id.and_then(|text| reader.keep(names::parse_key_id(&text, app_id.as_deref())));
    let private_key = reader.key(variable::PRIVATE_KEY).and_then(|text| {
        reader.keep(if text.is_empty() {
            Err(Problem::missing(variable::PRIVATE_KEY))
        } else {
            Ok(PrivateKeyText::new(text))
        })
    });
    let engine = reader.parsed(variable::SIGNING_ENGINE, |text| {
        Engine::from_name(text).ok_or("is neither jwt-simple nor rs256; set it to one of them.")
    });
    Key {
        app_id,
        key_id,
        private_key,
        engine,
    }
}

impl Key {
    /// Parses the private key unless the memo has it. Returns `None` if there is no private key.
    pub fn parse(&self, memo: Option<&Memo>) -> Option<Result<Rc<Signer>, Problem>> {
        let engine = self.engine.unwrap_or(Engine::JwtSimple);
        let app_id = self.app_id.as_deref().unwrap_or_default();
        let key_id = self.key_id.as_deref().unwrap_or_default();
        let private_key = self.private_key.as_ref()?;
        let texts = [engine.name(), app_id, key_id, private_key.expose()];
        let kept = memo.map(|memo| &memo.signer);
        let signer = Slot::get(kept, &texts, || {
            Signer::new(engine, app_id.to_owned(), key_id, private_key)
        });
        Some(signer.map_err(|error| match error {
            SignerError::Key(error) => Problem::invalid(variable::PRIVATE_KEY, error),
            SignerError::UnsupportedByEngine => {
                Problem::invalid(variable::SIGNING_ENGINE, UNSUPPORTED_BY_RS256)
            }
        }))
    }
}

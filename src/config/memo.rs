//! What an instance keeps between requests.
#![forbid(unsafe_code)]

use std::rc::Rc;

use crate::caller::{KeySet, VerificationKey};
use crate::kept::Slot;
use crate::token::Signer;

/// The keys that an instance has parsed and keeps for later requests. A key is reused only while every value that it was
/// derived from is unchanged.
#[derive(Debug, Default)]
pub struct Memo {
    pub(super) signer: Slot<Signer>,
    pub(super) login_key: Slot<VerificationKey>,
    pub(super) remote_keys: Rc<Slot<KeySet>>,
}

//! What an instance keeps for its further requests.
#![forbid(unsafe_code)]

use std::rc::Rc;

use crate::caller::{KeySet, VerificationKey};
use crate::kept::Slot;
use crate::token::Signer;

/// The keys that an instance has parsed, for its further requests. Each is used only while all that it was made of is the
/// same.
#[derive(Debug, Default)]
pub struct Memo {
    pub(super) signer: Slot<Signer>,
    pub(super) login_key: Slot<VerificationKey>,
    pub(super) remote_keys: Rc<Slot<KeySet>>,
}

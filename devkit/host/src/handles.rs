//! What an instance holds of the key-value store.

/// A store that an instance has opened. There is one alone, so it says nothing.
pub struct Opened;

/// A value that an instance means to replace.
pub struct Cas {
    /// The store's handle: as with Spin it has to be open still when another try is to be made.
    pub(crate) bucket: u32,
    pub(crate) key: String,
    /// What `cas.current` has read.
    pub(crate) seen: Option<Vec<u8>>,
}

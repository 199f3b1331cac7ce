//! Ids of invitations.
#![forbid(unsafe_code)]

use super::error::Error;
use crate::environment::Random;

/// The id of an invitation: 32 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Id(String);

impl Id {
    /// Parses an id.
    ///
    /// # Errors
    /// [`Error::Id`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() == 32 && text.bytes().all(is_hex) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::Id)
        }
    }

    pub(super) fn random(random: &mut dyn Random) -> Self {
        let mut bits = [0; 16];
        random.fill(&mut bits);
        Self(format!("{:032x}", u128::from_be_bytes(bits)))
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

//! What is granted: the role and, by the role, the features.
//!
//! Since November 2024 8x8 lets a member whose token has a feature record, transcribe and dial out, and bills it. So a
//! feature is granted to moderators or to nobody.
#![forbid(unsafe_code)]

use crate::claims::Feature;

/// What one token grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The role; `None` leaves the claim out, which is the same as not being a moderator.
    pub moderator: Option<bool>,
    /// The features that are granted; every other documented one is denied by name.
    pub features: &'static [Feature],
}

/// Decides on a request.
#[must_use]
pub fn grant(moderator: Option<bool>) -> Grant {
    let features: &[Feature] = match moderator {
        Some(true) => &[Feature::Livestreaming, Feature::OutboundCall],
        Some(false) | None => &[],
    };
    Grant {
        moderator,
        features,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_moderator_is_granted_features() {
        assert_eq!(
            grant(Some(true)).features,
            [Feature::Livestreaming, Feature::OutboundCall]
        );
        assert_eq!(grant(Some(false)).features, []);
        assert_eq!(grant(None).features, []);
    }
}

//! The role of a person in a meeting.
#![forbid(unsafe_code)]

/// A role, in ascending order of rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Sees and hears the meeting, but cannot speak.
    Visitor,
    /// Takes part in the meeting.
    Member,
    /// Takes part in the meeting and leads it.
    Moderator,
}

impl Role {
    const ALL: [(&str, Self); 3] = [
        ("visitor", Self::Visitor),
        ("member", Self::Member),
        ("moderator", Self::Moderator),
    ];

    /// Returns the role with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|(known, _)| *known == name).map(|(_, role)| role)
    }

    /// Returns the role's name, as used in parameters and invitations.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Visitor => "visitor",
            Self::Member => "member",
            Self::Moderator => "moderator",
        }
    }

    /// Returns [`Role::Moderator`] or [`Role::Member`].
    #[must_use]
    pub const fn moderator(moderator: bool) -> Self {
        if moderator {
            Self::Moderator
        } else {
            Self::Member
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_known_by_its_exact_name_and_the_later_ones_are_more() {
        for (name, role) in Role::ALL {
            assert_eq!(Role::from_name(name), Some(role));
            assert_eq!(role.name(), name);
        }
        for name in ["", "Visitor", "guest", "moderators"] {
            assert_eq!(Role::from_name(name), None, "{name}");
        }
        assert!(Role::Visitor < Role::Member && Role::Member < Role::Moderator);
        assert_eq!(Role::moderator(true), Role::Moderator);
        assert_eq!(Role::moderator(false), Role::Member);
    }
}

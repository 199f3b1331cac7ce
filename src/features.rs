//! The features of a meeting, identified by their keys in `context.features`.
#![forbid(unsafe_code)]

use serde::ser::{Serialize, SerializeMap, Serializer};

/// A feature that the Jitsi web client knows. The client reports any other key as an error (`featureInvalid`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Feature(usize);

/// The keys, starting with those that 8x8 documents. A feature is an index into this list.
const KEYS: [&str; 20] = [
    "livestreaming",
    "recording",
    "transcription",
    "sip-inbound-call",
    "sip-outbound-call",
    "inbound-call",
    "outbound-call",
    "file-upload",
    "list-visitors",
    "send-groupchat",
    "create-polls",
    // Known to the client, but not documented by 8x8.
    "flip",
    "branding",
    "calendar",
    "live-translation",
    "lobby",
    "moderation",
    "room",
    "screen-sharing",
    "send-private-message",
];

/// The number of keys that 8x8 documents. Every token contains all of them.
const DOCUMENTED: usize = 11;

impl Feature {
    /// Returns the feature with this key, if the client knows it.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        KEYS.iter().position(|known| *known == key).map(Self)
    }

    /// Returns the known key that is most similar to this text.
    #[must_use]
    pub fn nearest(key: &str) -> &'static str {
        let key = key.to_ascii_lowercase();
        KEYS.into_iter()
            .max_by(|a, b| {
                let similarity = |known| strsim::sorensen_dice(&key, known);
                similarity(a).total_cmp(&similarity(b))
            })
            .unwrap_or(KEYS[0])
    }

    /// Returns the feature's key in `context.features`.
    #[must_use]
    pub fn key(self) -> &'static str {
        KEYS[self.0]
    }
}

/// A set of features.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeatureSet([bool; KEYS.len()]);

impl FeatureSet {
    /// Whether the set contains a feature.
    #[must_use]
    pub fn contains(&self, feature: Feature) -> bool {
        self.0[feature.0]
    }
}

impl FromIterator<Feature> for FeatureSet {
    fn from_iter<I: IntoIterator<Item = Feature>>(features: I) -> Self {
        let mut set = Self::default();
        for feature in features {
            set.0[feature.0] = true;
        }
        set
    }
}

/// `context.features`: the features of the role, and which of them are granted.
///
/// Every documented key is written, because a feature whose key is missing is silently denied, even to a moderator. Other
/// keys are written only if the role has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantedFeatures {
    role: FeatureSet,
    granted: FeatureSet,
}

impl GrantedFeatures {
    /// Grants the features that the role has and the request names. A request that names none asks for all.
    #[must_use]
    pub fn new(role: &FeatureSet, requested: Option<&FeatureSet>) -> Self {
        let granted = (0..KEYS.len())
            .map(Feature)
            .filter(|f| role.contains(*f) && requested.is_none_or(|set| set.contains(*f)))
            .collect();
        Self {
            role: role.clone(),
            granted,
        }
    }
}

impl Serialize for GrantedFeatures {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for feature in (0..KEYS.len()).map(Feature) {
            if feature.0 < DOCUMENTED || self.role.contains(feature) {
                map.serialize_entry(feature.key(), &self.granted.contains(feature))?;
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(keys: &[&str]) -> FeatureSet {
        keys.iter()
            .map(|key| Feature::from_key(key).unwrap())
            .collect()
    }

    fn granted(role: &[&str], requested: Option<&[&str]>) -> Vec<(String, bool)> {
        let features = GrantedFeatures::new(&set(role), requested.map(set).as_ref());
        let value = serde_json::to_value(features).unwrap();
        let object = value.as_object().unwrap();
        object
            .iter()
            .map(|(key, value)| (key.clone(), value.as_bool().unwrap()))
            .collect()
    }

    #[test]
    fn what_is_granted_is_what_the_role_may_have_and_the_request_names() {
        for (role, requested, expected) in [
            (&["recording"][..], None, &["recording"][..]),
            (&["recording", "lobby"], None, &["lobby", "recording"]),
            (
                &["recording", "lobby"],
                Some(&["recording", "flip"][..]),
                &["recording"],
            ),
            (&["recording"], Some(&["transcription"]), &[]),
            (&["recording"], Some(&[]), &[]),
            (&[], Some(&["recording"]), &[]),
            (&[], None, &[]),
        ] {
            let mut on: Vec<_> = granted(role, requested)
                .into_iter()
                .filter_map(|(key, on)| on.then_some(key))
                .collect();
            on.sort();
            assert_eq!(on, expected, "{role:?} {requested:?}");
        }
    }

    #[test]
    fn documented_keys_are_always_written_and_others_where_the_role_lists_them() {
        assert_eq!(granted(&[], None).len(), DOCUMENTED);
        let keys = granted(&["lobby"], Some(&[]));
        assert_eq!(keys.len(), DOCUMENTED + 1);
        assert!(keys.contains(&("lobby".to_owned(), false)));
    }

    #[test]
    fn the_nearest_key_is_the_one_that_was_meant() {
        for (typed, meant) in [
            ("recordings", "recording"),
            ("Transcription", "transcription"),
            ("outboundcall", "outbound-call"),
            ("live-streaming", "livestreaming"),
            ("polls", "create-polls"),
            ("sip_inbound_call", "sip-inbound-call"),
        ] {
            assert_eq!(Feature::from_key(typed), None);
            assert_eq!(Feature::nearest(typed), meant);
        }
    }
}

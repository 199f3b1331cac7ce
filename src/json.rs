//! JSON from outside, which may repeat a name. Parsers disagree on which value then counts (RFC 8259, section 4). Signed
//! documents with a repeated name are rejected (RFC 8725, section 2.4); for parameters the first value counts, as in a query.
#![forbid(unsafe_code)]

use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Value};

/// A JSON object, with a flag for repeated names.
pub(crate) struct Object {
    members: Map<String, Value>,
    has_repeated_names: bool,
}

impl Object {
    /// Returns the members. If a name is repeated, its first value counts.
    pub fn first(self) -> Map<String, Value> {
        self.members
    }

    /// Returns the members; `None` if a name is repeated at any depth.
    pub fn unique(self) -> Option<Map<String, Value>> {
        (!self.has_repeated_names).then_some(self.members)
    }
}

impl<'de> serde::Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut has_repeated_names = false;
        let seed = Seed(&mut has_repeated_names);
        match serde::de::DeserializeSeed::deserialize(seed, deserializer)? {
            Value::Object(members) => Ok(Self {
                members,
                has_repeated_names,
            }),
            _ => Err(D::Error::custom("not an object")),
        }
    }
}

/// Deserialises a value, and sets the flag if a name is repeated.
struct Seed<'a>(&'a mut bool);

impl<'de> serde::de::DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(Seed(self.0))? {
            values.push(value);
        }
        Ok(values.into())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value_seed(Seed(self.0))?;
            match members.entry(name) {
                Entry::Vacant(place) => {
                    place.insert(value);
                }
                Entry::Occupied(_) => *self.0 = true,
            }
        }
        Ok(members.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_repeated_at_any_depth() {
        for (text, unique) in [
            (
                r#"{"a":1,"b":[{"a":null},{"a":-1.5}],"c":{"a":"x"}}"#,
                Some(true),
            ),
            (r#"{"a":1,"a":1}"#, Some(false)),
            (r#"{"a":{"b":1,"b":2}}"#, Some(false)),
            (r#"{"a":[{"b":1,"\u0062":2}]}"#, Some(false)),
            ("[]", None),
            ("1", None),
            ("{", None),
        ] {
            let read = serde_json::from_str::<Object>(text).ok();
            assert_eq!(read.map(|read| read.unique().is_some()), unique, "{text}");
        }
    }

    #[test]
    fn the_first_of_equal_names_counts() {
        let read: Object = serde_json::from_str(r#"{"a":1,"b":2,"\u0061":3}"#).unwrap();
        assert_eq!(
            Value::from(read.first()),
            serde_json::json!({"a": 1, "b": 2})
        );
    }
}

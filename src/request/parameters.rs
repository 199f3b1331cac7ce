//! The parameters of a request: their names, their values as they came, and the query.
#![forbid(unsafe_code)]

use std::borrow::Cow;

use percent_encoding::percent_decode;
use serde_json::Value as Json;
use url::form_urlencoded;

use super::error::{Error, UnknownParameters};
use super::name;
use crate::features::{Feature, FeatureSet};
use crate::text::{Separator, parse_bool, split_list};

/// How many features of a request are looked at: more than there are.
const MAX_FEATURES: usize = 100;

/// The value of a parameter as it came.
#[derive(Debug)]
pub(super) enum Value<'a> {
    /// Decoded, with white space around it; empty for JSON's `null`.
    Text(Cow<'a, str>),
    Bool(bool),
    List(Vec<Json>),
    /// A number or an object, which no parameter takes.
    Other,
}

impl From<Json> for Value<'_> {
    fn from(json: Json) -> Self {
        match json {
            Json::Null => Self::Text("".into()),
            Json::String(text) => Self::Text(text.into()),
            Json::Bool(value) => Self::Bool(value),
            Json::Array(list) => Self::List(list),
            Json::Number(_) | Json::Object(_) => Self::Other,
        }
    }
}

/// The values of one request, each at the place of its name in [`name::ALL`].
#[derive(Debug, Default)]
pub(super) struct Values<'a>([Option<Value<'a>>; name::ALL.len()]);

impl<'a> Values<'a> {
    /// Reads a query (URL standard, `application/x-www-form-urlencoded`), and passes over names that are not known.
    /// Allocates only for known names whose values are encoded.
    pub fn from_query(query: &'a str) -> Self {
        let mut values = Self::default();
        for (place, pair) in known_pairs(query.as_bytes()) {
            if let Some(place) = place {
                values.set(place, || Value::Text(decode_pair(pair).1));
            }
        }
        values
    }

    /// Reads a form as [`Values::from_query`] reads a query.
    ///
    /// # Errors
    /// A name that is not known.
    pub fn from_form(form: &'a [u8]) -> Result<Self, Error> {
        let mut values = Self::default();
        let mut unknown = UnknownParameters::default();
        for (place, pair) in known_pairs(form) {
            match place {
                Some(place) => values.set(place, || Value::Text(decode_pair(pair).1)),
                None => unknown.push(&decode_pair(pair).0),
            }
        }
        unknown.or(values)
    }

    /// Keeps the first value of a name.
    pub fn set(&mut self, place: usize, value: impl FnOnce() -> Value<'a>) {
        self.0[place].get_or_insert_with(value);
    }

    /// The value of a text parameter, without white space around it; `None` when it is absent or empty.
    ///
    /// # Errors
    /// In JSON, a value that is not a string.
    pub fn text(&self, name: &'static str) -> Result<Option<&str>, Error> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text.trim()).filter(|text| !text.is_empty())),
            Some(_) => Err(Error::parameter(name, "must be a string")),
        }
    }

    /// The value of a parameter that is true or false: as text, or in JSON as a boolean.
    ///
    /// # Errors
    /// Any other value.
    pub fn bool(&self, name: &'static str) -> Result<Option<bool>, Error> {
        let value = match self.get(name) {
            Some(Value::Bool(value)) => Some(*value),
            None => return Ok(None),
            Some(Value::Text(text)) if text.trim().is_empty() => return Ok(None),
            Some(Value::Text(text)) => parse_bool(text),
            Some(_) => None,
        };
        match value {
            Some(value) => Ok(Some(value)),
            None => Err(Error::parameter(name, "must be true or false")),
        }
    }

    /// A set of features; `None` when the parameter is absent or empty, which stands for all. A key that nobody knows
    /// is passed over, so that a page can name what is new.
    ///
    /// # Errors
    /// In JSON, a value that is neither a string nor a list of strings.
    pub fn features(&self, name: &'static str) -> Result<Option<FeatureSet>, Error> {
        if let Some(Value::List(list)) = self.get(name) {
            let keys: Option<Vec<&str>> = list.iter().map(Json::as_str).collect();
            let keys = keys.ok_or_else(|| Error::parameter(name, "must be a list of strings"))?;
            let known = keys
                .into_iter()
                .map(str::trim)
                .filter_map(Feature::from_key);
            return Ok(Some(known.collect()));
        }
        let set = |text: &str| {
            let text = text.trim_matches(['[', ']']);
            split_list(text, Separator::CommaOrSpace)
                .take(MAX_FEATURES)
                .filter_map(|key| Feature::from_key(key.trim_matches(['"', '\''])))
                .collect()
        };
        Ok(self.text(name)?.map(set))
    }

    fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.0[place_of(name)?].as_ref()
    }
}

/// The known parameter that a query has, if any.
pub(super) fn first_known(query: &str) -> Option<&'static str> {
    known_pairs(query.as_bytes()).find_map(|(place, _)| Some(name::ALL[place?]))
}

/// How many unknown names in the URL of a `POST` are looked at.
const MAX_UNKNOWN: usize = 20;

/// The names in the URL of a `POST` that seem to be misspelt parameters: what is ignored there would not be missed.
///
/// # Errors
/// If there is one. Other unknown names, such as those that trackers add, are ignored.
pub(super) fn check_unknown(query: &str) -> Result<(), Error> {
    let mut unknown = UnknownParameters::default();
    let pairs = known_pairs(query.as_bytes()).filter(|(place, _)| place.is_none());
    for (_, pair) in pairs.take(MAX_UNKNOWN) {
        unknown.push_if_near(&decode_pair(pair).0);
    }
    unknown.or(())
}

/// The place of a name in [`name::ALL`].
pub(super) fn place_of(name: &str) -> Option<usize> {
    name::ALL.into_iter().position(|known| known == name)
}

/// The pairs of a query or form, still encoded, each with the place of its name. A name is compared while it is
/// decoded, without a copy: a query can have thousands that are not known.
fn known_pairs(text: &[u8]) -> impl Iterator<Item = (Option<usize>, &[u8])> {
    text.split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
            // Most unknown names differ in their first byte. A `+` would be a space, which no known name has.
            let first = percent_decode(name).next();
            let is = |known: &&str| {
                known.bytes().next() == first && percent_decode(name).eq(known.bytes())
            };
            (name::ALL.iter().position(is), pair)
        })
}

/// The name and the value of one pair, as the URL standard decodes them.
fn decode_pair(pair: &[u8]) -> (Cow<'_, str>, Cow<'_, str>) {
    form_urlencoded::parse(pair).next().unwrap_or_default()
}

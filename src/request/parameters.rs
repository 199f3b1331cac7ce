//! The parameters of a request: their names, their unparsed values, and the query.
#![forbid(unsafe_code)]

use std::borrow::Cow;

use percent_encoding::percent_decode;
use serde_json::Value as Json;
use url::form_urlencoded;

use super::error::{Error, UnknownParameters};
use super::name;
use crate::features::{Feature, FeatureSet};
use crate::text::{Separator, parse_bool, split_list};

/// The maximum number of features that are read from a text: more than exist.
const MAX_FEATURES: usize = 100;

/// The unparsed value of a parameter.
#[derive(Debug)]
pub(super) enum Value<'a> {
    /// A decoded text, not trimmed; empty for JSON's `null`.
    Text(Cow<'a, str>),
    Bool(bool),
    List(Vec<Json>),
    /// A JSON number or object, which no parameter accepts.
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

/// The values of a request, in the order of [`name::ALL`].
#[derive(Debug, Default)]
pub(super) struct Values<'a>([Option<Value<'a>>; name::ALL.len()]);

impl<'a> Values<'a> {
    /// Parses a query (URL standard, `application/x-www-form-urlencoded`) and ignores unknown names. Allocates only for known
    /// names with encoded values.
    pub fn from_query(query: &'a str) -> Self {
        let mut values = Self::default();
        for (place, pair) in known_pairs(query.as_bytes()) {
            if let Some(place) = place {
                values.set(place, || Value::Text(decode_pair(pair).1));
            }
        }
        values
    }

    /// Parses a form in the same format as [`Values::from_query`].
    ///
    /// # Errors
    /// If a name is unknown.
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

    /// Sets the value of the name at this index of [`name::ALL`], unless the name has one already.
    pub fn set(&mut self, place: usize, value: impl FnOnce() -> Value<'a>) {
        self.0[place].get_or_insert_with(value);
    }

    /// Returns the trimmed value of a text parameter; `None` if it is absent or empty.
    ///
    /// # Errors
    /// If a JSON value is not a string.
    pub fn text(&self, name: &'static str) -> Result<Option<&str>, Error> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text.trim()).filter(|text| !text.is_empty())),
            Some(_) => Err(Error::parameter(name, "must be a string")),
        }
    }

    /// Returns the value of a boolean parameter, which is a text or a JSON boolean; `None` if it is absent or empty.
    ///
    /// # Errors
    /// If the value is anything else.
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

    /// Returns a set of features; `None` if the parameter is absent or an empty text, which stands for all features. Unknown keys
    /// are ignored, so that a page can name new features.
    ///
    /// # Errors
    /// If a JSON value is neither a string nor a list of strings.
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

/// Returns the first known parameter in a query, if there is one.
pub(super) fn first_known(query: &str) -> Option<&'static str> {
    known_pairs(query.as_bytes()).find_map(|(place, _)| Some(name::ALL[place?]))
}

/// The maximum number of unknown names in the URL of a `POST` that are checked.
const MAX_UNKNOWN: usize = 20;

/// Rejects names in the URL of a `POST` that look like misspelt parameters: their values would be ignored unnoticed.
///
/// # Errors
/// If there is such a name. Other unknown names, such as those added for tracking, are ignored.
pub(super) fn check_unknown(query: &str) -> Result<(), Error> {
    let mut unknown = UnknownParameters::default();
    let pairs = known_pairs(query.as_bytes()).filter(|(place, _)| place.is_none());
    for (_, pair) in pairs.take(MAX_UNKNOWN) {
        unknown.push_if_near(&decode_pair(pair).0);
    }
    unknown.or(())
}

/// Returns the index of a name in [`name::ALL`].
pub(super) fn place_of(name: &str) -> Option<usize> {
    name::ALL.into_iter().position(|known| known == name)
}

/// Splits a query or form into pairs, still encoded, each with the index of its name. A name is decoded while it is
/// compared, without a copy, because a query can have thousands of unknown names.
fn known_pairs(text: &[u8]) -> impl Iterator<Item = (Option<usize>, &[u8])> {
    text.split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
            // Most unknown names differ in their first byte. A `+` encodes a space, which no known name has.
            let first = percent_decode(name).next();
            let is = |known: &&str| {
                known.bytes().next() == first && percent_decode(name).eq(known.bytes())
            };
            (name::ALL.iter().position(is), pair)
        })
}

/// Decodes the name and the value of a pair, as the URL standard specifies.
fn decode_pair(pair: &[u8]) -> (Cow<'_, str>, Cow<'_, str>) {
    form_urlencoded::parse(pair).next().unwrap_or_default()
}

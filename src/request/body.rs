//! The body of a `POST`: JSON or a form, limited in size and strict about names. A caller who misspells a name gets an error
//! instead of a token for the default room.
#![forbid(unsafe_code)]

use std::fmt;
use std::io::Read;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::{Map, Value as Json};

use super::error::{Error, MAX_BODY_BYTES, UnknownParameters};
use super::parameters::{Value, Values, place_of};
use crate::http::{BodyError, Headers, read_body};
use crate::json;

/// The byte order mark in UTF-8, which some editors and .NET write before a text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The media type of a body.
#[derive(Debug, Clone, Copy)]
enum MediaType {
    Json,
    Form,
}

/// A body that has been read, but not parsed.
#[derive(Debug)]
pub(super) struct Body {
    media_type: MediaType,
    bytes: Vec<u8>,
}

impl Body {
    /// Reads the whole body.
    ///
    /// # Errors
    /// If the media type is neither JSON nor a form, or the body is compressed, longer than [`MAX_BODY_BYTES`] or truncated.
    pub fn read(headers: &Headers, body: impl Read) -> Result<Self, Error> {
        let media_type = MediaType::of(headers)?;
        if !headers.get_all("content-encoding").all(is_identity) {
            return Err(Error::UnsupportedEncoding);
        }
        let bytes = read_body(headers, body, MAX_BODY_BYTES).map_err(|error| match error {
            BodyError::TooLarge => Error::BodyTooLarge,
            BodyError::Incomplete => {
                Error::MalformedBody("The body broke off before its end: send it again".into())
            }
        })?;
        Ok(Self { media_type, bytes })
    }

    /// Returns the members of a JSON object, with any names.
    ///
    /// # Errors
    /// If the body is a form, or is not a JSON object.
    pub fn json_object(&self) -> Result<Map<String, Json>, Error> {
        match self.media_type {
            MediaType::Form => Err(Error::MalformedBody(
                "The body is a form: send a JSON object, with Content-Type: application/json"
                    .into(),
            )),
            MediaType::Json => {
                let text = self.text()?;
                let object: json::Object =
                    serde_json::from_str(text).map_err(|e| not_an_object(text, &e))?;
                Ok(object.first())
            }
        }
    }

    fn text(&self) -> Result<&str, Error> {
        std::str::from_utf8(self.without_mark())
            .map_err(|_| Error::MalformedBody("The body is not UTF-8: encode it as UTF-8".into()))
    }

    fn without_mark(&self) -> &[u8] {
        self.bytes
            .strip_prefix(BYTE_ORDER_MARK)
            .unwrap_or(&self.bytes)
    }

    /// Parses the parameters.
    ///
    /// # Errors
    /// If the body does not match its media type, or has an unknown name.
    pub fn parse(&self) -> Result<Values<'_>, Error> {
        match self.media_type {
            MediaType::Form => Values::from_form(self.without_mark()),
            MediaType::Json => parse_json(self.text()?),
        }
    }
}

impl MediaType {
    fn of(headers: &Headers) -> Result<Self, Error> {
        let mut types = headers.get_all("content-type");
        let (Some(value), None) = (types.next(), types.next()) else {
            return Err(Error::UnsupportedMediaType);
        };
        let value = std::str::from_utf8(value).map_err(|_| Error::UnsupportedMediaType)?;
        let mut parts = value.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
        // Both types are defined to be UTF-8 (RFC 8259, section 8.1; URL standard), so any other charset is a mistake.
        let utf8 = parts.all(|parameter| match parameter.split_once('=') {
            Some((name, charset)) if name.trim().eq_ignore_ascii_case("charset") => charset
                .trim()
                .trim_matches('"')
                .eq_ignore_ascii_case("utf-8"),
            _ => true,
        });
        match essence.as_str() {
            "application/json" if utf8 => Ok(Self::Json),
            "application/x-www-form-urlencoded" if utf8 => Ok(Self::Form),
            _ => Err(Error::UnsupportedMediaType),
        }
    }
}

/// Whether a `Content-Encoding` (RFC 9110, section 8.4) leaves the body unchanged.
fn is_identity(value: &[u8]) -> bool {
    value.split(|byte| *byte == b',').all(|coding| {
        let coding = coding.trim_ascii();
        coding.is_empty() || coding.eq_ignore_ascii_case(b"identity")
    })
}

fn parse_json(text: &str) -> Result<Values<'static>, Error> {
    let object: Object = serde_json::from_str(text).map_err(|e| not_an_object(text, &e))?;
    object.unknown.or(object.values)
}

fn not_an_object(text: &str, error: &serde_json::Error) -> Error {
    let problem = if text.trim().is_empty() {
        "it is empty".to_owned()
    } else if error.classify() == Category::Data {
        // serde_json's message for this category would reveal the value.
        "it is JSON of another kind".to_owned()
    } else {
        let described = error.to_string();
        // serde_json's messages for half of a surrogate pair describe its parsing instead of the mistake.
        if ["unexpected end of hex escape", "lone leading surrogate"]
            .into_iter()
            .any(|start| described.starts_with(start))
        {
            format!(
                "a \\u escape is half of a surrogate pair at line {} column {}",
                error.line(),
                error.column()
            )
        } else {
            described
        }
    };
    Error::MalformedBody(format!(
        "The body is not a JSON object: {problem}; send one like {{\"room\":\"my-room\"}}"
    ))
}

/// The parameters of a JSON object: the first value of each known name, and the unknown names.
struct Object {
    values: Values<'static>,
    unknown: UnknownParameters,
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut object = Object {
                    values: Values::default(),
                    unknown: UnknownParameters::default(),
                };
                while let Some(name) = map.next_key::<String>()? {
                    if let Some(place) = place_of(&name) {
                        let value: Json = map.next_value()?;
                        object.values.set(place, || Value::from(value));
                    } else {
                        map.next_value::<IgnoredAny>()?;
                        object.unknown.push(&name);
                    }
                }
                Ok(object)
            }
        }
        deserializer.deserialize_map(Members)
    }
}

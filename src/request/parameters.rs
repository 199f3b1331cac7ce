//! What a caller sends, as names and values: from the query of a `GET`, from the body of a `POST`.
//!
//! All three forms obey the same rules: unknown names are ignored, the first of a repeated name wins, and a value that
//! cannot be read is an error that names its parameter.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::fmt;
use std::io::Read;

use percent_encoding::percent_decode;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::cors::{Headers, values};
use crate::error::Error;
use crate::features::{Feature, FeatureSet};

/// The largest body of a `POST`, in bytes.
pub const MAX_BODY_BYTES: usize = 16 * 1024;

/// The names of the request parameters; the same in a query, a form and a JSON object.
pub mod name {
    /// The meeting room.
    pub const ROOM: &str = "room";
    /// The person's id.
    pub const USER_ID: &str = "user_id";
    /// The person's display name.
    pub const USER_NAME: &str = "user_name";
    /// The person's e-mail address.
    pub const USER_EMAIL: &str = "user_email";
    /// Whether the person moderates: `true` or `false`.
    pub const USER_MODERATOR: &str = "user_moderator";
    /// The address of the person's picture.
    pub const USER_AVATAR: &str = "user_avatar";
    /// Whether recordings should leave the person out: `true` or `false`.
    pub const USER_HIDDEN_FROM_RECORDER: &str = "user_hidden_from_recorder";
    /// The features that are asked for: keys separated by commas or spaces, in JSON also a list.
    pub const FEATURES: &str = "features";
    /// All of them.
    pub const ALL: [&str; 8] = [
        ROOM,
        USER_ID,
        USER_NAME,
        USER_EMAIL,
        USER_MODERATOR,
        USER_AVATAR,
        USER_HIDDEN_FROM_RECORDER,
        FEATURES,
    ];
}

/// The parameters of one request, as they came.
#[derive(Debug)]
pub struct Parameters(Vec<(String, Raw)>);

#[derive(Debug)]
enum Raw {
    /// Still percent-encoded: only the parameters that are known are decoded.
    Encoded(String),
    Json(Value),
}

impl Parameters {
    /// Reads a query string or a form (URL standard, `application/x-www-form-urlencoded`).
    ///
    /// Unlike the standard's parser, which puts U+FFFD in the place of what it cannot read, a value that is not
    /// percent-encoded UTF-8 is an error as soon as it is asked for: it would become somebody's name in a meeting.
    #[must_use]
    pub fn from_form(text: &str) -> Self {
        let pairs = text.split('&').filter_map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            // A name that cannot be decoded is none of ours.
            let name = decode_form(name).ok()?;
            Some((name, Raw::Encoded(value.to_owned())))
        });
        Self(pairs.collect())
    }

    /// Reads the body of a `POST`.
    ///
    /// # Errors
    /// 415 for a media type other than JSON and form, 413 for more than [`MAX_BODY_BYTES`], 400 for a body that breaks
    /// off, is not UTF-8, or is not a JSON object.
    pub fn from_body(headers: &Headers, body: impl Read) -> Result<Self, Error> {
        let media_type = MediaType::of(headers)?;
        let length = values(headers, "content-length")
            .find_map(|value| std::str::from_utf8(value).ok()?.trim().parse::<u64>().ok());
        if length.is_some_and(|length| length > MAX_BODY_BYTES as u64) {
            return Err(Error::BodyTooLarge);
        }
        let mut bytes = Vec::new();
        body.take(MAX_BODY_BYTES as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(|_| {
                Error::MalformedBody("The body broke off before its end: send it again")
            })?;
        if bytes.len() > MAX_BODY_BYTES {
            return Err(Error::BodyTooLarge);
        }
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| Error::MalformedBody("The body is not UTF-8: encode it as UTF-8"))?;
        match media_type {
            MediaType::Form => Ok(Self::from_form(text)),
            MediaType::Json => serde_json::from_str(text).map_err(|_| {
                Error::MalformedBody(
                    "The body is not a JSON object: send one like {\"room\":\"my-room\"}",
                )
            }),
        }
    }

    /// Whether one of the parameters has this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(n, _)| n == name)
    }

    /// The value of a text parameter, without white space around it; `None` when it is absent or empty.
    ///
    /// # Errors
    /// 400 for a value that is not percent-encoded UTF-8, or in JSON not a string.
    pub fn text(&self, name: &'static str) -> Result<Option<Cow<'_, str>>, Error> {
        let text = match self.first(name) {
            None | Some(Raw::Json(Value::Null)) => return Ok(None),
            Some(Raw::Json(Value::String(text))) => Cow::Borrowed(text.trim()),
            Some(Raw::Json(_)) => return Err(wrong_type(name, "must be a string")),
            Some(Raw::Encoded(value)) => {
                let text = decode_form(value).map_err(|problem| Error::Parameter {
                    name,
                    problem: problem.into(),
                })?;
                Cow::Owned(text.trim().to_owned())
            }
        };
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// The value of a parameter that is true or false: as text, or in JSON also as a boolean.
    ///
    /// # Errors
    /// As [`Parameters::text`].
    pub fn text_or_bool(&self, name: &'static str) -> Result<Option<Cow<'_, str>>, Error> {
        match self.first(name) {
            Some(Raw::Json(Value::Bool(true))) => Ok(Some("true".into())),
            Some(Raw::Json(Value::Bool(false))) => Ok(Some("false".into())),
            Some(Raw::Json(Value::Null | Value::String(_)) | Raw::Encoded(_)) | None => {
                self.text(name)
            }
            Some(Raw::Json(_)) => Err(wrong_type(name, "must be true or false")),
        }
    }

    /// The features that are asked for; `None` when the parameter is absent or empty, which asks for all. A key that
    /// nobody knows is one that nobody may have: it is passed over, so that a page can ask for what is new.
    ///
    /// # Errors
    /// As [`Parameters::text`].
    pub fn features(&self, name: &'static str) -> Result<Option<FeatureSet>, Error> {
        let of = |keys: &str| split_list(keys).filter_map(Feature::from_key).collect();
        if let Some(Raw::Json(Value::Array(list))) = self.first(name) {
            let keys: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
            let keys = keys.ok_or_else(|| wrong_type(name, "must be a list of strings"))?;
            return Ok(Some(of(&keys.join(","))));
        }
        Ok(self.text(name)?.map(|keys| of(&keys)))
    }

    fn first(&self, name: &str) -> Option<&Raw> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, raw)| raw)
    }
}

/// The words of a list that commas or white space separate.
pub fn split_list(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c == ',' || c.is_whitespace())
        .filter(|word| !word.is_empty())
}

/// The names of a list that commas or line breaks separate: spaces belong to a name.
pub fn split_names(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', '\n'])
        .map(str::trim)
        .filter(|name| !name.is_empty())
}

fn wrong_type(name: &'static str, problem: &str) -> Error {
    Error::Parameter {
        name,
        problem: problem.into(),
    }
}

/// Reads a JSON object and nothing else, and keeps the order and the repetitions of its names.
impl<'de> Deserialize<'de> for Parameters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Parameters;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Parameters, A::Error> {
                let mut list = Vec::new();
                while let Some((name, value)) = map.next_entry()? {
                    list.push((name, Raw::Json(value)));
                }
                Ok(Parameters(list))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

#[derive(Clone, Copy)]
enum MediaType {
    Json,
    Form,
}

impl MediaType {
    fn of(headers: &Headers) -> Result<Self, Error> {
        let mut types = values(headers, "content-type");
        let (Some(value), None) = (types.next(), types.next()) else {
            return Err(Error::UnsupportedMediaType);
        };
        let value = std::str::from_utf8(value).map_err(|_| Error::UnsupportedMediaType)?;
        let mut parts = value.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
        // Both types are UTF-8 by their definitions (RFC 8259, section 8.1; URL standard); another charset is a mistake.
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

/// Decodes a form's name or value: `+` is a space, then percent-decoding.
fn decode_form(text: &str) -> Result<String, &'static str> {
    decode_percent(&text.replace('+', " "))
}

/// Percent-decodes UTF-8, and refuses what the decoder would leave as it stands: a `%` without two hexadecimal digits.
///
/// # Errors
/// The rest of a sentence that starts with the parameter's name.
pub(crate) fn decode_percent(text: &str) -> Result<String, &'static str> {
    let well_formed = text.split('%').skip(1).all(|rest| {
        let mut bytes = rest.bytes();
        let mut digit = || bytes.next().is_some_and(|b| b.is_ascii_hexdigit());
        digit() && digit()
    });
    if !well_formed {
        return Err(
            "has a % without two hexadecimal digits after it: encode the value with encodeURIComponent",
        );
    }
    percent_decode(text.as_bytes())
        .decode_utf8()
        .map(Cow::into_owned)
        .map_err(
            |_| "is not UTF-8 after percent-decoding: encode the value with encodeURIComponent",
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str, name: &'static str) -> Result<Option<String>, String> {
        text_of(&Parameters::from_form(text), name)
    }

    fn text_of(parameters: &Parameters, name: &'static str) -> Result<Option<String>, String> {
        parameters
            .text(name)
            .map(|text| text.map(Cow::into_owned))
            .map_err(|e| e.message())
    }

    fn post(content_type: &str, body: &[u8]) -> Result<Parameters, Error> {
        let headers = vec![("Content-Type".to_owned(), content_type.as_bytes().to_vec())];
        Parameters::from_body(&headers, body)
    }

    #[test]
    fn a_form_is_decoded_as_browsers_encode_it() {
        for (query, room) in [
            ("room=a", Some("a")),
            ("user_id=x&room=a%20b", Some("a b")),
            ("room=a+b", Some("a b")),
            ("room=a%2Bb", Some("a+b")),
            ("room=%e5%85%ac", Some("公")),
            ("room=公", Some("公")),
            ("room=a=b", Some("a=b")),
            ("%72oom=a", Some("a")),
            ("room=first&room=second", Some("first")),
            ("room=&room=second", None),
            ("room", None),
            ("room=", None),
            ("room=%20+", None),
            ("Room=a", None),
            ("", None),
            ("&&=&", None),
        ] {
            assert_eq!(form(query, "room"), Ok(room.map(str::to_owned)), "{query}");
        }
    }

    #[test]
    fn bad_encoding_of_a_known_parameter_is_named_and_of_an_unknown_one_ignored() {
        for (value, part) in [
            ("%", "two hexadecimal digits"),
            ("%4", "two hexadecimal digits"),
            ("100%", "two hexadecimal digits"),
            ("%zz", "two hexadecimal digits"),
            ("%4%41", "two hexadecimal digits"),
            ("%+1", "two hexadecimal digits"),
            ("%ff", "not UTF-8"),
            ("%c3%28", "not UTF-8"),
            ("%ed%a0%80", "not UTF-8"),
        ] {
            let message = form(&format!("room={value}"), "room").expect_err(value);
            assert!(message.starts_with("room "), "{value}: {message}");
            assert!(message.contains(part), "{value}: {message}");
            assert_eq!(
                form(&format!("x={value}&{value}=x&room=a"), "room"),
                Ok(Some("a".into()))
            );
        }
    }

    #[test]
    fn a_json_body_is_an_object_of_strings() {
        for (body, room) in [
            (r#"{"room":" a "}"#, Ok(Some("a"))),
            (r#"{"room":"a","room":"b"}"#, Ok(Some("a"))),
            (r#"{"room":""}"#, Ok(None)),
            (r#"{"room":null}"#, Ok(None)),
            (r#"{"x":{"y":[1]}}"#, Ok(None)),
            (r#"{"room":"%41"}"#, Ok(Some("%41"))),
            (r#"{"room":1}"#, Err("room must be a string")),
            (r#"{"room":true}"#, Err("room must be a string")),
            (r#"{"room":["a"]}"#, Err("room must be a string")),
            (r#"{"room":{}}"#, Err("room must be a string")),
        ] {
            let parameters = post("application/json", body.as_bytes()).expect(body);
            assert_eq!(
                text_of(&parameters, "room"),
                room.map(|r| r.map(str::to_owned)).map_err(str::to_owned),
                "{body}"
            );
        }
    }

    #[test]
    fn a_body_that_cannot_be_read_is_refused() {
        let deep = "[".repeat(16_000);
        for body in [
            "",
            " ",
            "null",
            "[]",
            r#"["a"]"#,
            "\"a\"",
            "1",
            "{",
            r#"{"room":"a"}x"#,
            "{\"a\":1,}",
            &deep,
        ] {
            let error = post("application/json", body.as_bytes()).expect_err(body);
            assert_eq!(error.status(), 400, "{body:.20}");
            assert!(error.message().contains("JSON object"));
        }
        let error = post("application/json", b"{\"room\":\"\xff\"}").unwrap_err();
        assert!(error.message().contains("UTF-8"));
        let error = post("application/x-www-form-urlencoded", b"room=\xff").unwrap_err();
        assert!(error.message().contains("UTF-8"));
    }

    #[test]
    fn moderator_may_be_a_boolean() {
        for (body, expected) in [
            (r#"{"user_moderator":true}"#, Ok(Some("true"))),
            (r#"{"user_moderator":false}"#, Ok(Some("false"))),
            (r#"{"user_moderator":"TRUE"}"#, Ok(Some("TRUE"))),
            (r#"{"user_moderator":null}"#, Ok(None)),
            (
                r#"{"user_moderator":1}"#,
                Err("user_moderator must be true or false"),
            ),
        ] {
            let parameters = post("application/json", body.as_bytes()).expect(body);
            let got = parameters.text_or_bool("user_moderator");
            assert_eq!(
                got.map(|t| t.map(Cow::into_owned)).map_err(|e| e.message()),
                expected
                    .map(|t| t.map(str::to_owned))
                    .map_err(str::to_owned),
                "{body}"
            );
        }
    }

    #[test]
    fn only_json_and_forms_in_utf_8_are_read() {
        for (content_type, good) in [
            ("application/json", true),
            ("Application/JSON", true),
            ("application/json; charset=utf-8", true),
            ("application/json;charset=\"UTF-8\"", true),
            ("application/json; charset=big5", false),
            ("text/plain", false),
            ("multipart/form-data; boundary=x", false),
            ("application/jsonp", false),
            ("", false),
        ] {
            let read = post(content_type, b"{}");
            assert_eq!(read.is_ok(), good, "{content_type}");
            if let Err(error) = read {
                assert_eq!(error.status(), 415);
            }
        }
        assert!(
            post("application/x-www-form-urlencoded", b"room=a")
                .unwrap()
                .has("room")
        );
        let error = Parameters::from_body(&[], &b"{}"[..]).unwrap_err();
        assert_eq!(error.status(), 415);
        let twice = vec![("content-type".to_owned(), b"application/json".to_vec()); 2];
        assert_eq!(
            Parameters::from_body(&twice, &b"{}"[..])
                .unwrap_err()
                .status(),
            415
        );
    }

    #[test]
    fn a_body_has_at_most_16_kib() {
        let body = |length: usize| {
            let mut body = br#"{"room":""#.to_vec();
            body.resize(length - 2, b'a');
            body.extend_from_slice(b"\"}");
            body
        };
        assert!(post("application/json", &body(MAX_BODY_BYTES)).is_ok());
        let error = post("application/json", &body(MAX_BODY_BYTES + 1)).unwrap_err();
        assert_eq!(error.status(), 413);

        // A length that is announced is believed before anything is read.
        struct Unread;
        impl Read for Unread {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                panic!("the body was read");
            }
        }
        let headers = vec![
            ("content-type".to_owned(), b"application/json".to_vec()),
            ("content-length".to_owned(), b"16385".to_vec()),
        ];
        assert_eq!(
            Parameters::from_body(&headers, Unread)
                .unwrap_err()
                .status(),
            413
        );
    }

    #[test]
    fn a_body_that_breaks_off_is_refused() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(std::io::Error::other("gone"))
            }
        }
        let headers = vec![("content-type".to_owned(), b"application/json".to_vec())];
        assert_eq!(
            Parameters::from_body(&headers, Broken)
                .unwrap_err()
                .status(),
            400
        );
    }
}

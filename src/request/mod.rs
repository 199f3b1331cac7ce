//! What a caller asks for: the room and the person, validated. Defaults and roles are the business of [`crate::policy`].
#![forbid(unsafe_code)]

use url::Url;

use crate::error::Error;
use crate::features::FeatureSet;
use crate::origin::is_loopback;
use crate::parameters::{Parameters, name};
use crate::room::{RoomName, is_excluded_from_xml};

/// The longest id or display name, in characters.
pub const MAX_TEXT_CHARACTERS: usize = 256;
/// The longest e-mail address, in characters (RFC 5321, section 4.5.3.1.3: 256 octets with its angle brackets).
pub const MAX_EMAIL_CHARACTERS: usize = 254;

/// The longest address of a picture, in characters.
pub const MAX_AVATAR_CHARACTERS: usize = 2048;

/// A validated request; `None` where it says nothing.
#[derive(Debug, Clone, Default)]
pub struct TokenRequest {
    /// The room to join.
    pub room: Option<RoomName>,
    /// The person's id.
    pub user_id: Option<PersonalText>,
    /// The person's display name.
    pub user_name: Option<PersonalText>,
    /// The person's e-mail address.
    pub user_email: Option<Email>,
    /// The person's picture.
    pub user_avatar: Option<Avatar>,
    /// Whether the person wants to moderate.
    pub moderator: Option<bool>,
    /// Whether recordings should leave the person out.
    pub hidden_from_recorder: Option<bool>,
    /// The features that are asked for.
    pub features: Option<FeatureSet>,
}

impl TokenRequest {
    /// Reads and validates the parameters.
    ///
    /// # Errors
    /// 400, naming the first parameter that cannot be used.
    pub fn read(parameters: &Parameters) -> Result<Self, Error> {
        Ok(Self {
            room: read(parameters, name::ROOM, RoomName::parse)?,
            user_id: read(parameters, name::USER_ID, PersonalText::parse)?,
            user_name: read(parameters, name::USER_NAME, PersonalText::parse)?,
            user_email: read(parameters, name::USER_EMAIL, email_or_nothing)?.flatten(),
            user_avatar: read(parameters, name::USER_AVATAR, Avatar::parse)?,
            moderator: read_bool(parameters, name::USER_MODERATOR)?,
            hidden_from_recorder: read_bool(parameters, name::USER_HIDDEN_FROM_RECORDER)?,
            features: parameters.features(name::FEATURES)?,
        })
    }
}

fn read_bool(parameters: &Parameters, name: &'static str) -> Result<Option<bool>, Error> {
    parameters
        .text_or_bool(name)?
        .map(|text| {
            parse_bool(&text).ok_or_else(|| Error::Parameter {
                name,
                problem: "must be true or false".into(),
            })
        })
        .transpose()
}

fn read<T, E: ToString>(
    parameters: &Parameters,
    name: &'static str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, Error> {
    parameters
        .text(name)?
        .map(|text| parse(&text))
        .transpose()
        .map_err(|e| Error::Parameter {
            name,
            problem: e.to_string(),
        })
}

/// What is no address counts as not given: nothing depends on it, and the snippet that the Worker's documentation gives to
/// pages sends such a text where it was copied from a page that hides addresses.
fn email_or_nothing(text: &str) -> Result<Option<Email>, TextError> {
    match Email::parse(text) {
        Ok(email) => Ok(Some(email)),
        Err(TextError::NotAnAddress) => Ok(None),
        Err(error) => Err(error),
    }
}

/// `true` or `false` in any letter case, as `user_moderator` and the variables that are switches have it.
#[must_use]
pub fn parse_bool(text: &str) -> Option<bool> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// Why a field about a person is refused; continues a sentence that starts with the field's name, and never shows the
/// field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextError {
    /// More characters than this.
    TooLong(usize),
    /// A control character or one that XML excludes.
    ControlCharacter,
    /// Not an e-mail address.
    NotAnAddress,
    /// Not the address of a picture.
    NotAPicture,
}

impl std::fmt::Display for TextError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooLong(most) => write!(f, "must have at most {most} characters"),
            Self::ControlCharacter => f.write_str("must not contain control characters"),
            Self::NotAnAddress => {
                f.write_str("must be an e-mail address, with an @ between name and domain")
            }
            Self::NotAPicture => f.write_str(
                "must be an https URL without user name and password (http for localhost only)",
            ),
        }
    }
}

fn validate(text: &str, most: usize) -> Result<(), TextError> {
    if text.chars().count() > most {
        return Err(TextError::TooLong(most));
    }
    if text.chars().any(is_excluded_from_xml) {
        return Err(TextError::ControlCharacter);
    }
    Ok(())
}

/// An id or a display name: at most [`MAX_TEXT_CHARACTERS`], no control characters.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PersonalText(String);

impl PersonalText {
    /// Checks a text that is not empty and has no white space around it.
    ///
    /// # Errors
    /// See [`TextError`].
    pub fn parse(text: &str) -> Result<Self, TextError> {
        validate(text, MAX_TEXT_CHARACTERS)?;
        Ok(Self(text.to_owned()))
    }

    /// The claim.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

/// An e-mail address: at most [`MAX_EMAIL_CHARACTERS`], no control characters, something on both sides of an `@`.
#[derive(Clone, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// Checks a text that is not empty and has no white space around it.
    ///
    /// # Errors
    /// See [`TextError`].
    pub fn parse(text: &str) -> Result<Self, TextError> {
        validate(text, MAX_EMAIL_CHARACTERS)?;
        match text.rsplit_once('@') {
            Some((name, domain)) if !name.is_empty() && !domain.is_empty() => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(TextError::NotAnAddress),
        }
    }

    /// The claim.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

/// The address of a picture: an https URL (http for this machine) of at most [`MAX_AVATAR_CHARACTERS`].
#[derive(Clone, PartialEq, Eq)]
pub struct Avatar(String);

impl Avatar {
    /// Checks a text that is not empty and has no white space around it.
    ///
    /// # Errors
    /// See [`TextError`].
    pub fn parse(text: &str) -> Result<Self, TextError> {
        validate(text, MAX_AVATAR_CHARACTERS)?;
        let url = Url::parse(text).map_err(|_| TextError::NotAPicture)?;
        let secure = match url.scheme() {
            "https" => true,
            "http" => url.host().as_ref().is_some_and(is_loopback),
            _ => false,
        };
        if !secure || !url.username().is_empty() || url.password().is_some() {
            return Err(TextError::NotAPicture);
        }
        Ok(Self(url.into()))
    }

    /// The claim.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

/// Says only that something is there: these values stay out of every log.
impl std::fmt::Debug for PersonalText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[personal text elided]")
    }
}

/// As for [`PersonalText`].
impl std::fmt::Debug for Avatar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[picture elided]")
    }
}

/// As for [`PersonalText`].
impl std::fmt::Debug for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[e-mail address elided]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(query: &str) -> Result<TokenRequest, String> {
        TokenRequest::read(&Parameters::from_form(query)).map_err(|e| e.message())
    }

    #[test]
    fn what_is_absent_or_empty_is_not_said() {
        for query in [
            "",
            "room=&user_id=&user_name=&user_email=&user_moderator=&features=",
            "room=%20",
        ] {
            let request = ask(query).unwrap();
            assert!(request.room.is_none() && request.user_id.is_none());
            assert!(request.user_name.is_none() && request.user_email.is_none());
            assert!(request.moderator.is_none() && request.features.is_none());
        }
    }

    #[test]
    fn what_is_given_is_trimmed_and_taken() {
        let request = ask(
            "room=R&user_id=+u1+&user_name=Jane+Smith&user_email=j%40x.tw&user_moderator=FALSE",
        )
        .unwrap();
        assert_eq!(request.room.unwrap().into_string(), "r");
        assert_eq!(request.user_id.unwrap().into_string(), "u1");
        assert_eq!(request.user_name.unwrap().into_string(), "Jane Smith");
        assert_eq!(request.user_email.unwrap().into_string(), "j@x.tw");
        assert_eq!(request.moderator, Some(false));
    }

    #[test]
    fn a_parameter_that_cannot_be_used_is_named_and_its_value_is_not() {
        for (name, value, part) in [
            ("room", "hunter2*", "every room"),
            ("room", "hunter2%25zz", "pattern"),
            ("user_id", "hunter2%00", "control characters"),
            ("user_id", "hunter2%0A3", "control characters"),
            ("user_name", "hunter2%C2%85x", "control characters"),
            ("user_name", &"hunter2".repeat(37), "at most 256"),
            ("user_email", "hunter2%40%00x", "control characters"),
            (
                "user_email",
                &format!("{}%40", "hunter2".repeat(37)),
                "at most 254",
            ),
            ("user_moderator", "hunter2", "true or false"),
            ("user_moderator", "1", "true or false"),
            ("user_hidden_from_recorder", "hunter2", "true or false"),
            ("user_avatar", "http://hunter2", "https URL"),
        ] {
            let message = ask(&format!("{name}={value}")).expect_err(value);
            assert!(message.starts_with(&format!("{name} ")), "{message}");
            assert!(message.contains(part), "{message}");
            assert!(!message.contains("hunter2"), "{message}");
        }
    }

    #[test]
    fn what_is_no_email_address_counts_as_not_given() {
        for text in [
            "hunter2",
            "hunter2%40",
            "%40hunter2",
            "%40",
            "[email%C2%A0protected]",
            "＠",
        ] {
            let request = ask(&format!("user_id=u&user_email={text}")).expect(text);
            assert!(request.user_email.is_none(), "{text}");
            assert!(request.user_id.is_some(), "{text}");
        }
    }

    #[test]
    fn lengths_are_counted_in_characters_after_trimming() {
        let name = |n: usize| format!("user_name=+{}+", "會".repeat(n));
        assert!(ask(&name(256)).is_ok());
        assert!(ask(&name(257)).is_err());
        let email = |n: usize| format!("user_email={}%40a", "b".repeat(n - 2));
        assert!(ask(&email(254)).is_ok());
        assert!(ask(&email(255)).is_err());
    }

    #[test]
    fn a_picture_has_an_https_address() {
        for (text, expected) in [
            ("https://a.example/b.png", Some("https://a.example/b.png")),
            ("HTTPS://A.example", Some("https://a.example/")),
            ("https://a.example/公", Some("https://a.example/%E5%85%AC")),
            (
                "http://localhost:8080/b.png",
                Some("http://localhost:8080/b.png"),
            ),
            ("http://a.example/b.png", None),
            ("https://user@a.example/", None),
            ("https://:secret@a.example/", None),
            ("javascript:alert(1)", None),
            ("data:image/png;base64,AAAA", None),
            ("//a.example/b.png", None),
            ("b.png", None),
        ] {
            let avatar = Avatar::parse(text).ok().map(Avatar::into_string);
            assert_eq!(avatar.as_deref(), expected, "{text}");
        }
        let long = |n: usize| format!("https://a.example/{}", "b".repeat(n - 18));
        assert!(Avatar::parse(&long(2048)).is_ok());
        assert_eq!(Avatar::parse(&long(2049)), Err(TextError::TooLong(2048)));
    }

    #[test]
    fn personal_values_do_not_show_in_debug_output() {
        let request = ask(
            "user_id=hunter2&user_name=hunter2&user_email=hunter2%40x&user_avatar=https://hunter2",
        )
        .unwrap();
        assert!(!format!("{request:?}").contains("hunter2"));
    }
}

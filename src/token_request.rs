//! What a caller asks for: the room and the person, validated, with the operator's defaults for what is left out.
#![forbid(unsafe_code)]

use crate::error::Error;
use crate::parameters::{Parameters, name};
use crate::room::{RoomName, is_excluded_from_xml};

/// The longest id or display name, in characters.
pub const MAX_TEXT_CHARACTERS: usize = 256;
/// The longest e-mail address, in characters (RFC 5321, section 4.5.3.1.3: 256 octets with its angle brackets).
pub const MAX_EMAIL_CHARACTERS: usize = 254;

/// What a request's parameters are when it leaves them out; `None` leaves the field out of the token as well, and for
/// the room, which every token has, makes the parameter required.
#[derive(Debug, Clone)]
pub struct Defaults {
    /// The room.
    pub room: Option<RoomName>,
    /// The person's id.
    pub user_id: Option<PersonalText>,
    /// The person's display name.
    pub user_name: Option<PersonalText>,
    /// The person's e-mail address.
    pub user_email: Option<Email>,
    /// Whether the person moderates.
    pub moderator: Option<bool>,
}

/// A validated request.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// The room to join.
    pub room: RoomName,
    /// The person's id.
    pub user_id: Option<PersonalText>,
    /// The person's display name.
    pub user_name: Option<PersonalText>,
    /// The person's e-mail address.
    pub user_email: Option<Email>,
    /// Whether the person wants to moderate.
    pub moderator: Option<bool>,
}

impl TokenRequest {
    /// Reads and validates the parameters.
    ///
    /// # Errors
    /// 400, naming the first parameter that cannot be used.
    pub fn read(parameters: &Parameters, defaults: &Defaults) -> Result<Self, Error> {
        Ok(Self {
            room: read(parameters, name::ROOM, RoomName::parse)?
                .or_else(|| defaults.room.clone())
                .ok_or_else(|| Error::Parameter {
                    name: name::ROOM,
                    problem: "is missing: say which room, for example room=my-room".into(),
                })?,
            user_id: read(parameters, name::USER_ID, PersonalText::parse)?
                .or_else(|| defaults.user_id.clone()),
            user_name: read(parameters, name::USER_NAME, PersonalText::parse)?
                .or_else(|| defaults.user_name.clone()),
            user_email: read(parameters, name::USER_EMAIL, Email::parse)?
                .or_else(|| defaults.user_email.clone()),
            moderator: match parameters.text_or_bool(name::USER_MODERATOR)? {
                Some(text) => Some(parse_bool(&text).ok_or_else(|| Error::Parameter {
                    name: name::USER_MODERATOR,
                    problem: "must be true or false".into(),
                })?),
                None => defaults.moderator,
            },
        })
    }
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
}

impl std::fmt::Display for TextError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooLong(most) => write!(f, "must have at most {most} characters"),
            Self::ControlCharacter => f.write_str("must not contain control characters"),
            Self::NotAnAddress => {
                f.write_str("must be an e-mail address, with an @ between name and domain")
            }
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
#[derive(Clone, PartialEq, Eq)]
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

/// Says only that something is there: these values stay out of every log.
impl std::fmt::Debug for PersonalText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[personal text elided]")
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
    use crate::config::tests::config_with;

    fn ask(query: &str) -> Result<TokenRequest, String> {
        let parameters = Parameters::from_form(query);
        TokenRequest::read(&parameters, &config_with(&[]).defaults).map_err(|e| e.message())
    }

    #[test]
    fn what_is_absent_or_empty_has_its_default() {
        for query in [
            "",
            "room=&user_id=&user_name=&user_email=&user_moderator=",
            "room=%20",
        ] {
            let request = ask(query).unwrap();
            assert_eq!(request.room.into_string(), "default-room");
            assert_eq!(request.user_id.unwrap().into_string(), "user123");
            assert_eq!(request.user_name.unwrap().into_string(), "Your User");
            assert_eq!(
                request.user_email.unwrap().into_string(),
                "user@example.com"
            );
            assert_eq!(request.moderator, Some(true));
        }
    }

    #[test]
    fn what_is_given_is_trimmed_and_taken() {
        let request = ask(
            "room=R&user_id=+u1+&user_name=Jane+Smith&user_email=j%40x.tw&user_moderator=FALSE",
        )
        .unwrap();
        assert_eq!(request.room.into_string(), "r");
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
            ("user_email", "hunter2", "@"),
            ("user_email", "hunter2%40", "@"),
            ("user_email", "%40hunter2", "@"),
            (
                "user_email",
                &format!("{}%40", "hunter2".repeat(37)),
                "at most 254",
            ),
            ("user_moderator", "hunter2", "true or false"),
            ("user_moderator", "1", "true or false"),
        ] {
            let message = ask(&format!("{name}={value}")).expect_err(value);
            assert!(message.starts_with(&format!("{name} ")), "{message}");
            assert!(message.contains(part), "{message}");
            assert!(!message.contains("hunter2"), "{message}");
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
    fn a_room_is_required_where_it_has_no_default() {
        let defaults = config_with(&[("default_room", "")]).defaults;
        let error = TokenRequest::read(&Parameters::from_form("user_id=a"), &defaults).unwrap_err();
        assert_eq!(error.status(), 400);
        assert!(error.message().starts_with("room is missing"));
    }

    #[test]
    fn personal_values_do_not_show_in_debug_output() {
        let request = ask("user_id=hunter2&user_name=hunter2&user_email=hunter2%40x").unwrap();
        assert!(!format!("{request:?}").contains("hunter2"));
    }
}

//! The person's details in a token: id, display name, e-mail address and picture.
//!
//! All of them are copied to the presence that every participant receives, and to 8x8's webhooks.
#![forbid(unsafe_code)]

use url::{Host, Url};

use crate::secret::Secret;
use crate::text::{is_bidi_control, is_excluded_from_xml, is_visible};

/// The maximum length of an id or display name, in characters.
pub const MAX_TEXT_CHARACTERS: usize = 256;
/// The maximum length of an e-mail address, in characters (RFC 5321, section 4.5.3.1.3: 256 octets with angle brackets).
pub const MAX_EMAIL_CHARACTERS: usize = 254;
/// The maximum length of a picture's URL, in characters.
pub const MAX_AVATAR_CHARACTERS: usize = 2048;

/// Why a value about a person is invalid. `Display` continues a sentence that starts with the field's name, and never shows
/// the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The value has more than this number of characters.
    #[error("must have at most {0} characters")]
    TooLong(usize),
    /// The value has a control character, or another character that XML excludes.
    #[error("must not contain control characters")]
    ControlCharacter,
    /// An id has a character that changes the direction of text.
    #[error("must not contain bidirectional control characters")]
    BidiControl,
    /// The value has no visible character.
    #[error("must have a visible character")]
    Invisible,
    /// The value is not an e-mail address.
    #[error("must be an e-mail address, with an @ between name and domain")]
    NotAnAddress,
    /// The value is not an acceptable URL of a picture.
    #[error(
        "must be an https URL with a public host name, without user name, password and IP address"
    )]
    NotAPicture,
}

fn check(text: &str, most: usize) -> Result<(), Error> {
    if text.chars().count() > most {
        return Err(Error::TooLong(most));
    }
    if text.chars().any(is_excluded_from_xml) {
        return Err(Error::ControlCharacter);
    }
    if !is_visible(text) {
        return Err(Error::Invisible);
    }
    Ok(())
}

fn without_bidi_controls(text: &str) -> String {
    text.chars().filter(|c| !is_bidi_control(*c)).collect()
}

/// A person's id: at most [`MAX_TEXT_CHARACTERS`], no control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Id(Secret<String>);

impl Id {
    /// Parses a text without surrounding white space. Bidirectional controls are an error: removing them could make two ids
    /// equal.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        check(text, MAX_TEXT_CHARACTERS)?;
        if text.chars().any(is_bidi_control) {
            return Err(Error::BidiControl);
        }
        Ok(Self(Secret::new(text.to_owned())))
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.expose()
    }

    /// Converts the id to the value of its claim.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0.into_inner()
    }
}

/// A display name: at most [`MAX_TEXT_CHARACTERS`], no control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(Secret<String>);

impl Name {
    /// Parses a text without surrounding white space, and removes bidirectional controls, which can make a name look like
    /// another one.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        check(text, MAX_TEXT_CHARACTERS)?;
        let text = without_bidi_controls(text);
        Ok(Self(Secret::new(text.trim().to_owned())))
    }

    /// Converts the name to the value of its claim.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0.into_inner()
    }
}

/// An e-mail address: at most [`MAX_EMAIL_CHARACTERS`], no control characters, and something on both sides of an `@`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(Secret<String>);

impl Email {
    /// Parses a text without surrounding white space, and removes bidirectional controls.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        check(text, MAX_EMAIL_CHARACTERS)?;
        let text = without_bidi_controls(text);
        match text.rsplit_once('@') {
            Some((name, domain)) if is_visible(name) && is_visible(domain) => {
                Ok(Self(Secret::new(text)))
            }
            _ => Err(Error::NotAnAddress),
        }
    }

    /// Converts the address to the value of its claim.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0.into_inner()
    }
}

/// The URL of a picture: `https`, at most [`MAX_AVATAR_CHARACTERS`], on a public host.
///
/// The browser of every participant fetches the picture. That reveals the participants' IP addresses to the host, and the
/// URL must not lead the browsers into their private networks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Avatar(Secret<String>);

/// Top-level domains of private networks: RFC 6761, RFC 6762 with appendix G, RFC 8375, and `.internal`, which ICANN
/// reserved in 2024.
const PRIVATE_DOMAINS: [&str; 10] = [
    "corp",
    "home",
    "home.arpa",
    "internal",
    "intranet",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "private",
];

impl Avatar {
    /// Parses a text without surrounding white space.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        check(text, MAX_AVATAR_CHARACTERS)?;
        let url = Url::parse(text).map_err(|_| Error::NotAPicture)?;
        let public = matches!(url.host(), Some(Host::Domain(host)) if is_public(host));
        let anonymous = url.username().is_empty() && url.password().is_none();
        if url.scheme() != "https" || !public || !anonymous {
            return Err(Error::NotAPicture);
        }
        Ok(Self(Secret::new(url.into())))
    }

    /// Converts the URL to the value of its claim.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0.into_inner()
    }
}

/// Whether a host name, lower-cased by the URL parser, belongs to the public DNS. A trailing dot makes no difference.
fn is_public(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let ends_with = |domain: &str| {
        host.strip_suffix(domain)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    host.contains('.') && !PRIVATE_DOMAINS.into_iter().any(ends_with)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_counted_in_characters() {
        let text = |n: usize| "會".repeat(n);
        assert!(Name::parse(&text(256)).is_ok() && Id::parse(&text(256)).is_ok());
        assert_eq!(Name::parse(&text(257)), Err(Error::TooLong(256)));
        assert_eq!(Id::parse(&text(257)), Err(Error::TooLong(256)));
        let email = |n: usize| format!("{}@a", "b".repeat(n - 2));
        assert!(Email::parse(&email(254)).is_ok());
        assert_eq!(Email::parse(&email(255)), Err(Error::TooLong(254)));
    }

    #[test]
    fn control_characters_are_an_error_everywhere() {
        for c in ['\0', '\t', '\n', '\u{7f}', '\u{85}', '\u{fffe}', '\u{ffff}'] {
            let text = format!("a{c}@b");
            assert_eq!(Id::parse(&text), Err(Error::ControlCharacter));
            assert_eq!(Name::parse(&text), Err(Error::ControlCharacter));
            assert_eq!(Email::parse(&text), Err(Error::ControlCharacter));
            let url = format!("https://a.example/{c}");
            assert_eq!(Avatar::parse(&url), Err(Error::ControlCharacter));
        }
    }

    #[test]
    fn bidirectional_controls_leave_names_and_are_an_error_in_ids() {
        let name = |text| Name::parse(text).map(Name::into_string);
        assert_eq!(name("Ann\u{202e}nimdA").as_deref(), Ok("AnnnimdA"));
        assert_eq!(name("\u{2066} Ann \u{2069}").as_deref(), Ok("Ann"));
        // Arabic and Hebrew need none of these controls; emoji keep their joiners.
        assert_eq!(name("آنا 👩\u{200d}💻").as_deref(), Ok("آنا 👩\u{200d}💻"));
        assert_eq!(Id::parse("ann\u{202e}"), Err(Error::BidiControl));
        let email = Email::parse("a\u{202e}@b.tw").map(Email::into_string);
        assert_eq!(email.as_deref(), Ok("a@b.tw"));
    }

    #[test]
    fn what_has_nothing_visible_is_an_error() {
        for text in [
            "\u{200b}",
            "\u{202e}",
            "\u{2800}\u{3164}",
            "\u{feff} \u{ad}",
        ] {
            assert_eq!(Name::parse(text), Err(Error::Invisible));
            assert_eq!(Id::parse(text), Err(Error::Invisible));
        }
        assert_eq!(Email::parse("\u{200b}@\u{200b}"), Err(Error::NotAnAddress));
    }

    #[test]
    fn an_email_address_has_something_on_both_sides_of_an_at() {
        for (text, good) in [
            ("a@b", true),
            ("a@b@c", true),
            ("公@民.台灣", true),
            ("a@", false),
            ("@b", false),
            ("@", false),
            ("[email\u{a0}protected]", false),
            ("＠", false),
        ] {
            assert_eq!(Email::parse(text).is_ok(), good, "{text}");
        }
    }

    #[test]
    fn a_picture_has_an_https_address_on_a_public_host() {
        for (text, expected) in [
            ("https://a.example/b.png", Some("https://a.example/b.png")),
            ("HTTPS://A.example", Some("https://a.example/")),
            ("https://a.example/公", Some("https://a.example/%E5%85%AC")),
            ("https://a.example:8443/b", Some("https://a.example:8443/b")),
            (
                "https://notlocal.example/b",
                Some("https://notlocal.example/b"),
            ),
            (
                "https://mylocalhost.example./b",
                Some("https://mylocalhost.example./b"),
            ),
            ("http://a.example/b.png", None),
            ("http://localhost:8080/b.png", None),
            ("http://127.0.0.1:631/x", None),
            ("https://127.0.0.1/x", None),
            ("https://127.1/x", None),
            ("https://0x7f000001/x", None),
            ("https://2130706433/x", None),
            ("https://192.168.1.1/x", None),
            ("https://8.8.8.8/x", None),
            ("https://[::1]/x", None),
            ("https://[2001:db8::1]/x", None),
            ("https://localhost/x", None),
            ("https://LOCALHOST./x", None),
            ("https://a.localhost/x", None),
            ("https://printer.local/x", None),
            ("https://printer.local./x", None),
            ("https://metadata.google.internal/x", None),
            ("https://router.home.arpa/x", None),
            ("https://router/x", None),
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
        assert_eq!(Avatar::parse(&long(2049)), Err(Error::TooLong(2048)));
    }

    #[test]
    fn personal_values_do_not_show_in_debug_output() {
        let shown = format!(
            "{:?}{:?}{:?}{:?}",
            Id::parse("hunter2"),
            Name::parse("hunter2"),
            Email::parse("hunter2@x"),
            Avatar::parse("https://hunter2.example")
        );
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

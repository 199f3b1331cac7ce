//! The link that takes an invited person to the page for the meeting.
#![forbid(unsafe_code)]

use std::cell::Cell;

use url::Url;

use crate::cors::is_loopback;

/// The placeholder for the invitation in the variable.
const PLACE: &str = "{invitation}";

/// A URL with a placeholder for an invitation in its fragment, which browsers do not send to servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link(String);

/// Why a text is not a valid link. `Display` continues a sentence that starts with the variable's name, without the full stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The URL is not secure, or its fragment does not have exactly one placeholder.
    #[error(
        "must be an https URL with {{invitation}} once, behind a #, where no server's log gets it: https://vtaiwan.tw/meet#invitation={{invitation}}"
    )]
    Place,
    /// The URL contains something that browsers tolerate but valid URLs do not have: white space, a backslash or a user name.
    #[error(
        "has a space, a user name or something else that no address of a page has; copy the page's address from a browser, and write #invitation={{invitation}} behind it"
    )]
    NotValid,
}

impl Link {
    /// Parses a link.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub fn parse(text: &str) -> Result<Self, LinkError> {
        let is_valid = Cell::new(true);
        let url = Url::options()
            .syntax_violation_callback(Some(&|_| is_valid.set(false)))
            // Braces are not valid in a URL.
            .parse(&text.replace(PLACE, "x"))
            .map_err(|_| LinkError::Place)?;
        let secure = match url.scheme() {
            "https" => url.host().is_some(),
            "http" => url.host().is_some_and(|host| match host {
                url::Host::Domain(name) => is_loopback(&url::Host::Domain(name)),
                url::Host::Ipv4(address) => is_loopback(&url::Host::Ipv4(address)),
                url::Host::Ipv6(address) => is_loopback(&url::Host::Ipv6(address)),
            }),
            _ => false,
        };
        let (before, fragment) = text.split_once('#').ok_or(LinkError::Place)?;
        if !secure || before.contains(PLACE) || fragment.matches(PLACE).count() != 1 {
            return Err(LinkError::Place);
        }
        if !is_valid.get() {
            return Err(LinkError::NotValid);
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the URL with this invitation in place of the placeholder.
    #[must_use]
    pub fn with(&self, invitation: &str) -> String {
        self.0.replace(PLACE, invitation)
    }
}

//! The address under which the invited person finds the invitation.
#![forbid(unsafe_code)]

use std::cell::Cell;

use url::Url;

use crate::cors::is_loopback;

/// Stands in the variable for the invitation.
const PLACE: &str = "{invitation}";

/// An address with a place for an invitation in its fragment, which no browser sends to a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link(String);

/// Why a text is no such address; continues a sentence that starts with the variable's name, without its full stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Not `https`, or not one place in the fragment.
    #[error(
        "must be an https URL with {{invitation}} once, behind a #, where no server's log gets it: https://vtaiwan.tw/meet#invitation={{invitation}}"
    )]
    Place,
    /// What browsers read as a URL and no URL has: white space, a backslash, a user name.
    #[error(
        "has a space, a user name or something else that no address of a page has; copy the page's address from a browser, and write #invitation={{invitation}} behind it"
    )]
    NotValid,
}

impl Link {
    /// Reads the address.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub fn parse(text: &str) -> Result<Self, LinkError> {
        let is_valid = Cell::new(true);
        let url = Url::options()
            .syntax_violation_callback(Some(&|_| is_valid.set(false)))
            // Braces are no characters of a URL.
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

    /// The address with an invitation in its place.
    #[must_use]
    pub fn with(&self, invitation: &str) -> String {
        self.0.replace(PLACE, invitation)
    }
}

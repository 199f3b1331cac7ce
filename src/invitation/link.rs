//! The address under which the invited person finds the invitation.
#![forbid(unsafe_code)]

use url::Url;

use crate::cors::is_loopback;

/// Stands in the variable for the invitation.
const PLACE: &str = "{invitation}";

/// An address with a place for an invitation in its fragment, which no browser sends to a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link(String);

/// Why a text is no such address; continues a sentence that starts with the variable's name, without its full stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be an https URL with {{invitation}} once, behind a #, where no server's log gets it: https://vtaiwan.tw/meet#invitation={{invitation}}"
)]
pub struct LinkError;

impl Link {
    /// Reads the address.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub fn parse(text: &str) -> Result<Self, LinkError> {
        let url = Url::parse(text).map_err(|_| LinkError)?;
        let secure = match url.scheme() {
            "https" => url.host().is_some(),
            "http" => url.host().is_some_and(|host| match host {
                url::Host::Domain(name) => is_loopback(&url::Host::Domain(name)),
                url::Host::Ipv4(address) => is_loopback(&url::Host::Ipv4(address)),
                url::Host::Ipv6(address) => is_loopback(&url::Host::Ipv6(address)),
            }),
            _ => false,
        };
        let (before, fragment) = text.split_once('#').ok_or(LinkError)?;
        if secure && !before.contains(PLACE) && fragment.matches(PLACE).count() == 1 {
            Ok(Self(text.to_owned()))
        } else {
            Err(LinkError)
        }
    }

    /// The address with an invitation in its place.
    #[must_use]
    pub fn with(&self, invitation: &str) -> String {
        self.0.replace(PLACE, invitation)
    }
}

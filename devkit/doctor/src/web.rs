//! The way to what a login publishes: HTTPS, or HTTP on this machine. Nothing of the configuration is sent.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use ureq::Agent;
use url::{Host, Url};

use crate::service::{FetchError, FetchLimits, Fetched, Headers, Network, SourceError};

/// What a document may cost; the same as in the service.
const LIMITS: FetchLimits = FetchLimits {
    max_bytes: 64 * 1024,
    timeout: Duration::from_secs(3),
};

/// The network. Each address is fetched once.
#[derive(Default)]
pub struct Web(RefCell<BTreeMap<String, Result<Page, FetchError>>>);

#[derive(Clone)]
struct Page {
    status: u16,
    body: Vec<u8>,
}

impl Network for Web {
    fn get(&self, url: &str, limits: FetchLimits) -> Result<Fetched, FetchError> {
        let mut pages = self.0.borrow_mut();
        let page = pages.entry(url.to_owned());
        let page = page.or_insert_with(|| fetch(url, limits)).clone()?;
        Ok(Fetched {
            status: page.status,
            headers: Headers::default(),
            body: page.body,
        })
    }
}

fn fetch(url: &str, limits: FetchLimits) -> Result<Page, FetchError> {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(limits.timeout));
    let config = match Url::parse(url).is_ok_and(|url| is_loopback(&url)) {
        true => config.proxy(None),
        false => config,
    };
    let request = config.build().new_agent().get(url);
    let mut response = request.call().map_err(|error| failure(&error))?;
    let body = response.body_mut().with_config();
    let limit = u64::try_from(limits.max_bytes).unwrap_or(u64::MAX);
    let body = body.limit(limit).read_to_vec();
    Ok(Page {
        body: body.map_err(|error| failure(&error))?,
        status: response.status().as_u16(),
    })
}

fn failure(error: &ureq::Error) -> FetchError {
    match error {
        ureq::Error::Timeout(_) => FetchError::TimedOut,
        ureq::Error::BodyExceedsLimit(_) => FetchError::TooLarge,
        _ => FetchError::Failed,
    }
}

/// The text at an address.
///
/// # Errors
/// There is none: the end of a sentence that starts with the address.
pub fn document(network: &dyn Network, url: &str) -> Result<String, String> {
    let page = match usable(url) {
        Some(_) => network.get(url, LIMITS).map_err(SourceError::from),
        None => return Err("is not https, which anything but this machine itself must be".into()),
    };
    let text = page.and_then(|page| match page.status {
        200 => String::from_utf8(page.body).map_err(|_| SourceError::NotText),
        300..400 => Err(SourceError::Redirect),
        status => Err(SourceError::Status(status)),
    });
    text.map_err(|error| error.to_string())
}

/// An address that may be fetched: `https`, or `http` on this machine, without a user name, a password or a fragment.
pub fn usable(url: &str) -> Option<Url> {
    let url = Url::parse(url).ok()?;
    let is_safe = url.scheme() == "https" || url.scheme() == "http" && is_loopback(&url);
    let is_plain = url.username().is_empty() && url.password().is_none();
    (is_safe && is_plain && url.fragment().is_none()).then_some(url)
}

pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

//! Fetches what a login publishes, by HTTPS, or by HTTP on this machine. Sends nothing of the configuration.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use ureq::Agent;
use url::Url;

use crate::service::{
    self, FetchError, FetchLimits, Fetched, Headers, MAX_DOCUMENT_BYTES, Network, SourceError,
    TIMEOUT_SECONDS,
};

/// Status and body.
type Page = (u16, Vec<u8>);

/// The network. Each URL is fetched only once.
#[derive(Default)]
pub struct Web(RefCell<BTreeMap<String, Result<Page, FetchError>>>);

impl Network for Web {
    fn get(&self, url: &str, limits: FetchLimits) -> Result<Fetched, FetchError> {
        let mut pages = self.0.borrow_mut();
        let page = pages.entry(url.to_owned());
        let (status, body) = page.or_insert_with(|| fetch(url, limits)).clone()?;
        Ok(Fetched {
            status,
            headers: Headers::default(),
            body,
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
    let body = body.limit(limits.max_bytes as u64).read_to_vec();
    let body = body.map_err(|error| failure(&error))?;
    Ok((response.status().as_u16(), body))
}

fn failure(error: &ureq::Error) -> FetchError {
    match error {
        ureq::Error::Timeout(_) => FetchError::TimedOut,
        ureq::Error::BodyExceedsLimit(_) => FetchError::TooLarge,
        _ => FetchError::Failed,
    }
}

/// Returns the text at a URL, within the service's limits.
///
/// # Errors
/// Fails if there is no such text. The message continues a sentence that starts with the URL.
pub fn document(network: &dyn Network, url: &str) -> Result<String, String> {
    if usable(url).is_none() {
        return Err("is not https, which anything but this machine itself must be".into());
    }
    let limits = FetchLimits {
        max_bytes: MAX_DOCUMENT_BYTES,
        timeout: Duration::from_secs(TIMEOUT_SECONDS),
    };
    let page = network.get(url, limits).map_err(SourceError::from);
    let text = page.and_then(|page| match page.status {
        200 => String::from_utf8(page.body).map_err(|_| SourceError::NotText),
        300..400 => Err(SourceError::Redirect),
        status => Err(SourceError::Status(status)),
    });
    text.map_err(|error| error.to_string())
}

/// Parses a URL that may be fetched: `https`, or `http` on this machine, without user name, password and fragment.
pub fn usable(url: &str) -> Option<Url> {
    let url = Url::parse(url).ok()?;
    let is_safe = url.scheme() == "https" || url.scheme() == "http" && is_loopback(&url);
    let is_plain = url.username().is_empty() && url.password().is_none();
    (is_safe && is_plain && url.fragment().is_none()).then_some(url)
}

pub fn is_loopback(url: &Url) -> bool {
    url.host().is_some_and(|host| service::is_loopback(&host))
}

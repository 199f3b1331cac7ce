//! The entries of `allowed_origins`, and whose pages they are.

use psl::Psl;
use url::{Host, Url};

use crate::service::{self, Separator, is_loopback, parse_list};

/// An entry of `allowed_origins` that the service accepts.
pub struct Origin {
    /// The position in the list, from 1.
    pub place: usize,
    /// The origin, as a browser sends it.
    url: Url,
}

/// Returns the entries that the service accepts; the service itself reports the others.
pub fn read(list: &str) -> Vec<Origin> {
    let entries = parse_list(list, Separator::CommaOrSpace).unwrap_or_default();
    let entries = entries.into_iter().zip(1..);
    entries
        .filter_map(|(entry, place)| {
            let url = Url::parse(&service::origin(&entry)?).ok()?;
            Some(Origin { place, url })
        })
        .collect()
}

impl Origin {
    fn is_of_the_web(&self) -> bool {
        matches!(self.url.scheme(), "https" | "http")
    }

    /// Returns whether the page runs on the visitor's own machine.
    pub fn is_local(&self) -> bool {
        self.is_of_the_web() && self.url.host().is_some_and(|host| is_loopback(&host))
    }

    /// Returns whether the wildcard matches names that anybody can register: directly below a public suffix such as `co.uk`, or
    /// below a hosting service's suffix such as `vercel.app`.
    pub fn is_shared(&self) -> bool {
        let Some(Host::Domain(host)) = self.url.host().filter(|_| self.is_of_the_web()) else {
            return false;
        };
        let Some((label, parent)) = host.split_once('.') else {
            return false;
        };
        // With a label in place of the `*`, the wildcard rules of the list apply, too.
        let example = format!("a.{parent}");
        let is_suffix = |name: &str| {
            psl::List
                .suffix(name.as_bytes())
                .is_some_and(|suffix| suffix.is_known() && suffix.as_bytes() == name.as_bytes())
        };
        label.contains('*') && (is_suffix(parent) || is_suffix(&example))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_below_a_public_suffix_is_shared_with_strangers() {
        for (origin, shared) in [
            ("https://*.vercel.app", true),
            ("https://*.pages.dev", true),
            ("https://*.github.io", true),
            ("https://*.co.uk", true),
            ("https://*.idv.tw", true),
            ("https://*.netlify.app:8443", true),
            ("https://*.s3.amazonaws.com", true),
            // The list contains `*.compute.amazonaws.com`.
            ("https://*.compute.amazonaws.com", true),
            ("https://*.vtaiwan.pages.dev", false),
            ("https://*.vtaiwan.tw", false),
            ("https://vtaiwan.vercel.app", false),
            ("https://*.intranet.corp", false),
            ("http://localhost:3000", false),
            ("https://203.0.113.7", false),
        ] {
            let origins = read(origin);
            assert_eq!(origins.len(), 1, "{origin}");
            assert_eq!(origins[0].is_shared(), shared, "{origin}");
        }
    }
}

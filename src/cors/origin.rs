//! Origins: the operator's allow list is parsed strictly, and a browser's header is compared with it byte for byte.
//!
//! A browser sends the ASCII serialisation of an origin (HTML, "serialization of an origin"; Fetch, "`Origin` header"):
//! lower case, punycode, without the default port and without a trailing slash. Parsing normalises the entries of the allow
//! list to this form. The header is not normalised, so that only what a browser really sends can match.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;

use url::{Host, Url};

use crate::text::{Separator, parse_list};

/// The allow list: exact origins, and wildcards such as `https://*.example.org` or `https://app-*.example.org`, where the
/// star stands for any text within one label.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedOrigins(Vec<Entry>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    /// The origin as a browser sends it; a wildcard keeps its `*`.
    serialized: String,
    wildcard: bool,
}

/// Why an entry of the allow list is invalid. `Display` continues a sentence that starts with the variable's name, and says
/// which entry is wrong, by its position, and how to repair it. It does not repeat the entry, which may be a misplaced key
/// or contain a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// The whole list is invalid; see [`crate::text::NamesNothing`].
    #[error("{0}")]
    List(crate::text::NamesNothing),
    /// One entry is invalid.
    #[error("entry {position} {problem}.")]
    Entry {
        /// The position of the entry in the list, counted from 1.
        position: usize,
        /// What is wrong with it.
        problem: EntryProblem,
    },
}

/// Why an entry is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EntryProblem {
    /// `*`.
    #[error("(*) would let every web page fetch tokens; list the origins of your pages instead")]
    AnyOrigin,
    /// `null`.
    #[error(
        "(null) is what sandboxed frames and local files send, anybody's among them; remove it"
    )]
    Null,
    /// No `://`.
    #[error("has no scheme; write https://HOST")]
    NoScheme,
    /// A scheme that no page can have.
    #[error(
        "has a scheme other than https or http that no page or app has as its origin; write https://HOST"
    )]
    Scheme,
    /// `user:password@`.
    #[error("has a user name or password before @, which no origin has; write https://HOST")]
    UserInfo,
    /// A slash at the end.
    #[error("ends with a slash, which no browser sends; remove the slash")]
    TrailingSlash,
    /// A path.
    #[error("has a path, and origins have none; keep only scheme, host and port")]
    Path,
    /// A query.
    #[error("has a query after ?, and origins have none; remove it")]
    Query,
    /// A fragment.
    #[error("has a fragment after #, and origins have none; remove it")]
    Fragment,
    /// Plain `http` for a host other than this machine.
    #[error(
        "is plain http, which anybody on the way can change; write https:// (http is for localhost, 127.0.0.1 and [::1])"
    )]
    PlainHttp,
    /// A star where none is allowed.
    #[error(
        "has a * elsewhere than once within the first label, in ASCII, before a domain of two labels or more; write https://*.example.org"
    )]
    Wildcard,
    /// An invalid host or port.
    #[error("has no valid host or port; write https://HOST or https://HOST:PORT")]
    Host,
}

/// Schemes that an entry cannot have: their documents have an opaque origin (`Origin: null`), or there are no such
/// documents.
const SCHEMES_WITHOUT_ORIGIN: [&str; 14] = [
    "about",
    "blob",
    "content",
    "data",
    "file",
    "filesystem",
    "ftp",
    "javascript",
    "mailto",
    "tel",
    "urn",
    "view-source",
    "ws",
    "wss",
];

impl AllowedOrigins {
    /// Parses a list of origins separated by commas, spaces or line breaks.
    ///
    /// Valid entries are kept even if others are invalid, so that an allowed page can read the response that reports the
    /// invalid ones.
    #[must_use]
    pub fn parse(list: &str) -> (Self, Vec<EntryError>) {
        let mut origins: Vec<Entry> = Vec::new();
        // A set, because searching a list of thousands of entries for each of them would be slow.
        let mut seen = BTreeSet::new();
        let mut errors = Vec::new();
        let list = parse_list(list, Separator::CommaOrSpace);
        let entries = list.unwrap_or_else(|error| {
            errors.push(EntryError::List(error));
            Vec::new()
        });
        for (entry, position) in entries.iter().zip(1..) {
            match Entry::parse(entry) {
                Ok(parsed) if seen.insert(parsed.serialized.clone()) => origins.push(parsed),
                Ok(_) => {}
                Err(problem) => errors.push(EntryError::Entry { position, problem }),
            }
        }
        (Self(origins), errors)
    }

    /// Whether a browser's `Origin` header matches the list.
    #[must_use]
    pub fn contains(&self, origin: &str) -> bool {
        self.0.iter().any(|entry| entry.matches(origin))
    }

    /// Returns the entries in their normalised form.
    #[must_use]
    pub fn to_vec(&self) -> Vec<String> {
        self.0
            .iter()
            .map(|entry| entry.serialized.clone())
            .collect()
    }
}

impl Entry {
    fn parse(entry: &str) -> Result<Self, EntryProblem> {
        if entry == "*" {
            return Err(EntryProblem::AnyOrigin);
        }
        if entry.eq_ignore_ascii_case("null") {
            return Err(EntryProblem::Null);
        }
        let (scheme, rest) = entry.split_once("://").ok_or(EntryProblem::NoScheme)?;
        let scheme = scheme.to_ascii_lowercase();
        if scheme != "https" && scheme != "http" {
            return Self::parse_custom(&scheme, rest);
        }
        only_host_and_port(rest)?;
        let url = Url::parse(entry).map_err(|_| EntryProblem::Host)?;
        let host = url.host().ok_or(EntryProblem::Host)?;
        // The URL standard accepts characters that no real host name has, and maps a full-width comma to a plain one, which would
        // join two entries into a host that does not exist.
        if let Host::Domain(domain) = &host
            && !domain.bytes().all(|b| b == b'*' || is_of_host(b))
        {
            return Err(EntryProblem::Host);
        }
        let wildcard = host.to_string().contains('*');
        if wildcard {
            check_wildcard(rest, &host)?;
        }
        if scheme == "http" && !is_loopback(&host) {
            return Err(EntryProblem::PlainHttp);
        }
        Ok(Self {
            serialized: url.origin().ascii_serialization(),
            wildcard,
        })
    }

    /// Parses an app's own scheme, such as `capacitor://localhost`. It is compared exactly and has no wildcards. The URL standard
    /// defines no serialisation for it; web views send scheme and host unchanged.
    fn parse_custom(scheme: &str, rest: &str) -> Result<Self, EntryProblem> {
        let is_scheme = scheme.starts_with(|c: char| c.is_ascii_lowercase())
            && scheme
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b));
        // A misspelt `http` or `https` must not be accepted as a custom scheme.
        let misspelt = ["http", "https"]
            .into_iter()
            .any(|known| strsim::damerau_levenshtein(scheme, known) <= 2);
        if !is_scheme || misspelt || SCHEMES_WITHOUT_ORIGIN.contains(&scheme) {
            return Err(EntryProblem::Scheme);
        }
        only_host_and_port(rest)?;
        if rest.contains('*') {
            return Err(EntryProblem::Wildcard);
        }
        let rest = rest.to_ascii_lowercase();
        let (host, port) = rest.split_once(':').unwrap_or((&rest, "0"));
        let host_is_valid = !host.is_empty() && host.bytes().all(is_of_host);
        if !host_is_valid || port.parse::<u16>().is_err() {
            return Err(EntryProblem::Host);
        }
        Ok(Self {
            serialized: format!("{scheme}://{rest}"),
            wildcard: false,
        })
    }

    fn matches(&self, origin: &str) -> bool {
        if !self.wildcard {
            return self.serialized == origin;
        }
        let Some((before, after)) = self.serialized.split_once('*') else {
            return false;
        };
        // Both sides must have the same bytes around one label, and that label only characters of a serialised host.
        origin
            .strip_prefix(before)
            .and_then(|rest| rest.strip_suffix(after))
            .is_some_and(|label| {
                !label.is_empty() && label.bytes().all(|b| b != b'.' && is_of_host(b))
            })
    }
}

/// Checks that only host and port follow the scheme. The check uses the text, because a parsed URL no longer distinguishes
/// `https://a` from `https://a/`, and the URL standard treats a backslash as a slash.
fn only_host_and_port(rest: &str) -> Result<(), EntryProblem> {
    for (i, c) in rest.char_indices() {
        match c {
            '@' => return Err(EntryProblem::UserInfo),
            '?' => return Err(EntryProblem::Query),
            '#' => return Err(EntryProblem::Fragment),
            '/' | '\\' if i + 1 == rest.len() => return Err(EntryProblem::TrailingSlash),
            '/' | '\\' => return Err(EntryProblem::Path),
            _ => {}
        }
    }
    Ok(())
}

/// Checks the position of the star. In a non-ASCII label it would end up within punycode, and match other names than it
/// seems to.
fn check_wildcard(written: &str, host: &Host<&str>) -> Result<(), EntryProblem> {
    if written.starts_with('*') && !written.contains('.') {
        return Err(EntryProblem::AnyOrigin);
    }
    let Host::Domain(domain) = host else {
        return Err(EntryProblem::Wildcard);
    };
    let (label, parent) = domain.split_once('.').unwrap_or((domain, ""));
    let labels = parent.split('.').filter(|label| !label.is_empty()).count();
    let one_star = domain.matches('*').count() == 1 && label.contains('*');
    if !one_star || label.starts_with("xn--") || labels < 2 {
        return Err(EntryProblem::Wildcard);
    }
    Ok(())
}

/// Whether a serialised host name may contain this character.
fn is_of_host(b: u8) -> bool {
    matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.')
}

/// Whether a host is a loopback host by name or address (Secure Contexts, "Is origin potentially trustworthy?").
#[must_use]
pub fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_one(entry: &str) -> Result<String, String> {
        match AllowedOrigins::parse(entry) {
            (origins, errors) if errors.is_empty() => Ok(origins.to_vec().join("|")),
            (_, errors) => Err(errors[0].to_string()),
        }
    }

    #[test]
    fn an_entry_is_compared_as_a_browser_serialises_it() {
        for (entry, serialized) in [
            ("https://vtaiwan.tw", "https://vtaiwan.tw"),
            ("HTTPS://VTaiwan.TW", "https://vtaiwan.tw"),
            ("https://vtaiwan.tw:443", "https://vtaiwan.tw"),
            // An empty port is the default port (URL standard).
            ("https://vtaiwan.tw:", "https://vtaiwan.tw"),
            ("https://vtaiwan.tw:8443", "https://vtaiwan.tw:8443"),
            ("http://localhost:80", "http://localhost"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://app.localhost:3000", "http://app.localhost:3000"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("https://公民.台灣", "https://xn--55q826d.xn--kpry57d"),
            ("https://*.Example.org", "https://*.example.org"),
            ("https://*.example.org:444", "https://*.example.org:444"),
            (
                "https://app-*-team.Vercel.app",
                "https://app-*-team.vercel.app",
            ),
            ("https://a*.公民.台灣", "https://a*.xn--55q826d.xn--kpry57d"),
            ("capacitor://localhost", "capacitor://localhost"),
            ("Ionic://LocalHost", "ionic://localhost"),
            ("tauri://localhost", "tauri://localhost"),
            ("app.example://host:3000", "app.example://host:3000"),
        ] {
            assert_eq!(parse_one(entry).as_deref(), Ok(serialized), "{entry}");
        }
    }

    #[test]
    fn each_wrong_entry_has_a_message_of_its_own() {
        let mut seen = std::collections::BTreeSet::new();
        for (entry, part) in [
            ("*", "every web page"),
            ("null", "sandboxed"),
            ("vtaiwan.tw", "no scheme"),
            ("ftp://vtaiwan.tw", "scheme other than"),
            (",", "names nothing"),
            ("https://user:secret@vtaiwan.tw", "user name"),
            ("https://vtaiwan.tw/", "slash"),
            ("https://vtaiwan.tw/app", "path"),
            ("https://vtaiwan.tw?x=1", "query"),
            ("https://vtaiwan.tw#x", "fragment"),
            ("http://vtaiwan.tw", "plain http"),
            ("https://a.*.tw", "first label"),
            ("https://", "host"),
        ] {
            let message = parse_one(entry).expect_err(entry);
            assert!(message.contains(part), "{entry}: {message}");
            assert!(seen.insert(message.clone()), "twice: {message}");
        }
    }

    #[test]
    fn more_wrong_entries_are_refused() {
        for entry in [
            "https://*",
            "https://*:443",
            "https://*.tw",
            "https://*.",
            "https://*.*.example.org",
            "https://a*b*.example.org",
            "https://**.example.org",
            "https://a.b*.example.org",
            "https://a*.tw",
            "https://*a",
            "https://公*.example.org",
            "https://xn--*.example.org",
            "http://*.example.org",
            "https://a\\b",
            "https://a b:x",
            "https://vtaiwan.tw:99999",
            "https:///vtaiwan.tw",
            "//vtaiwan.tw",
            "https://user@host/path",
            "javascript://x",
            "http://127.0.0.1.example.org",
            "http://localhost.example.org",
            // A full-width comma, which the URL standard maps to a plain one.
            "https://a.example，b.example",
            "https://xn--a,b-.example",
            "https://a!b.example",
            "https://{a}.example",
            "htps://vtaiwan.tw",
            "httpss://vtaiwan.tw",
            "wss://vtaiwan.tw",
            "file://localhost",
            "capacitor://",
            "capacitor://localhost/",
            "capacitor://localhost/app",
            "capacitor://user@localhost",
            "capacitor://*",
            "capacitor://*.example.org",
            "capacitor://a b",
            "capacitor://localhost:x",
            "1app://localhost",
            "://localhost",
        ] {
            assert!(parse_one(entry).is_err(), "{entry}");
        }
    }

    #[test]
    fn a_message_names_the_place_and_repeats_no_part_of_the_entry() {
        for entry in [
            "https://user:hunter2@vtaiwan.tw",
            "https://vtaiwan.tw/hunter2",
            "https://vtaiwan.tw?hunter2",
            "hunter2",
            "ftp://hunter2.example",
            "http://hunter2.example",
        ] {
            let message = parse_one(&format!("https://a.example {entry}")).unwrap_err();
            assert!(message.starts_with("entry 2 "), "{message}");
            assert!(!message.contains("hunter2"), "{message}");
        }
    }

    #[test]
    fn entries_are_separated_by_commas_spaces_and_line_breaks() {
        let (origins, errors) = AllowedOrigins::parse(
            " https://a.example,https://b.example\r\n\thttps://c.example , ,https://a.example ",
        );
        assert_eq!(errors, []);
        assert_eq!(
            origins.to_vec(),
            [
                "https://a.example",
                "https://b.example",
                "https://c.example"
            ]
        );
    }

    #[test]
    fn a_list_may_be_written_as_json() {
        for list in [
            r#"["https://a.tw","https://b.tw"]"#,
            "['https://a.tw', 'https://b.tw',]",
            "[https://a.tw, https://b.tw]",
        ] {
            let (origins, errors) = AllowedOrigins::parse(list);
            assert_eq!(errors, [], "{list}");
            assert_eq!(origins.to_vec(), ["https://a.tw", "https://b.tw"]);
        }
    }

    #[test]
    fn right_entries_stay_when_others_are_wrong() {
        let (origins, errors) = AllowedOrigins::parse("https://a.example * http://b.example");
        assert_eq!(origins.to_vec(), ["https://a.example"]);
        assert_eq!(errors.len(), 2);
    }

    #[test]
    fn an_origin_matches_byte_for_byte() {
        let (origins, _) = AllowedOrigins::parse(
            "https://vtaiwan.tw http://localhost:3000 https://*.example.org https://app-*-team.vercel.app capacitor://localhost",
        );
        for (origin, allowed) in [
            ("https://vtaiwan.tw", true),
            ("http://localhost:3000", true),
            ("https://a.example.org", true),
            ("https://a-1.example.org", true),
            ("HTTPS://VTAIWAN.TW", false),
            ("https://vtaiwan.tw/", false),
            ("https://vtaiwan.tw:443", false),
            ("https://vtaiwan.tw.evil.example", false),
            ("https://evilvtaiwan.tw", false),
            ("http://vtaiwan.tw", false),
            ("http://localhost", false),
            ("http://localhost:30000", false),
            (" https://vtaiwan.tw", false),
            ("https://vtaiwan.tw, https://vtaiwan.tw", false),
            ("https://example.org", false),
            ("https://.example.org", false),
            ("https://a.b.example.org", false),
            ("https://*.example.org", false),
            ("https://A.example.org", false),
            ("https://evil.example/.example.org", false),
            ("https://evil.example#.example.org", false),
            ("http://a.example.org", false),
            ("https://a.example.org:8443", false),
            ("null", false),
            ("", false),
            ("https://app-x-team.vercel.app", true),
            ("https://app-x-y-team.vercel.app", true),
            ("https://app--team.vercel.app", false),
            ("https://app-team.vercel.app", false),
            ("https://app-x-team.evil-team.vercel.app", false),
            ("https://app-x.y-team.vercel.app", false),
            ("https://xapp-x-team.vercel.app", false),
            ("https://app-*-team.vercel.app", false),
            ("capacitor://localhost", true),
            ("capacitor://localhost:80", false),
            ("capacitor://localhost.evil.example", false),
            ("CAPACITOR://localhost", false),
            ("ionic://localhost", false),
        ] {
            assert_eq!(origins.contains(origin), allowed, "{origin}");
        }
    }
}

//! The allow list and the `Origin` header: the first line is the header, the rest is the list.

use jaas_jwt::cors::AllowedOrigins;
use url::Url;

use crate::fixture::first_line;

pub fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let (header, list) = first_line(text);
    let (allowed, errors) = AllowedOrigins::parse(list);
    let entries = allowed.to_vec();
    for error in &errors {
        let message = error.to_string();
        assert!(
            (message.starts_with("entry ")
                || message.starts_with("is not empty and names nothing"))
                && message.len() < 250,
            "{message}"
        );
    }

    // Parsing is idempotent.
    let (again, errors) = AllowedOrigins::parse(&entries.join(" "));
    assert_eq!(again, allowed);
    assert_eq!(errors, []);

    for entry in &entries {
        assert_eq!(allowed.contains(entry), !entry.contains('*'), "{entry}");
        assert!(
            entry
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-._*:/[]+".contains(&b)),
            "{entry}"
        );
        // Only loopback hosts may use plain http.
        let host = entry.strip_prefix("http://");
        assert!(host.is_none_or(is_this_machine), "{entry}");
        if !entry.contains('*') {
            assert!(
                serialized(entry).is_none_or(|serialized| serialized == *entry),
                "{entry}"
            );
        }
    }
    if allowed.contains(header) {
        assert!(
            entries.iter().any(|entry| stands_for(entry, header)),
            "{header:?} by {entries:?}"
        );
        assert!(!["null", "*", ""].contains(&header));
        // A header that the URL standard can parse is in its serialized form.
        assert!(
            serialized(header).is_none_or(|serialized| serialized == header),
            "{header:?}"
        );
    }
}

/// Returns the origin as the URL standard serializes it, which it does only for the schemes of the web.
fn serialized(origin: &str) -> Option<String> {
    let url = Url::parse(origin).ok()?;
    let is_tuple = url.origin().is_tuple();
    is_tuple.then(|| url.origin().ascii_serialization())
}

fn is_this_machine(host: &str) -> bool {
    let host = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    host == "localhost"
        || host.ends_with(".localhost")
        || host.starts_with("127.")
        || host == "[::1]"
}

/// Returns whether an entry allows an origin, independently of the service's code.
pub fn stands_for(entry: &str, origin: &str) -> bool {
    match entry.split_once('*') {
        None => entry == origin,
        Some((before, after)) => origin
            .strip_prefix(before)
            .and_then(|rest| rest.strip_suffix(after))
            .is_some_and(|within| {
                !within.is_empty()
                    && !within
                        .contains(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')
                    && !within.contains(|c: char| c.is_ascii_uppercase())
            }),
    }
}

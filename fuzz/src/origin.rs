//! The allow list and the `Origin` header: the first line is the header, the rest is the list.

use jaas_jwt::origin::AllowedOrigins;
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
            message.starts_with("entry ") && message.len() < 250,
            "{message}"
        );
    }

    // What was read is read again as itself.
    let (again, errors) = AllowedOrigins::parse(&entries.join(" "));
    assert_eq!(again, allowed);
    assert_eq!(errors, []);

    for entry in &entries {
        assert_eq!(allowed.contains(entry), !entry.contains('*'), "{entry}");
        assert!(
            entry
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-._*:/[]".contains(&b)),
            "{entry}"
        );
        // Only this machine may be plain http.
        let host = entry.strip_prefix("http://");
        assert!(host.is_none_or(is_this_machine), "{entry}");
        if !entry.contains('*') {
            assert_eq!(serialized(entry).as_deref(), Some(entry.as_str()));
        }
    }
    if allowed.contains(header) {
        assert!(
            entries.iter().any(|entry| stands_for(entry, header)),
            "{header:?} by {entries:?}"
        );
        assert!(!["null", "*", ""].contains(&header));
        // What the URL standard can read is what it would write.
        assert!(
            serialized(header).is_none_or(|serialized| serialized == header),
            "{header:?}"
        );
    }
}

fn serialized(origin: &str) -> Option<String> {
    Url::parse(origin)
        .ok()
        .map(|url| url.origin().ascii_serialization())
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

/// Whether an entry allows an origin, written apart from the service's own code.
pub fn stands_for(entry: &str, origin: &str) -> bool {
    match entry.split_once("*.") {
        None => entry == origin,
        Some((scheme, domain)) => origin
            .strip_prefix(scheme)
            .and_then(|rest| rest.split_once('.'))
            .is_some_and(|(label, rest)| {
                rest == domain
                    && !label.is_empty()
                    && !label.contains(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')
                    && !label.contains(|c: char| c.is_ascii_uppercase())
            }),
    }
}

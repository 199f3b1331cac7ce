//! The example request that `cargo dev up` prints: one that gets a token with the current configuration.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Like `encodeURIComponent`, but also escapes what would end a quoted string in a shell.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// The variables for a login's key. A login sets one of them.
const LOGIN: [&str; 4] = [
    "auth_hs256_secret",
    "auth_public_key",
    "auth_jwks",
    "auth_jwks_url",
];

/// Returns a `curl` command for the request. `value` returns the configured value of a variable.
pub fn curl<'a>(url: &str, value: impl Fn(&str) -> &'a str) -> String {
    let is_required = value("auth_mode").trim() == "required";
    // There is no login, so callers need an invitation.
    let by_invitation = is_required
        && !value("invitation_secret").is_empty()
        && LOGIN.iter().all(|name| value(name).is_empty());
    let mut line = match by_invitation {
        true => format!(
            "curl '{url}/api/jitsi-token' -H 'Content-Type: application/json' -d '{{\"invitation\":\"INVITATION\"}}'"
        ),
        false => {
            let room = room_of(value("allowed_rooms"));
            let room = utf8_percent_encode(&room, ENCODED);
            format!("curl '{url}/api/jitsi-token?room={room}'")
        }
    };
    if value("require_origin").trim().eq_ignore_ascii_case("true") {
        line += &format!(" -H 'Origin: {}'", origin_of(value("allowed_origins")));
    }
    if is_required && !by_invitation {
        line += " -H 'Authorization: Bearer CREDENTIAL-OF-YOUR-LOGIN'";
    }
    line
}

/// Returns a room of the list: a name if there is one, otherwise a room that matches a pattern.
fn room_of(list: &str) -> String {
    let entries = || {
        list.split([',', '\n', '\r'])
            .map(|entry| entry.trim_matches(|c: char| c.is_whitespace() || "[]\"'".contains(c)))
            .filter(|entry| !entry.is_empty())
    };
    let name = entries()
        .find(|entry| !entry.contains('*'))
        .or_else(|| entries().next());
    match name {
        None | Some("*") => "my-room".to_owned(),
        Some(name) => name.replace('*', "1"),
    }
}

/// Returns the first origin of the list; for a pattern, an origin that matches it.
fn origin_of(list: &str) -> String {
    list.split(|c: char| c == ',' || c.is_whitespace())
        .map(|entry| entry.trim_matches(|c| "[]\"'".contains(c)))
        .find(|entry| !entry.is_empty())
        .unwrap_or("https://YOUR-PAGE")
        .replace("://*.", "://www.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(variables: &[(&str, &'static str)]) -> String {
        curl("http://a", |name| {
            let mut variables = variables.iter();
            let found = variables.find(|(known, _)| *known == name);
            found.map_or("", |(_, value)| value)
        })
    }

    #[test]
    fn the_line_fits_the_configuration() {
        let start = "curl 'http://a/api/jitsi-token?room=";
        let invitations = [("invitation_secret", "a"), ("allowed_rooms", "my-room")];
        let required = [&invitations[..], &[("auth_mode", "required")]].concat();
        assert_eq!(
            line(&required),
            r#"curl 'http://a/api/jitsi-token' -H 'Content-Type: application/json' -d '{"invitation":"INVITATION"}'"#
        );
        let with_login = [&required[..], &[("auth_jwks_url", "https://b")]].concat();
        assert!(line(&with_login).starts_with(&format!("{start}my-room' -H 'Authorization")));
        let optional = [&invitations[..], &[("auth_mode", "optional")]].concat();
        assert_eq!(line(&optional), format!("{start}my-room'"));
        for (auth_mode, rooms, require_origin, origins, expected) in [
            ("", "", "", "", "my-room'"),
            ("none", "*", "false", "https://a.example", "my-room'"),
            ("optional", "meetup-*, vtaiwan", "", "", "vtaiwan'"),
            ("", "meetup-*", "", "", "meetup-1'"),
            ("", "['meetup-*', \"公民\"]", "", "", "%E5%85%AC%E6%B0%91'"),
            ("", "it's me\nb", "", "", "it%27s%20me'"),
            (
                " required",
                "my-room, meetup-*",
                "true",
                "https://app.example.org, https://b.example",
                "my-room' -H 'Origin: https://app.example.org' -H 'Authorization: Bearer CREDENTIAL-OF-YOUR-LOGIN'",
            ),
            (
                "",
                "",
                " TRUE",
                "[\"https://*.example.org\"]",
                "my-room' -H 'Origin: https://www.example.org'",
            ),
            (
                "",
                "",
                "true",
                "",
                "my-room' -H 'Origin: https://YOUR-PAGE'",
            ),
        ] {
            let variables = [
                ("auth_mode", auth_mode),
                ("allowed_rooms", rooms),
                ("require_origin", require_origin),
                ("allowed_origins", origins),
            ];
            assert_eq!(line(&variables), format!("{start}{expected}"));
        }
    }
}

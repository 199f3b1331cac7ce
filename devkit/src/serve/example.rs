//! The request that `cargo dev up` proposes: one that gets a token with the configuration at hand.

use std::fmt::Write as _;

/// The values that decide which request gets a token, as they are configured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Configured {
    /// `auth_mode`.
    pub auth_mode: String,
    /// There is no login, and invitations let people in.
    pub by_invitation: bool,
    /// `allowed_rooms`.
    pub allowed_rooms: String,
    /// `require_origin`.
    pub require_origin: String,
    /// `allowed_origins`.
    pub allowed_origins: String,
}

pub fn curl(url: &str, configured: &Configured) -> String {
    let is_required = configured.auth_mode.trim() == "required";
    let by_invitation = is_required && configured.by_invitation;
    let mut line = match by_invitation {
        true => format!(
            "curl '{url}/api/jitsi-token' -H 'Content-Type: application/json' -d '{{\"invitation\":\"INVITATION\"}}'"
        ),
        false => {
            let room = room_of(&configured.allowed_rooms);
            format!("curl '{url}/api/jitsi-token?room={}'", encoded(&room))
        }
    };
    if configured
        .require_origin
        .trim()
        .eq_ignore_ascii_case("true")
    {
        let _ = write!(
            line,
            " -H 'Origin: {}'",
            origin_of(&configured.allowed_origins)
        );
    }
    if is_required && !by_invitation {
        line.push_str(" -H 'Authorization: Bearer CREDENTIAL-OF-YOUR-LOGIN'");
    }
    line
}

/// A room of the list: a name rather than a pattern.
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

/// An origin of the list; of a pattern one that fits it.
fn origin_of(list: &str) -> String {
    list.split(|c: char| c == ',' || c.is_whitespace())
        .map(|entry| entry.trim_matches(|c| "[]\"'".contains(c)))
        .find(|entry| !entry.is_empty())
        .unwrap_or("https://YOUR-PAGE")
        .replace("://*.", "://www.")
}

/// As `encodeURIComponent` does it, and without what ends a quotation of the shell.
fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(byte.into());
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_fits_the_configuration() {
        let start = "curl 'http://a/api/jitsi-token?room=";
        let invitations = Configured {
            auth_mode: "required".into(),
            by_invitation: true,
            allowed_rooms: "my-room".into(),
            ..Configured::default()
        };
        assert_eq!(
            curl("http://a", &invitations),
            r#"curl 'http://a/api/jitsi-token' -H 'Content-Type: application/json' -d '{"invitation":"INVITATION"}'"#
        );
        let optional = Configured {
            auth_mode: "optional".into(),
            ..invitations
        };
        assert_eq!(curl("http://a", &optional), format!("{start}my-room'"));
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
            let configured = Configured {
                auth_mode: auth_mode.into(),
                by_invitation: false,
                allowed_rooms: rooms.into(),
                require_origin: require_origin.into(),
                allowed_origins: origins.into(),
            };
            assert_eq!(curl("http://a", &configured), format!("{start}{expected}"));
        }
    }
}

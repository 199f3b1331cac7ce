//! What a login publishes, and the variables that follow from it.

use devkit_spin_app::environment_name;
use serde_json::Value;
use url::Url;

use crate::service::{self, Network};
use crate::web;

/// Paths, below the login's address, of keys that are published without a discovery document: by Better Auth, and by some
/// versions of Clerk.
const KEYS_ALONE: [&str; 2] = [BETTER_AUTH, "/.well-known/jwks.json"];
const BETTER_AUTH: &str = "/api/auth/jwks";

/// A login, as described by what it publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// The value that the login writes into `iss`.
    pub issuer: String,
    pub jwks_url: String,
    /// The document at `jwks_url`, in which the service has found a key.
    pub jwks: String,
}

impl Provider {
    /// Fetches what the login at this address publishes: its discovery document (OpenID Connect Discovery 1.0), or else its
    /// keys.
    ///
    /// # Errors
    /// Fails with a sentence if nothing usable is published.
    pub fn discover(network: &dyn Network, issuer: &str) -> Result<Self, String> {
        let own = web::usable(issuer).filter(|url| url.query().is_none() && is_plain(issuer));
        let own = own.ok_or(
            "The issuer must be an https address without a query; copy iss from a token, or from the login's settings.",
        )?;
        let base = issuer.trim_end_matches('/');
        let place = format!("{base}/.well-known/openid-configuration");
        let described = web::document(network, &place).and_then(|text| {
            let description: Value = serde_json::from_str(&text).unwrap_or_default();
            let text = |name: &str| description[name].as_str().map(str::to_owned);
            let both = text("issuer").zip(text("jwks_uri"));
            both.ok_or_else(|| "responds without issuer and jwks_uri".to_owned())
        });
        match described {
            Ok((named, _)) if named.trim_end_matches('/') != base => {
                let named = Some(named).filter(|named| is_plain(named));
                let named = named.as_deref().unwrap_or("no address");
                Err(format!(
                    "{place} names another issuer: {named}; give that one, if it is your login's."
                ))
            }
            Ok((named, jwks_url)) => Self::with_keys(network, &own, &named, &jwks_url),
            Err(error) => {
                let urls = KEYS_ALONE.iter().map(|path| format!("{base}{path}"));
                let mut found = urls.map(|url| Self::with_keys(network, &own, issuer, &url));
                let found = found.find_map(Result::ok);
                found.ok_or_else(|| format!("{place} {error}."))
            }
        }
    }

    fn with_keys(
        network: &dyn Network,
        own: &Url,
        issuer: &str,
        jwks_url: &str,
    ) -> Result<Self, String> {
        // A remote login's metadata must not point to this machine.
        let url = web::usable(jwks_url)
            .filter(|url| is_plain(jwks_url) && (web::is_loopback(own) || !web::is_loopback(url)))
            .ok_or("The login's jwks_uri is no https address.")?;
        let jwks = web::document(network, jwks_url)
            .and_then(|jwks| service::unused_keys(&jwks).map(|_| jwks))
            .map_err(|error| format!("{jwks_url} {error}."))?;
        Ok(Self {
            issuer: issuer.to_owned(),
            jwks_url: url.into(),
            jwks,
        })
    }

    /// Returns the variables with which the service finds the login's keys.
    pub fn keys(&self) -> [(&'static str, String); 2] {
        let origin = web::usable(&self.jwks_url).map(|url| url.origin().ascii_serialization());
        [
            ("auth_jwks_url", self.jwks_url.clone()),
            ("auth_jwks_origin", origin.unwrap_or_default()),
        ]
    }

    /// Returns the block of variables in the format of an env file.
    pub fn block(&self) -> String {
        let keys = keys(&self.jwks).into_iter();
        let keys =
            keys.map(|(kid, algorithm)| format!("{} {algorithm}", shown_kid(kid.as_deref())));
        let keys = keys.collect::<Vec<_>>().join(", ");
        let unused = service::unused_keys(&self.jwks).unwrap_or_default();
        let unused = unused.iter().map(|(kid, reason)| {
            let kid = shown_kid(kid.as_deref());
            format!("# The key {kid} is not used: it {reason}.\n")
        });
        let (audience, comment) = self.audience();
        let mut variables = vec![("auth_mode", "required".to_owned())];
        variables.extend(self.keys());
        variables.push(("auth_issuer", self.issuer.clone()));
        variables.push(("auth_audience", audience.to_owned()));
        let variables = variables.into_iter();
        let lines =
            variables.map(|(name, value)| format!("{}=\"{value}\"\n", environment_name(name)));
        let (unused, lines): (String, String) = (unused.collect(), lines.collect());
        format!("# Keys: {keys}.\n{unused}# aud: {comment}.\n{lines}")
    }

    /// Returns the value that the login writes into `aud`, and how that is known.
    fn audience(&self) -> (&str, &'static str) {
        let after = |mark| Some(self.issuer.split_once(mark)?.1);
        if self.jwks_url.ends_with(BETTER_AUTH) {
            (&self.issuer, "Better Auth writes its own address")
        } else if let Some(project) = after("https://securetoken.google.com/") {
            (project, "Firebase writes the project's id")
        } else if after(".supabase.co/").is_some() {
            ("authenticated", "Supabase writes the role")
        } else {
            let unknown = "what the login writes for this service; `cargo dev doctor --credential FILE` shows a token's";
            ("…", unknown)
        }
    }
}

/// Returns the keys of a document: `kid` and algorithm.
pub fn keys(document: &str) -> Vec<(Option<String>, &'static str)> {
    let document: Value = serde_json::from_str(document).unwrap_or_default();
    let keys = document["keys"].as_array().into_iter().flatten();
    keys.map(|key| {
        let algorithm = match key["kty"].as_str() {
            Some("RSA") => "RS256",
            Some("EC") => "ES256",
            Some("OKP") => "EdDSA",
            _ => "another",
        };
        (key["kid"].as_str().map(str::to_owned), algorithm)
    })
    .collect()
}

/// Returns a `kid` in a form that may be shown. A `kid` longer than any hash may be a misplaced key.
pub fn shown_kid(kid: Option<&str>) -> &str {
    let is_of_kid = |b: u8| b.is_ascii_alphanumeric() || b"-_.:=+".contains(&b);
    match kid {
        Some(kid) if (1..=48).contains(&kid.len()) && kid.bytes().all(is_of_kid) => kid,
        Some(_) => "(a long one)",
        None => "(none)",
    }
}

/// Returns whether a text is safe in an env file and in a command: only characters that are usual in URLs and names.
pub fn is_plain(text: &str) -> bool {
    let is_usual = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/?@%+,=&".contains(&b);
    (1..=200).contains(&text.len()) && text.bytes().all(is_usual)
}

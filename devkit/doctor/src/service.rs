//! Everything that the doctor uses from the component's core. No other file of this crate names the core.

use jaas_jwt::caller::{Caller, KeySet, KeySource, VerificationKey};
use jaas_jwt::config::Config;
use jaas_jwt::cors::AllowedOrigins;
use jaas_jwt::environment::Environment;
use jaas_jwt::http::Request;
use jaas_jwt::invitation;
use jaas_jwt::private_key::PrivateKeyText;
use jaas_jwt::room;
use jaas_jwt::service::{self, TOKEN_PATH};
use jaas_jwt::token::{Engine, Signer};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::RsaPublicKeyComponents;
use serde_json::Value;

pub use jaas_jwt::caller::{Cause, Claim, Error, MAX_DOCUMENT_BYTES, SourceError, TIMEOUT_SECONDS};
pub use jaas_jwt::config::{Problem, Source, Unavailable};
pub use jaas_jwt::cors::is_loopback;
pub use jaas_jwt::environment::{FetchError, FetchLimits, Fetched, Isolated, Network};
pub use jaas_jwt::http::Headers;
pub use jaas_jwt::role::Role;
pub use jaas_jwt::text::{Separator, parse_list};

/// The service's verdict on a credential: the caller's role, or `None` if no usable login is configured.
pub type Opinion = Result<Option<Role>, Error>;

/// Returns everything that the service rejects in its configuration.
pub fn problems(source: &dyn Source) -> Vec<Problem> {
    Config::new(source).problems()
}

/// The service's error response in place of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    pub status: u16,
    pub message: String,
}

/// Requests a token like a page of the first allowed origin. `now` is in seconds since the Unix epoch.
pub fn request_token(source: &dyn Source, query: &str, now: u64) -> Result<String, Rejection> {
    let config = Config::new(source);
    let origin = config.allowed_origins().to_vec().into_iter().next();
    let origin = origin.map(|origin| {
        let origin = origin.replacen('*', "www", 1);
        ("origin".to_owned(), origin.into_bytes())
    });
    let mut request = Request {
        method: "GET".to_owned(),
        target: format!("{TOKEN_PATH}{query}"),
        headers: Headers::new(origin.into_iter().collect()),
        body: std::io::empty(),
    };
    let mut random = random;
    let environment = Environment::isolated(now, &mut random);
    let response = service::handle(&config, &mut request, environment).response;
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    text("token").ok_or_else(|| Rejection {
        status: response.status,
        message: text("error").unwrap_or_else(|| "no message".to_owned()),
    })
}

/// Verifies a caller's credential. The login's keys may be fetched through `network`.
pub fn identify(source: &dyn Source, credential: &str, network: &dyn Network, now: u64) -> Opinion {
    let config = Config::new(source);
    let Ok(Some(login)) = config.login() else {
        return Ok(None);
    };
    let mut random = random;
    let environment = Environment {
        network,
        ..Environment::isolated(now, &mut random)
    };
    let caller = login.authenticate(&bearer(credential), &environment, &mut None)?;
    Ok(match caller {
        Caller::Known(identity) => Some(identity.role),
        Caller::Anyone | Caller::Guest => None,
    })
}

/// Verifies an invitation without the store, which knows what was withdrawn or used up. Returns `None` if there are no
/// invitations. The error is the reason that the log would have.
pub fn admit(source: &dyn Source, invitation: &str, now: u64) -> Option<Result<(), String>> {
    let config = Config::new(source);
    let (invitations, app_id) = (config.invitations().ok()??, config.app_id().ok()?);
    let mut random = random;
    let store = Environment::isolated(now, &mut random).store;
    Some(match invitations.verify(invitation, app_id, now, store) {
        // The store is accessed last, so everything else is valid.
        Ok(_) | Err(invitation::Error::StoreUnavailable) => Ok(()),
        Err(error) => Err(error.reason()),
    })
}

/// Returns whether a text is an invitation, by its `typ`, instead of a login's credential.
pub fn is_invitation(text: &str) -> bool {
    invitation::bearer(&bearer(text)).is_some()
}

fn bearer(credential: &str) -> Headers {
    Headers::from([("authorization", format!("Bearer {credential}").as_str())])
}

/// Returns the algorithm of the login's only key, or `None` if the login has no key or a key set.
pub fn algorithm(source: &dyn Source) -> Option<&'static str> {
    match &Config::new(source).login().ok()??.key {
        KeySource::Configured(key) => match &**key {
            VerificationKey::Secret(_) => Some("HS256"),
            VerificationKey::Public(key) => Some(key.algorithm()),
            VerificationKey::Set(_) => None,
        },
        KeySource::Remote(_) | KeySource::NoLogin => None,
    }
}

/// Returns the keys of a JWKS document that the service ignores: `kid` and reason.
///
/// # Errors
/// Fails if the service finds no usable key. The message continues a sentence that starts with the document's address.
pub fn unused_keys(document: &str) -> Result<Vec<(Option<String>, &'static str)>, String> {
    let set = KeySet::parse(document.trim());
    let set = set.map_err(|reason| SourceError::KeySet(reason).to_string())?;
    let dropped = set.dropped().iter();
    Ok(dropped.map(|key| (key.kid.clone(), key.reason)).collect())
}

/// Returns whether a list of rooms contains a room, or `None` if one of the two is empty or invalid.
pub fn is_room_of(list: &str, room: &str) -> Option<bool> {
    let list = room::List::parse(list).ok()??;
    Some(list.contains(&room::Name::parse(room).ok()?))
}

/// Returns an entry of `allowed_origins` as a browser sends it, if the service accepts the entry.
pub fn origin(entry: &str) -> Option<String> {
    let (origins, _) = AllowedOrigins::parse(entry);
    origins.to_vec().into_iter().next()
}

/// Returns tokens with equal claims, one signed by each engine with this key; `None` for an engine that rejects the key.
pub fn signed_by_each_engine(private_key: &str, now: u64) -> [Option<String>; Engine::ALL.len()] {
    let text = PrivateKeyText::new(private_key.trim().to_owned());
    Engine::ALL.map(|(_, engine)| {
        let signer = Signer::new(engine, String::new(), "", &text).ok()?;
        let claims = serde_json::json!({ "iat": now });
        signer.sign(&claims, &mut random).ok()
    })
}

/// Fills `bytes` with random bytes, or leaves zeros if there are none: the token is discarded.
fn random(bytes: &mut [u8]) {
    let _ = SystemRandom::new().fill(bytes);
}

/// Returns the public half of a private key that the service can use.
pub fn public_half(private_key: &str) -> Option<RsaPublicKeyComponents<Vec<u8>>> {
    let text = PrivateKeyText::new(private_key.trim().to_owned());
    let components = text.parse().ok()?.public_key().to_components();
    Some(RsaPublicKeyComponents {
        n: components.n,
        e: components.e,
    })
}

//! Everything that the doctor takes from the component's core. Nothing else in this crate names a path of it.

use jaas_jwt::caller::{self, Caller, Cause, Claim, Error, KeySet, KeySource, VerificationKey};
use jaas_jwt::config::{Config, Source};
use jaas_jwt::cors::AllowedOrigins;
use jaas_jwt::environment::Environment;
use jaas_jwt::http::Request;
use jaas_jwt::invitation;
use jaas_jwt::private_key::PrivateKeyText;
use jaas_jwt::service::{self, TOKEN_PATH};
use jaas_jwt::text::{Separator, parse_list};
use jaas_jwt::token::{Engine, Signer};
use ring::rand::{SecureRandom, SystemRandom};

pub use jaas_jwt::caller::{MAX_CREDENTIAL_BYTES, SourceError};
pub use jaas_jwt::config::Problem;
pub use jaas_jwt::environment::{FetchError, FetchLimits, Fetched, Network};
pub use jaas_jwt::http::Headers;

/// A response of the service, without its headers.
#[derive(Debug, Clone)]
pub struct Response {
    pub status: u16,
    /// The token, if there is one.
    pub token: Option<String>,
    /// The public message, if there is one.
    pub error: Option<String>,
}

/// Reaches nothing.
pub struct NoNetwork;

impl Network for NoNetwork {
    fn get(&self, _: &str, _: FetchLimits) -> Result<Fetched, FetchError> {
        Err(FetchError::Failed)
    }
}

/// What the service says of a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opinion {
    /// No login is configured, or not so that it can be used.
    NoLogin,
    /// It is accepted; the caller's role.
    Accepted(&'static str),
    /// It is rejected by this check, and for this reason, which the log has too.
    Rejected(&'static str, String),
}

/// The core, with one configuration: a variable's value, if it has one.
pub struct Service<'a>(Box<dyn Source + 'a>);

impl<'a> Service<'a> {
    pub fn new(value: impl Fn(&str) -> Option<String> + 'a) -> Self {
        Self(Box::new(move |name: &str| Ok(value(name))))
    }

    /// Everything the service rejects in its configuration.
    pub fn problems(&self) -> Vec<Problem> {
        Config::new(&*self.0).problems()
    }

    /// Requests a token as a page of the first allowed origin does. `now` is in seconds since 1970-01-01 UTC.
    pub fn request_token(&self, query: &str, now: u64) -> Response {
        let config = Config::new(&*self.0);
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
        let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap_or_default();
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        Response {
            status: response.status,
            token: text("token"),
            error: text("error"),
        }
    }

    /// Verifies a credential as that of a caller; the login's keys may come by this network.
    pub fn identify(&self, credential: &str, network: &dyn Network, now: u64) -> Opinion {
        let config = Config::new(&*self.0);
        let Ok(Some(login)) = config.login() else {
            return Opinion::NoLogin;
        };
        let headers = bearer(credential);
        let mut random = random;
        let environment = Environment {
            network,
            ..Environment::isolated(now, &mut random)
        };
        match login.authenticate(&headers, &environment, &mut None) {
            Ok(Caller::Known(identity)) => Opinion::Accepted(identity.role.name()),
            Ok(Caller::Anyone | Caller::Guest) => Opinion::NoLogin,
            Err(error) => Opinion::Rejected(check_of(error), error.reason()),
        }
    }

    /// Verifies an invitation, as far as that goes without the store, which knows what was withdrawn or used up. `None`:
    /// there are no invitations. The error is the reason that the log has.
    pub fn admit(&self, invitation: &str, now: u64) -> Option<Result<(), String>> {
        let config = Config::new(&*self.0);
        let (invitations, app_id) = (config.invitations().ok()??, config.app_id().ok()?);
        let mut random = random;
        let environment = Environment::isolated(now, &mut random);
        Some(
            match invitations.verify(invitation, app_id, now, environment.store) {
                // It is looked up last.
                Ok(_) | Err(invitation::Error::StoreUnavailable) => Ok(()),
                Err(error) => Err(error.reason()),
            },
        )
    }

    /// The algorithm of the login's one key; `None` where it has none or a set.
    pub fn algorithm(&self) -> Option<&'static str> {
        match &Config::new(&*self.0).login().ok()??.key {
            KeySource::Configured(key) => match &**key {
                VerificationKey::Secret(_) => Some("HS256"),
                VerificationKey::Public(key) => Some(key.algorithm()),
                VerificationKey::Set(_) => None,
            },
            KeySource::Remote(_) | KeySource::Nowhere => None,
        }
    }
}

/// The check of [`crate::credential`] that stands for an error of the service.
fn check_of(error: caller::Error) -> &'static str {
    match error {
        Error::Absent | Error::Malformed(_) | Error::TooLong => "form",
        Error::KeysUnavailable { .. } => "keys",
        Error::Claim(Claim::NoExpiry) => "exp",
        Error::Claim(Claim::NoSubject | Claim::EmptySubject | Claim::UnusableSubject) => "sub",
        Error::Claim(Claim::NoId | Claim::EmptyId | Claim::UnusableId) => "sub",
        Error::NotMember(_) => "group",
        Error::Claim(Claim::Moderator) => "moderator",
        Error::Claim(Claim::Type(claim)) | Error::Invalid(Cause::ClaimType(claim)) => match claim {
            "of auth_audience_claim" => "aud",
            "of auth_id_claim" => "sub",
            "of auth_name_claim" => "name",
            "of auth_email_claim" => "email",
            "of auth_picture_claim" => "picture",
            "of auth_required_claim" => "group",
            "of auth_rooms_claim" => "rooms",
            registered => registered,
        },
        Error::Invalid(cause) => match cause {
            Cause::Unset | Cause::Opaque | Cause::Encrypted | Cause::HeaderUnreadable => "form",
            Cause::CriticalExtension => "crit",
            Cause::WrongType => "typ",
            Cause::AlgorithmNone | Cause::Algorithm(_) | Cause::AlgorithmOfNoKey => "alg",
            Cause::UnknownKid | Cause::NoKid => "kid",
            Cause::Signature => "signature",
            Cause::NoIssuer | Cause::Issuer => "iss",
            Cause::NoAudience | Cause::Audience | Cause::NoAudienceClaim | Cause::AudienceClaim => {
                "aud"
            }
            Cause::Expired | Cause::ExpiresTooLate => "exp",
            Cause::NotYetValid | Cause::NotBeforeTooLate => "nbf",
            Cause::IssuedInFuture | Cause::IssuedTooLate => "iat",
            _ => "claims",
        },
    }
}

fn bearer(credential: &str) -> Headers {
    Headers::from([("authorization", format!("Bearer {credential}").as_str())])
}

/// Whether a text is an invitation by its type, and no login's credential.
pub fn is_invitation(text: &str) -> bool {
    invitation::bearer(&bearer(text)).is_some()
}

/// The keys of a JWKS document that the service leaves out: `kid` and reason.
pub fn unused_keys(document: &str) -> Vec<(Option<String>, &'static str)> {
    let set = KeySet::parse(document.trim()).ok();
    let dropped = set.iter().flat_map(KeySet::dropped);
    dropped.map(|key| (key.kid.clone(), key.reason)).collect()
}

/// Whether the service finds a key in a JWKS document.
///
/// # Errors
/// It does not: the end of a sentence that starts with the document's address.
pub fn check_key_set(document: &str) -> Result<(), String> {
    let parsed = KeySet::parse(document.trim()).map(drop);
    parsed.map_err(|reason| SourceError::KeySet(reason).to_string())
}

/// The entries of a list that commas and white space separate, or only commas and line breaks.
pub fn list(text: &str, keeps_spaces: bool) -> Vec<String> {
    let separator = match keeps_spaces {
        true => Separator::CommaOrLine,
        false => Separator::CommaOrSpace,
    };
    parse_list(text, separator).unwrap_or_default()
}

/// The entries of `allowed_origins` that the service accepts: the place in the list, from 1, and the origin as a browser
/// sends it.
pub fn origins(text: &str) -> Vec<(usize, String)> {
    let entries = list(text, false).into_iter().zip(1..);
    entries
        .filter_map(|(entry, place)| {
            let (origins, _) = AllowedOrigins::parse(&entry);
            Some((place, origins.to_vec().into_iter().next()?))
        })
        .collect()
}

/// A token that each engine signs with this key, of equal claims; `None` of an engine that does not take the key.
pub fn signed_by_each_engine(private_key: &str, now: u64) -> [Option<String>; Engine::ALL.len()] {
    let text = PrivateKeyText::new(private_key.trim().to_owned());
    Engine::ALL.map(|(_, engine)| {
        let signer = Signer::new(engine, String::new(), "", &text).ok()?;
        let claims = serde_json::json!({ "iat": now });
        signer.sign(&claims, &mut random).ok()
    })
}

/// The token is thrown away, so that zeros would do where there are no random bytes.
fn random(bytes: &mut [u8]) {
    let _ = SystemRandom::new().fill(bytes);
}

/// The public half of an RSA key: modulus and exponent, big-endian.
pub struct PublicHalf {
    pub n: Vec<u8>,
    pub e: Vec<u8>,
}

impl PublicHalf {
    /// That of a private key which the service can use.
    pub fn of(private_key: &str) -> Option<Self> {
        let text = PrivateKeyText::new(private_key.trim().to_owned());
        let components = text.parse().ok()?.public_key().to_components();
        Some(Self {
            n: components.n,
            e: components.e,
        })
    }
}

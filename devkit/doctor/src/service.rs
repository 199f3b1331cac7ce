//! Everything that the doctor takes from the component's core. Nothing else in this crate names a path of it.

use jaas_jwt::config::Config;
use jaas_jwt::origin::AllowedOrigins;
use jaas_jwt::parameters::split_list;
use jaas_jwt::pem_text;
use jaas_jwt::private_key::PrivateKeyText;
use jaas_jwt::service::{self, Environment, Request, TOKEN_PATH};
use ring::rand::{SecureRandom, SystemRandom};

/// What the service itself rejects in its configuration.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The variable.
    pub variable: String,
    /// It is not set at all.
    pub is_missing: bool,
    /// The rest of the sentence that starts with the variable's name.
    pub message: String,
}

/// A response of the service, without its headers.
#[derive(Debug, Clone)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The token, if there is one.
    pub token: Option<String>,
    /// The public message, if there is one.
    pub error: Option<String>,
}

/// The core, with one configuration.
pub struct Service(Config);

impl Service {
    /// Reads the configuration; `value` returns a variable's value, if it has one.
    pub fn new(value: impl Fn(&str) -> Option<String>) -> Self {
        Self(Config::read(|name| Ok(value(name))))
    }

    /// Everything the service rejects in it.
    pub fn problems(&self) -> Vec<Problem> {
        let problems = self.0.signer().err().unwrap_or_default();
        let own = problems.into_iter().map(|problem| Problem {
            variable: problem.variable().to_owned(),
            is_missing: problem.is_missing(),
            message: problem.message().to_owned(),
        });
        own.collect()
    }

    /// Requests a token as a page of the first allowed origin does. `now` is in seconds since 1970-01-01 UTC.
    pub fn request_token(&self, query: &str, credential: Option<&str>, now: u64) -> Response {
        let origin = self.0.allowed_origins.to_vec().into_iter().next();
        let origin = origin.map(|origin| ("origin", origin.replacen('*', "www", 1)));
        let credential = credential.map(|token| ("authorization", format!("Bearer {token}")));
        let headers = origin.into_iter().chain(credential);
        let response = service::handle(
            &self.0,
            Request {
                method: "GET".to_owned(),
                target: format!("{TOKEN_PATH}{query}"),
                headers: headers
                    .map(|(name, value)| (name.to_owned(), value.into_bytes()))
                    .collect(),
                body: std::io::empty(),
            },
            Environment {
                now,
                random: &mut random,
            },
        );
        let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap_or_default();
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        Response {
            status: response.status,
            token: text("token"),
            error: text("error"),
        }
    }
}

/// Random bytes for ids. The token is thrown away, so that zeros would do.
fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    let _ = SystemRandom::new().fill(&mut bytes);
    bytes
}

/// The entries of `allowed_origins` that the service accepts: the place in the list, from 1, and the origin as a browser
/// sends it.
pub fn origins(list: &str) -> Vec<(usize, String)> {
    split_list(list)
        .zip(1..)
        .filter_map(|(entry, place)| {
            let (origins, _) = AllowedOrigins::parse(entry);
            Some((place, origins.to_vec().into_iter().next()?))
        })
        .collect()
}

/// A PEM file in its plain form, whatever a shell or an env file made of it.
pub fn plain_pem(text: &str) -> Option<String> {
    pem_text::normalize(text)
        .ok()
        .map(|pem| pem.as_str().to_owned())
}

/// The public half of an RSA key: modulus and exponent, big-endian.
pub struct PublicHalf {
    /// The modulus.
    pub n: Vec<u8>,
    /// The exponent.
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

    /// The length of the modulus.
    pub fn bits(&self) -> usize {
        crate::jwks::bit_length(&self.n)
    }
}

//! The configuration: reads variables and hands each stage its settings.
//!
//! Everything is read lazily and at most once for a request, because a provider such as Vault is asked over the network
//! for each variable: a request that is rejected early costs only what its rejection needed. What is wrong is kept as
//! [`Problem`] beside what is right, so that the service can report all of it in one response, and an allowed page can
//! read that response.
#![forbid(unsafe_code)]

mod claims;
mod invitation;
mod login;
mod metering;
mod names;
mod problem;
mod reader;
mod remote;
#[cfg(test)]
pub(crate) mod tests;
mod usage;
pub mod variable;
mod webhook;

use std::cell::OnceCell;
use std::rc::Rc;

use crate::caller::{KeySet, VerificationKey};
use crate::cors::{AllowedHeaders, AllowedOrigins};
use crate::kept::Slot;
use crate::person::{Email, Name};
use crate::policy;
use crate::private_key::PrivateKeyText;
use crate::secret::Secret;
use crate::text::parse_bool;
use crate::token::{Engine, Signer, SignerError, Validity};
use crate::usage::Pseudonyms;
use crate::webhook::RoomSettings;
use crate::{caller, room};

pub use problem::Problem;
pub use reader::{Source, Unavailable};
pub use variable::Variable;

use metering::Metering;
use reader::{Reader, Setting};

/// What a caller reads when one of the three credentials is missing: the Worker's words, because front ends may show
/// them.
pub const MISSING_MESSAGE: &str =
    "Missing required environment variables: JAAS_APP_ID, JAAS_KEY_ID, or JAAS_PRIVATE_KEY";

/// What continues `signing_engine` where jwt-simple takes the key and `rs256` does not.
const UNSUPPORTED_BY_RS256: &str = "is rs256, which takes keys of 2048, 3072 or 4096 bits with two primes of half that length each, and jaas_private_key is another; set it to jwt-simple, or make a new pair with `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:4096 -out key.pem`.";

/// The configuration of one request.
pub struct Config<'a> {
    source: &'a dyn Source,
    memo: Option<&'a Memo>,
    allowed_origins: OnceCell<Setting<AllowedOrigins>>,
    allowed_headers: OnceCell<Setting<AllowedHeaders>>,
    disclose_origins: OnceCell<Setting<bool>>,
    require_origin: OnceCell<Setting<bool>>,
    login: OnceCell<Setting<Option<caller::Settings>>>,
    invitation_secret: OnceCell<Setting<Option<String>>>,
    invitations: OnceCell<Setting<Option<crate::invitation::Settings>>>,
    policy: OnceCell<Setting<policy::Settings>>,
    validity: OnceCell<Setting<Validity>>,
    metering: Metering<'a>,
    key: OnceCell<Setting<Key>>,
}

/// The keys that an instance has parsed, for its further requests. Each is used only while all that it was made of is the
/// same.
#[derive(Debug, Default)]
pub struct Memo {
    signer: Slot<Signer>,
    login_key: Slot<VerificationKey>,
    remote_keys: Rc<Slot<KeySet>>,
}

/// What [`Signer`] is made of; `None` where there is a problem.
#[derive(Debug)]
struct Key {
    app_id: Option<String>,
    key_id: Option<String>,
    private_key: Option<PrivateKeyText>,
    engine: Option<Engine>,
}

impl std::fmt::Debug for Config<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config").finish_non_exhaustive()
    }
}

impl<'a> Config<'a> {
    /// A configuration from these variables. Nothing is read yet.
    #[must_use]
    pub const fn new(source: &'a dyn Source) -> Self {
        Self::with(source, None)
    }

    /// The same, with what earlier requests have left for this one.
    #[must_use]
    pub const fn remembering(source: &'a dyn Source, memo: &'a Memo) -> Self {
        Self::with(source, Some(memo))
    }

    const fn with(source: &'a dyn Source, memo: Option<&'a Memo>) -> Self {
        Self {
            source,
            memo,
            allowed_origins: OnceCell::new(),
            allowed_headers: OnceCell::new(),
            disclose_origins: OnceCell::new(),
            require_origin: OnceCell::new(),
            login: OnceCell::new(),
            invitation_secret: OnceCell::new(),
            invitations: OnceCell::new(),
            policy: OnceCell::new(),
            validity: OnceCell::new(),
            metering: Metering::new(source),
            key: OnceCell::new(),
        }
    }

    /// Origins whose pages may call. The right entries are there although others are wrong.
    pub fn allowed_origins(&self) -> &AllowedOrigins {
        &self.allowed_origins_setting().value
    }

    /// Whether something is wrong with the list of origins.
    pub fn allowed_origins_is_wrong(&self) -> bool {
        !self.allowed_origins_setting().problems.is_empty()
    }

    /// Headers that a page may set.
    pub fn allowed_headers(&self) -> &AllowedHeaders {
        &self.allowed_headers_setting().value
    }

    /// Whether a rejected origin is told the list.
    pub fn disclose_origins(&self) -> bool {
        self.disclose_origins_setting().value
    }

    /// Whether a request without `Origin` is rejected.
    pub fn require_origin(&self) -> bool {
        self.require_origin_setting().value
    }

    /// Whether something is wrong with that switch.
    pub fn require_origin_is_wrong(&self) -> bool {
        !self.require_origin_setting().problems.is_empty()
    }

    /// How callers are verified; `None`: they are not.
    ///
    /// # Errors
    /// All problems of the configuration, if one of them is the login's.
    pub fn login(&self) -> Result<Option<&caller::Settings>, Vec<Problem>> {
        let setting = self.login_setting();
        if setting.problems.is_empty() {
            Ok(setting.value.as_ref())
        } else {
            Err(self.problems())
        }
    }

    /// How invitations are made and verified; `None`: there are none.
    ///
    /// # Errors
    /// All problems of the configuration, if one of them is the invitations'.
    pub fn invitations(&self) -> Result<Option<&crate::invitation::Settings>, Vec<Problem>> {
        let setting = self.invitations_setting();
        if setting.problems.is_empty() && self.invitation_secret().is_some() {
            Ok(setting.value.as_ref())
        } else {
            Err(self.problems())
        }
    }

    /// Whether there are invitations, be they configured rightly or wrongly.
    pub fn has_invitations(&self) -> bool {
        self.invitation_secret()
            .is_none_or(|secret| !secret.is_empty())
    }

    /// The App ID.
    ///
    /// # Errors
    /// All problems of the configuration, if there is none.
    pub fn app_id(&self) -> Result<&str, Vec<Problem>> {
        let app_id = self.key_setting().value.app_id.as_deref();
        app_id.ok_or_else(|| self.problems())
    }

    /// What is granted to whom.
    pub fn policy(&self) -> &policy::Settings {
        &self.policy_setting().value
    }

    /// When a token is valid.
    pub fn validity(&self) -> Validity {
        self.validity_setting().value
    }

    /// How requests of 8x8 are told from others, without which the route for them does not exist.
    ///
    /// # Errors
    /// All problems of the configuration, if one of them is about that.
    pub fn webhook(&self) -> Result<Option<crate::webhook::Settings>, Vec<Problem>> {
        let proof = self.checked(self.metering.proof())?;
        if !proof.is_set() {
            return Ok(None);
        }
        Ok(Some(crate::webhook::Settings {
            secrets: proof.secrets.clone(),
            authorization: proof.authorization.clone(),
            app_id: self.app_id()?.to_owned(),
        }))
    }

    /// Whether there is a route for 8x8, be it configured rightly or wrongly.
    pub fn has_webhook(&self) -> bool {
        self.metering.has_webhook()
    }

    /// How meetings start; `None`: as 8x8 starts them.
    ///
    /// # Errors
    /// All problems of the configuration, if one of them is about that.
    pub fn room_settings(&self) -> Result<Option<&RoomSettings>, Vec<Problem>> {
        self.checked(self.metering.room_settings())
            .map(Option::as_ref)
    }

    /// How users are counted.
    ///
    /// # Errors
    /// All problems of the configuration, if one of them is about that.
    pub fn usage(&self) -> Result<&crate::usage::Settings, Vec<Problem>> {
        self.checked(self.metering.switches())?;
        self.checked(self.metering.usage(self.guest_id()))
    }

    /// The same where a token request has to do with it: with a limit, or where tokens are what is counted.
    ///
    /// # Errors
    /// As for [`Config::usage`].
    pub fn guard(&self) -> Result<Option<&crate::usage::Settings>, Vec<Problem>> {
        if self.checked(self.metering.switches())?.is_on() {
            self.usage().map(Some)
        } else {
            Ok(None)
        }
    }

    /// What the ledger keeps in the place of ids. The key is derived from the private key: no other secret is always
    /// there.
    ///
    /// # Errors
    /// All problems of the configuration, if there is no private key.
    pub fn pseudonyms(&self) -> Result<Pseudonyms, Vec<Problem>> {
        let key = self.key_setting().value.private_key.as_ref();
        let der = key.and_then(|key| key.der().ok());
        let der = der.ok_or_else(|| self.problems())?;
        Ok(Pseudonyms::new(&der))
    }

    /// What whoever reads the ledger must know, without which the route for it does not exist.
    ///
    /// # Errors
    /// All problems of the configuration, if one of them is about that.
    pub fn operator_token(&self) -> Result<Option<&Secret<String>>, Vec<Problem>> {
        self.checked(self.metering.operator_token())
            .map(Option::as_ref)
    }

    /// Whether there is a route for the operator, be it configured rightly or wrongly.
    pub fn has_operator(&self) -> bool {
        self.metering.has_operator()
    }

    fn checked<'s, T>(&self, setting: &'s Setting<T>) -> Result<&'s T, Vec<Problem>> {
        if setting.problems.is_empty() {
            Ok(&setting.value)
        } else {
            Err(self.problems())
        }
    }

    /// What signs the tokens. Reads every variable that a token depends on, and parses the private key unless it is remembered: about
    /// 0.2 ms at 2048 bits in Wasm.
    ///
    /// # Errors
    /// All problems of the configuration.
    pub fn signer(&self) -> Result<Rc<Signer>, Vec<Problem>> {
        let mut problems = self.problems_of_variables();
        let signer = self.parse_key(&mut problems);
        signer
            .filter(|_| problems.is_empty())
            .ok_or_else(|| in_order(problems))
    }

    /// All problems of the configuration. Reads every variable.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = self.problems_of_variables();
        self.parse_key(&mut problems);
        problems.extend(self.metering.problems_of_routes(self.guest_id()));
        in_order(problems)
    }

    fn parse_key(&self, problems: &mut Vec<Problem>) -> Option<Rc<Signer>> {
        let key = &self.key_setting().value;
        let engine = key.engine.unwrap_or(Engine::JwtSimple);
        let app_id = key.app_id.as_deref().unwrap_or_default();
        let key_id = key.key_id.as_deref().unwrap_or_default();
        let private_key = key.private_key.as_ref()?;
        let texts = [engine.name(), app_id, key_id, private_key.expose()];
        let kept = self.memo.map(|memo| &memo.signer);
        let signer = Slot::get(kept, &texts, || {
            Signer::new(engine, app_id.to_owned(), key_id, private_key)
        });
        signer
            .map_err(|error| {
                problems.push(match error {
                    SignerError::Key(error) => Problem::invalid(variable::PRIVATE_KEY, error),
                    SignerError::UnsupportedByEngine => {
                        Problem::invalid(variable::SIGNING_ENGINE, UNSUPPORTED_BY_RS256)
                    }
                });
            })
            .ok()
    }

    /// All problems that keep a token from being issued, but those in the private key.
    fn problems_of_variables(&self) -> Vec<Problem> {
        [
            &self.key_setting().problems,
            &self.allowed_origins_setting().problems,
            &self.allowed_headers_setting().problems,
            &self.disclose_origins_setting().problems,
            &self.require_origin_setting().problems,
            &self.policy_setting().problems,
            &self.validity_setting().problems,
            &self.login_setting().problems,
            &self.invitation_secret_setting().problems,
            &self.invitations_setting().problems,
        ]
        .into_iter()
        .flatten()
        .cloned()
        .chain(self.metering.problems_of_tokens(self.guest_id()))
        .collect()
    }

    /// What guests get who choose no id.
    fn guest_id(&self) -> Option<&policy::DefaultId> {
        self.policy().defaults.user_id.as_ref()
    }

    fn allowed_origins_setting(&self) -> &Setting<AllowedOrigins> {
        self.allowed_origins.get_or_init(|| {
            Setting::read(self.source, |reader| {
                let list = reader.text(variable::ALLOWED_ORIGINS).unwrap_or_default();
                let (origins, errors) = AllowedOrigins::parse(&list);
                for error in errors {
                    reader.problem(variable::ALLOWED_ORIGINS, error);
                }
                origins
            })
        })
    }

    fn allowed_headers_setting(&self) -> &Setting<AllowedHeaders> {
        self.allowed_headers.get_or_init(|| {
            Setting::read(self.source, |reader| {
                let headers = reader.parsed(variable::ALLOWED_HEADERS, AllowedHeaders::parse);
                headers.unwrap_or_default()
            })
        })
    }

    fn disclose_origins_setting(&self) -> &Setting<bool> {
        self.disclose_origins.get_or_init(|| {
            Setting::read(self.source, |r| r.switch(variable::DISCLOSE_ORIGINS, false))
        })
    }

    fn require_origin_setting(&self) -> &Setting<bool> {
        self.require_origin.get_or_init(|| {
            Setting::read(self.source, |r| r.switch(variable::REQUIRE_ORIGIN, true))
        })
    }

    fn login_setting(&self) -> &Setting<Option<caller::Settings>> {
        self.login.get_or_init(|| {
            let has_invitations = || self.has_invitations();
            Setting::read(self.source, |reader| {
                login::read(reader, self.memo, has_invitations)
            })
        })
    }

    fn invitation_secret_setting(&self) -> &Setting<Option<String>> {
        self.invitation_secret.get_or_init(|| {
            Setting::read(self.source, |reader| {
                reader.text(variable::INVITATION_SECRET)
            })
        })
    }

    /// The secret of invitations; empty: there are none; `None`: it cannot be read.
    fn invitation_secret(&self) -> Option<&str> {
        self.invitation_secret_setting().value.as_deref()
    }

    fn invitations_setting(&self) -> &Setting<Option<crate::invitation::Settings>> {
        self.invitations.get_or_init(|| {
            Setting::read(self.source, |reader| {
                let secret = self.invitation_secret().unwrap_or_default();
                invitation::read(reader, secret, || self.login_state())
            })
        })
    }

    fn login_state(&self) -> invitation::Login<'_> {
        let setting = self.login_setting();
        match &setting.value {
            _ if !setting.problems.is_empty() => invitation::Login::Unread,
            None => invitation::Login::Open,
            Some(login) => invitation::Login::Closed(login),
        }
    }

    fn policy_setting(&self) -> &Setting<policy::Settings> {
        self.policy.get_or_init(|| {
            Setting::read(self.source, |reader| {
                let policy = read_policy(reader);
                let is_open = || matches!(self.login_state(), invitation::Login::Open);
                if policy.guest_rooms.is_some() && is_open() {
                    reader.problem(
                        variable::GUEST_ROOMS,
                        "is set and auth_mode is none, so that every room is open to everybody; set auth_mode to optional, or empty it.",
                    );
                }
                policy
            })
        })
    }

    fn validity_setting(&self) -> &Setting<Validity> {
        self.validity.get_or_init(|| {
            Setting::read(self.source, |reader| Validity {
                ttl_seconds: reader.seconds(variable::TOKEN_TTL_SECONDS, 60, 86_400),
                leeway_seconds: reader.seconds(variable::TOKEN_LEEWAY_SECONDS, 0, 300),
            })
        })
    }

    fn key_setting(&self) -> &Setting<Key> {
        self.key
            .get_or_init(|| Setting::read(self.source, read_key))
    }
}

fn read_key(reader: &mut Reader<'_>) -> Key {
    let app_id = reader.text(variable::APP_ID);
    let app_id = app_id.and_then(|text| reader.keep(names::parse_app_id(&text)));
    let key_id = reader.text(variable::KEY_ID);
    let key_id = key_id.and_then(|text| reader.keep(names::parse_key_id(&text, app_id.as_deref())));
    let private_key = reader.key(variable::PRIVATE_KEY).and_then(|text| {
        reader.keep(if text.is_empty() {
            Err(Problem::missing(variable::PRIVATE_KEY))
        } else {
            Ok(PrivateKeyText::new(text))
        })
    });
    let engine = reader.parsed(variable::SIGNING_ENGINE, |text| {
        Engine::from_name(text).ok_or("is neither jwt-simple nor rs256; set it to one of them.")
    });
    Key {
        app_id,
        key_id,
        private_key,
        engine,
    }
}

fn read_policy(reader: &mut Reader<'_>) -> policy::Settings {
    policy::Settings {
        defaults: policy::Defaults {
            room: reader.optional(variable::DEFAULT_ROOM, room::Name::parse),
            user_id: reader.optional(variable::DEFAULT_USER_ID, policy::DefaultId::parse),
            user_name: reader.optional(variable::DEFAULT_USER_NAME, Name::parse),
            user_email: reader.optional(variable::DEFAULT_USER_EMAIL, Email::parse),
            moderator: reader.optional(variable::DEFAULT_MODERATOR, |text| {
                parse_bool(text).ok_or("must be true or false")
            }),
        },
        moderator_features: reader.features(variable::MODERATOR_FEATURES),
        member_features: reader.features(variable::MEMBER_FEATURES),
        allowed_rooms: reader
            .parsed(variable::ALLOWED_ROOMS, room::List::parse)
            .flatten(),
        guest_rooms: reader
            .parsed(variable::GUEST_ROOMS, room::List::parse)
            .flatten(),
    }
}

/// The problems in the order of `spin.toml`.
fn in_order(mut problems: Vec<Problem>) -> Vec<Problem> {
    let position = |problem: &Problem| {
        variable::ALL
            .iter()
            .position(|variable| variable.name == problem.variable())
    };
    problems.sort_by_key(position);
    problems
}

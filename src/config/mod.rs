//! The configuration: reads variables and hands each stage its settings.
//!
//! Everything is read lazily and at most once for a request, because a provider such as Vault is asked over the network
//! for each variable: a request that is rejected early costs only what its rejection needed. What is wrong is kept as
//! [`Problem`] beside what is right, so that the service can report all of it in one response, and an allowed page can
//! read that response.
#![forbid(unsafe_code)]

mod claims;
mod invitation;
mod key;
mod login;
mod memo;
mod metering;
mod names;
mod policy;
mod problem;
mod reader;
mod remote;
mod settings;
#[cfg(test)]
pub(crate) mod tests;
mod usage;
pub mod variable;
mod webhook;

use std::rc::Rc;

use crate::caller;
use crate::cors::{AllowedHeaders, AllowedOrigins};
use crate::secret::Secret;
use crate::token::{Signer, Validity};
use crate::usage::Pseudonyms;
use crate::webhook::RoomSettings;

pub use memo::Memo;
pub use problem::Problem;
pub use reader::{Source, Unavailable};
pub use variable::Variable;

use reader::Setting;
use settings::Settings;

/// What a caller reads when one of the three credentials is missing: the Worker's words, because front ends may show
/// them.
pub const MISSING_MESSAGE: &str =
    "Missing required environment variables: JAAS_APP_ID, JAAS_KEY_ID, or JAAS_PRIVATE_KEY";

/// The configuration of one request.
pub struct Config<'a>(Settings<'a>);

impl std::fmt::Debug for Config<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config").finish_non_exhaustive()
    }
}

impl<'a> Config<'a> {
    /// A configuration from these variables. Nothing is read yet.
    #[must_use]
    pub const fn new(source: &'a dyn Source) -> Self {
        Self(Settings::new(source, None))
    }

    /// The same, with what earlier requests have left for this one.
    #[must_use]
    pub const fn remembering(source: &'a dyn Source, memo: &'a Memo) -> Self {
        Self(Settings::new(source, Some(memo)))
    }

    /// Origins whose pages may call. The right entries are there although others are wrong.
    pub fn allowed_origins(&self) -> &AllowedOrigins {
        &self.0.allowed_origins().value
    }

    /// Whether something is wrong with the list of origins.
    pub fn allowed_origins_is_wrong(&self) -> bool {
        !self.0.allowed_origins().problems.is_empty()
    }

    /// Headers that a page may set.
    pub fn allowed_headers(&self) -> &AllowedHeaders {
        &self.0.allowed_headers().value
    }

    /// Whether a rejected origin is told the list.
    pub fn disclose_origins(&self) -> bool {
        self.0.disclose_origins().value
    }

    /// Whether a request without `Origin` is rejected.
    pub fn require_origin(&self) -> bool {
        self.0.require_origin().value
    }

    /// Whether something is wrong with that switch.
    pub fn require_origin_is_wrong(&self) -> bool {
        !self.0.require_origin().problems.is_empty()
    }

    /// How callers are verified; `None`: they are not.
    ///
    /// # Errors
    /// All problems of the configuration, if one of them is the login's.
    pub fn login(&self) -> Result<Option<&caller::Settings>, Vec<Problem>> {
        let setting = self.0.login();
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
        let setting = self.0.invitations();
        if setting.problems.is_empty() && self.0.invitation_secret().value.is_some() {
            Ok(setting.value.as_ref())
        } else {
            Err(self.problems())
        }
    }

    /// Whether there are invitations, be they configured rightly or wrongly.
    pub fn has_invitations(&self) -> bool {
        self.0.has_invitations()
    }

    /// The App ID.
    ///
    /// # Errors
    /// All problems of the configuration, if there is none.
    pub fn app_id(&self) -> Result<&str, Vec<Problem>> {
        let app_id = self.0.key().value.app_id.as_deref();
        app_id.ok_or_else(|| self.problems())
    }

    /// What is granted to whom.
    pub fn policy(&self) -> &crate::policy::Settings {
        &self.0.policy().value
    }

    /// When a token is valid.
    pub fn validity(&self) -> Validity {
        self.0.validity().value
    }

    /// How requests of 8x8 are told from others, without which the route for them does not exist.
    ///
    /// # Errors
    /// All problems of the configuration, if one of them is about that.
    pub fn webhook(&self) -> Result<Option<crate::webhook::Settings>, Vec<Problem>> {
        let proof = self.checked(self.0.metering.proof())?;
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
        self.0.metering.has_webhook()
    }

    /// How meetings start; `None`: as 8x8 starts them.
    ///
    /// # Errors
    /// All problems of the configuration, if one of them is about that.
    pub fn room_settings(&self) -> Result<Option<&RoomSettings>, Vec<Problem>> {
        self.checked(self.0.metering.room_settings())
            .map(Option::as_ref)
    }

    /// How users are counted.
    ///
    /// # Errors
    /// All problems of the configuration, if one of them is about that.
    pub fn usage(&self) -> Result<&crate::usage::Settings, Vec<Problem>> {
        self.checked(self.0.metering.switches())?;
        self.checked(self.0.metering.usage(self.0.guest_id()))
    }

    /// The same where a token request has to do with it: with a limit, or where tokens are what is counted.
    ///
    /// # Errors
    /// As for [`Config::usage`].
    pub fn guard(&self) -> Result<Option<&crate::usage::Settings>, Vec<Problem>> {
        if self.checked(self.0.metering.switches())?.is_on() {
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
        let key = self.0.key().value.private_key.as_ref();
        let der = key.and_then(|key| key.der().ok());
        let der = der.ok_or_else(|| self.problems())?;
        Ok(Pseudonyms::new(&der))
    }

    /// What whoever reads the ledger must know, without which the route for it does not exist.
    ///
    /// # Errors
    /// All problems of the configuration, if one of them is about that.
    pub fn operator_token(&self) -> Result<Option<&Secret<String>>, Vec<Problem>> {
        self.checked(self.0.metering.operator_token())
            .map(Option::as_ref)
    }

    /// Whether there is a route for the operator, be it configured rightly or wrongly.
    pub fn has_operator(&self) -> bool {
        self.0.metering.has_operator()
    }

    fn checked<'s, T>(&self, setting: &'s Setting<T>) -> Result<&'s T, Vec<Problem>> {
        if setting.problems.is_empty() {
            Ok(&setting.value)
        } else {
            Err(self.problems())
        }
    }

    /// What signs the tokens. Reads every variable that a token depends on, and parses the private key unless it is
    /// remembered.
    ///
    /// # Errors
    /// All problems of the configuration.
    pub fn signer(&self) -> Result<Rc<Signer>, Vec<Problem>> {
        let mut problems = self.problems_of_variables();
        match self.0.key().value.parse(self.0.memo) {
            Some(Ok(signer)) if problems.is_empty() => return Ok(signer),
            Some(Err(problem)) => problems.push(problem),
            _ => {}
        }
        Err(in_order(problems))
    }

    /// All problems of the configuration. Reads every variable.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = self.problems_of_variables();
        if let Some(Err(problem)) = self.0.key().value.parse(self.0.memo) {
            problems.push(problem);
        }
        problems.extend(self.0.metering.problems_of_routes(self.0.guest_id()));
        in_order(problems)
    }

    /// All problems that keep a token from being issued, but those in the private key.
    fn problems_of_variables(&self) -> Vec<Problem> {
        [
            &self.0.key().problems,
            &self.0.allowed_origins().problems,
            &self.0.allowed_headers().problems,
            &self.0.disclose_origins().problems,
            &self.0.require_origin().problems,
            &self.0.policy().problems,
            &self.0.validity().problems,
            &self.0.login().problems,
            &self.0.invitation_secret().problems,
            &self.0.invitations().problems,
        ]
        .into_iter()
        .flatten()
        .cloned()
        .chain(self.0.metering.problems_of_tokens(self.0.guest_id()))
        .collect()
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

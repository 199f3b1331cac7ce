//! The configuration: reads variables and hands each stage its settings.
//!
//! Each variable is read when it is first needed, and at most once for a request, because a provider such as Vault is
//! queried over the network for each variable. A request that is rejected early reads only what its rejection needs.
//! Problems are kept as [`Problem`] beside the valid settings, so that the service can report all of them in one response
//! that an allowed page can read.
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

/// The public message if one of the three JaaS credentials is missing. It is the same as the Worker's, because front ends
/// may show it.
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
    /// Creates a configuration from these variables. Nothing is read yet.
    #[must_use]
    pub const fn new(source: &'a dyn Source) -> Self {
        Self(Settings::new(source, None))
    }

    /// Creates a configuration that reuses the keys an earlier request left in `memo`.
    #[must_use]
    pub const fn remembering(source: &'a dyn Source, memo: &'a Memo) -> Self {
        Self(Settings::new(source, Some(memo)))
    }

    /// Returns the origins whose pages may call. Valid entries are kept even if others are invalid.
    pub fn allowed_origins(&self) -> &AllowedOrigins {
        &self.0.allowed_origins().value
    }

    /// Whether the list of origins has a problem.
    pub fn allowed_origins_is_wrong(&self) -> bool {
        !self.0.allowed_origins().problems.is_empty()
    }

    /// Returns the headers that a page may set.
    pub fn allowed_headers(&self) -> &AllowedHeaders {
        &self.0.allowed_headers().value
    }

    /// Whether the response to a rejected origin contains the allow list.
    pub fn disclose_origins(&self) -> bool {
        self.0.disclose_origins().value
    }

    /// Whether a request without `Origin` is rejected.
    pub fn require_origin(&self) -> bool {
        self.0.require_origin().value
    }

    /// Whether `require_origin` has a problem.
    pub fn require_origin_is_wrong(&self) -> bool {
        !self.0.require_origin().problems.is_empty()
    }

    /// Returns how callers are authenticated; `None` if they are not.
    ///
    /// # Errors
    /// All problems of the configuration, if the login has one.
    pub fn login(&self) -> Result<Option<&caller::Settings>, Vec<Problem>> {
        let setting = self.0.login();
        if setting.problems.is_empty() {
            Ok(setting.value.as_ref())
        } else {
            Err(self.problems())
        }
    }

    /// Returns how invitations are made and verified; `None` if there are none.
    ///
    /// # Errors
    /// All problems of the configuration, if invitations have one.
    pub fn invitations(&self) -> Result<Option<&crate::invitation::Settings>, Vec<Problem>> {
        let setting = self.0.invitations();
        if setting.problems.is_empty() && self.0.invitation_secret().value.is_some() {
            Ok(setting.value.as_ref())
        } else {
            Err(self.problems())
        }
    }

    /// Whether `invitation_secret` is set, validly or not.
    pub fn has_invitations(&self) -> bool {
        self.0.has_invitations()
    }

    /// Returns the App ID.
    ///
    /// # Errors
    /// All problems of the configuration, if the App ID is missing or invalid.
    pub fn app_id(&self) -> Result<&str, Vec<Problem>> {
        let app_id = self.0.key().value.app_id.as_deref();
        app_id.ok_or_else(|| self.problems())
    }

    /// Returns the rules for what is granted to whom.
    pub fn policy(&self) -> &crate::policy::Settings {
        &self.0.policy().value
    }

    /// Returns the period in which a token is valid.
    pub fn validity(&self) -> Validity {
        self.0.validity().value
    }

    /// Returns how requests from 8x8 are verified; `None` if the webhook's route does not exist.
    ///
    /// # Errors
    /// All problems of the configuration, if the webhook has one or the App ID is missing or invalid.
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

    /// Whether the webhook's route exists: its variables are set, validly or not.
    pub fn has_webhook(&self) -> bool {
        self.0.metering.has_webhook()
    }

    /// Returns the settings with which meetings start; `None` if 8x8's defaults apply.
    ///
    /// # Errors
    /// All problems of the configuration, if the room settings have one.
    pub fn room_settings(&self) -> Result<Option<&RoomSettings>, Vec<Problem>> {
        self.checked(self.0.metering.room_settings())
            .map(Option::as_ref)
    }

    /// Returns how users are counted.
    ///
    /// # Errors
    /// All problems of the configuration, if the usage settings have one.
    pub fn usage(&self) -> Result<&crate::usage::Settings, Vec<Problem>> {
        self.checked(self.0.metering.switches())?;
        self.checked(self.0.metering.usage(self.0.guest_id()))
    }

    /// Returns the same if token requests depend on it: if there is a limit, or if issued tokens are counted.
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

    /// Returns what derives the ledger's pseudonyms from ids. Its key is derived from the private key, the only secret that
    /// every configuration has.
    ///
    /// # Errors
    /// All problems of the configuration, if the private key is missing or cannot be decoded.
    pub fn pseudonyms(&self) -> Result<Pseudonyms, Vec<Problem>> {
        let key = self.0.key().value.private_key.as_ref();
        let der = key.and_then(|key| key.der().ok());
        let der = der.ok_or_else(|| self.problems())?;
        Ok(Pseudonyms::new(&der))
    }

    /// Returns the token that grants access to the ledger; `None` if the operator's route does not exist.
    ///
    /// # Errors
    /// All problems of the configuration, if the operator's token has one.
    pub fn operator_token(&self) -> Result<Option<&Secret<String>>, Vec<Problem>> {
        self.checked(self.0.metering.operator_token())
            .map(Option::as_ref)
    }

    /// Whether the operator's route exists: its variable is set, validly or not.
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

    /// Returns the signer of tokens. Reads every variable that a token depends on, and parses the private key unless the memo
    /// has it.
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

    /// Returns all problems of the configuration. Reads every variable.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = self.problems_of_variables();
        if let Some(Err(problem)) = self.0.key().value.parse(self.0.memo) {
            problems.push(problem);
        }
        problems.extend(self.0.metering.problems_of_routes(self.0.guest_id()));
        in_order(problems)
    }

    /// Returns all problems that prevent tokens from being issued, except those of parsing the private key.
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

/// Sorts the problems in the order of `spin.toml`.
fn in_order(mut problems: Vec<Problem>) -> Vec<Problem> {
    let position = |problem: &Problem| {
        variable::ALL
            .iter()
            .position(|variable| variable.name == problem.variable())
    };
    problems.sort_by_key(position);
    problems
}

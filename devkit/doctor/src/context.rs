//! The input of the checks: the facts, and what the service reports on them.

use std::{fmt, iter};

use devkit_spin_app::settings::{KeySource, Settings};

use crate::facts::Facts;
use crate::finding::Hit;
use crate::origins::{self, Origin};
use crate::repair;
use crate::service::{self, Problem, Rejection, Separator, Source, Unavailable, parse_list};
use crate::token::{self, Judgement};

/// The three credentials of 8x8.
pub const CREDENTIALS: [&str; 3] = ["jaas_app_id", "jaas_key_id", "jaas_private_key"];

/// Prefixes of variables that have no effect without a login, or that need a key-value store, which the doctor lacks.
const OF_A_LOGIN_OR_A_STORE: [&str; 5] = [
    "auth_",
    "guest_rooms",
    "invitation",
    "monthly_user",
    "count_issued",
];

/// The variables for the key of a login, which needs one of them.
pub const LOGIN_KEYS: [&str; 4] = [
    "auth_hs256_secret",
    "auth_public_key",
    "auth_jwks",
    "auth_jwks_url",
];

pub struct Context<'a> {
    /// Files, environment and variables.
    pub facts: &'a Facts,
    /// The variables as `cargo dev up` would serve them.
    settings: Settings,
    pub production: bool,
    /// Whether none of the three credentials is configured, so that `cargo dev up` would use the throw-away key.
    pub is_unconfigured: bool,
    pub problems: Vec<Problem>,
    /// The entries of `allowed_origins` that the service accepts.
    pub origins: Vec<Origin>,
    /// The verdict on the token that the service signed, or the error response; `None` if the configuration has problems.
    pub token: Option<Result<Judgement, Rejection>>,
}

/// The configured variables, as the service gets them.
impl Source for Context<'_> {
    fn get(&self, name: &str) -> Result<Option<String>, Unavailable> {
        Ok(self.settings.value(name).map(str::to_owned))
    }
}

impl<'a> Context<'a> {
    /// Has the service read the configuration and sign a token. `now` is in seconds since the Unix epoch.
    pub fn new(facts: &'a Facts, production: bool, now: u64) -> Self {
        let is_given = |name: &&str| !facts.settings.given(name).is_empty();
        let by_nobody = facts.settings.key_source() == KeySource::Nobody;
        let is_unconfigured = !production && by_nobody && !CREDENTIALS.iter().any(is_given);
        let mut settings = facts.settings.clone();
        let throw_away = facts.throw_away_key.clone().filter(|_| is_unconfigured);
        if let Some(pem) = throw_away {
            settings.use_throw_away_key(pem);
        }
        let mut context = Self {
            facts,
            settings,
            production,
            is_unconfigured,
            problems: Vec::new(),
            origins: Vec::new(),
            token: None,
        };
        if !facts.broken.is_empty() {
            return context;
        }
        let mut problems = service::problems(&context);
        if problems.is_empty() {
            let key = context.value("jaas_private_key");
            let rooms = context.entries("allowed_rooms");
            let values = context.without_login();
            let token = token::sign(&context.with(&values), &rooms, now);
            context.token = Some(token.map(|token| token::judge(&token, key, now)));
        }
        let by_a_provider = !facts.settings.other_providers().is_empty();
        problems.retain(|it| !it.is_missing() || !(context.is_unconfigured || by_a_provider));
        context.problems = problems;
        context.origins = origins::read(context.value("allowed_origins"));
        context
    }

    /// Returns the variables, with `values` in place of the configured ones.
    pub fn with<'b>(&'b self, values: &'b [(&str, String)]) -> impl Source + 'b {
        move |name: &str| {
            let other = values.iter().find(|(other, _)| *other == name);
            other.map_or_else(|| self.get(name), |(_, value)| Ok(Some(value.clone())))
        }
    }

    /// Returns the values that switch the login off. This includes the variables that describe a login or replace it, because
    /// they are problems without one.
    pub fn without_login(&self) -> Vec<(&'a str, String)> {
        let names = self.facts.variables.iter().map(|it| it.name.as_str());
        let is_needless = |name: &&str| OF_A_LOGIN_OR_A_STORE.iter().any(|it| name.starts_with(it));
        let names = names.filter(is_needless);
        let default = |name| self.facts.settings.default(name).unwrap_or_default();
        let values = names.map(|name| (name, default(name).to_owned()));
        let off = ("auth_mode", "none".to_owned());
        iter::once(off).chain(values).collect()
    }

    /// Returns a variable's value, untrimmed, or an empty string if it has none.
    pub fn value(&self, name: &str) -> &str {
        self.settings.value(name).unwrap_or_default()
    }

    /// Returns a variable's value without surrounding white space.
    pub fn text(&self, name: &str) -> &str {
        self.value(name).trim()
    }

    pub fn is_set(&self, name: &str) -> bool {
        !self.text(name).is_empty()
    }

    pub fn number(&self, name: &str) -> Option<u64> {
        self.text(name).parse().ok()
    }

    /// Returns the entries of a list, which may contain spaces.
    pub fn entries(&self, name: &str) -> Vec<String> {
        parse_list(self.value(name), Separator::CommaOrLine).unwrap_or_default()
    }

    /// Returns whether a variable has this value, compared case-insensitively.
    pub fn is(&self, name: &str, value: &str) -> bool {
        self.text(name).eq_ignore_ascii_case(value)
    }

    pub fn is_wrong(&self, name: &str) -> bool {
        let mut problems = self.problems.iter();
        problems.any(|problem| problem.variable() == name)
    }

    pub fn is_open(&self) -> bool {
        self.text("auth_mode") == "none"
    }

    /// Returns whether callers can get in only by invitation, so that there is no login to describe.
    pub fn is_by_invitation_alone(&self) -> bool {
        self.is_set("invitation_secret") && !LOGIN_KEYS.iter().any(|name| self.is_set(name))
    }

    /// Returns the features of `of` that the list contains, or `None` if there are none.
    pub fn features(&self, name: &str, of: &[&str]) -> Option<String> {
        let list = parse_list(self.value(name), Separator::CommaOrSpace).unwrap_or_default();
        let has = |feature: &&str| list.iter().any(|entry| entry == feature);
        let found: Vec<&str> = of.iter().copied().filter(has).collect();
        (!found.is_empty()).then(|| found.join(", "))
    }

    /// Returns a hit on a variable that the service accepts, if `applies`. The repair sets it to `value`, or to the output of a
    /// command in `$(…)`.
    pub fn hit(
        &self,
        name: &str,
        applies: bool,
        message: impl fmt::Display,
        value: &str,
    ) -> Option<Hit> {
        let hit = Hit::variable(name, message).repair(self.set(name, value));
        (applies && !self.is_wrong(name)).then_some(hit)
    }

    /// Returns a hit on each variable whose given value satisfies `applies`, which gets the value trimmed.
    pub fn hits(
        &self,
        applies: impl Fn(&str, &str) -> bool,
        message: &str,
        value: &str,
    ) -> impl Iterator<Item = Hit> {
        self.facts.variables.iter().filter_map(move |variable| {
            let name = &variable.name;
            let (_, given) = self.facts.settings.given(name).first()?;
            let hit = Hit::variable(name, message).repair(self.set(name, value));
            applies(name, given.trim()).then_some(hit)
        })
    }

    /// Returns how to set a variable.
    pub fn set(&self, name: &str, value: &str) -> String {
        repair::set(self.facts, &[(name, value)])
    }

    /// Returns how to set all variables that a login needs and lacks: setting `auth_mode` alone would cause errors.
    pub fn set_login(&self) -> String {
        let mut values = vec![("auth_mode", "required")];
        let examples = [
            ("auth_issuer", "https://login.example.org"),
            ("auth_audience", "jaas-jwt.example.org"),
        ];
        values.extend(examples.iter().filter(|(name, _)| !self.is_set(name)));
        if !LOGIN_KEYS.iter().any(|name| self.is_set(name)) {
            values.push((LOGIN_KEYS[0], "$(openssl rand -base64 48)"));
        }
        repair::set(self.facts, &values)
    }
}

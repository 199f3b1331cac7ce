//! What the checks look at: the facts, what the service says of them, and how a repair is written down.

use devkit_spin_app::environment_name;
use devkit_spin_app::settings::{KeySource, Source};

use crate::examples::is_placeholder;
use crate::facts::Facts;
use crate::hit::{Hit, Value};
use crate::origins::{self, Origin};
use crate::service::{self, Problem, PublicHalf, Service};
use crate::token::{self, Judgement, Rejection};

/// The three credentials of 8x8.
pub const CREDENTIALS: [&str; 3] = ["jaas_app_id", "jaas_key_id", "jaas_private_key"];

/// Variables that mean nothing without a login, or need a key-value store, which the doctor has not.
const OF_A_LOGIN_OR_A_STORE: [&str; 6] = [
    "guest_rooms",
    "invitation_secret",
    "invitation_link",
    "invitations_not_before",
    "monthly_user_limit",
    "count_issued",
];

/// The variables that hold the key of a login; one of them is needed.
pub const LOGIN_KEYS: [&str; 4] = [
    "auth_hs256_secret",
    "auth_public_key",
    "auth_jwks",
    "auth_jwks_url",
];

/// Stands before a repair that has values of an example.
pub const YOUR_OWN: &str = "with your own values: ";

pub struct Context<'a> {
    /// Files, environment and variables.
    pub facts: &'a Facts,
    pub production: bool,
    /// None of the three credentials is configured: `cargo dev up` uses the throw-away key.
    pub is_unconfigured: bool,
    pub problems: Vec<Problem>,
    /// The entries of `allowed_origins` that the service accepts.
    pub origins: Vec<Origin>,
    /// The public half of the private key, where the service can use that.
    pub key: Option<PublicHalf>,
    /// The token that the service signed, judged, or the response in its place; `None` where the configuration is incomplete.
    pub token: Option<Result<Judgement, Rejection>>,
    /// A request without a room is rejected because of `allowed_rooms`.
    pub default_room_is_closed: bool,
}

impl<'a> Context<'a> {
    /// Lets the service read the configuration and sign a token with it. `now` is in seconds since 1970-01-01 UTC.
    pub fn new(facts: &'a Facts, production: bool, now: u64) -> Self {
        let is_unconfigured = !production
            && facts.settings.key_source() == KeySource::Nobody
            && CREDENTIALS
                .iter()
                .all(|name| facts.settings.given(name).is_empty());
        let mut context = Self {
            facts,
            production,
            is_unconfigured,
            problems: Vec::new(),
            origins: Vec::new(),
            key: None,
            token: None,
            default_room_is_closed: false,
        };
        if !facts.broken.is_empty() {
            return context;
        }
        let mut problems = context.service().problems();
        let is_complete = problems.is_empty();
        let by_a_provider = !facts.settings.other_providers().is_empty();
        problems.retain(|problem| !problem.is_missing() || !(is_unconfigured || by_a_provider));
        context.problems = problems;
        context.origins = origins::read(context.value("allowed_origins"));
        context.key = PublicHalf::of(context.value("jaas_private_key"));
        if let Some(key) = context.key.as_ref().filter(|_| is_complete) {
            let rooms = context.entries("allowed_rooms");
            let signed = token::sign(&context.service_without_login(), &rooms, now);
            let engines_agree = token::engines_agree(context.value("jaas_private_key"), now);
            let judged = signed.token.map(|token| Judgement {
                engines_agree,
                ..token::judge(&token, key, now)
            });
            context.default_room_is_closed =
                signed.default_room_is_closed && !context.text("default_room").is_empty();
            context.token = Some(judged);
        }
        context
    }

    /// The service, as it is configured.
    pub fn service(&self) -> Service<'_> {
        Service::new(|name| self.configured(name))
    }

    /// The service with these values in place of the configured ones.
    pub fn service_with<'b>(&'b self, values: &'b [(&str, String)]) -> Service<'b> {
        Service::new(|name| {
            let other = values.iter().find(|(other, _)| *other == name);
            other.map_or_else(|| self.configured(name), |(_, value)| Some(value.clone()))
        })
    }

    pub fn service_without_login(&self) -> Service<'_> {
        Service::new(|name| match name {
            "auth_mode" => Some("none".to_owned()),
            // Described without being used, a login and what stands in its place are problems.
            name if name.starts_with("auth_") || OF_A_LOGIN_OR_A_STORE.contains(&name) => {
                self.facts.settings.default(name).map(str::to_owned)
            }
            name => self.configured(name),
        })
    }

    fn configured(&self, name: &str) -> Option<String> {
        let value = self
            .throw_away(name)
            .or_else(|| self.facts.settings.value(name));
        value.map(str::to_owned)
    }

    /// What `cargo dev up` uses where nothing is configured.
    fn throw_away(&self, name: &str) -> Option<&str> {
        let pem = self.facts.throw_away_key.as_deref();
        let pem = pem.filter(|_| self.is_unconfigured)?;
        match name {
            "jaas_app_id" => Some("vpaas-magic-cookie-00000000000000000000000000000000"),
            "jaas_key_id" => Some("000000"),
            "jaas_private_key" => Some(pem),
            _ => None,
        }
    }

    /// A variable's value, untrimmed; empty where it has none.
    pub fn value(&self, name: &str) -> &str {
        let value = self
            .throw_away(name)
            .or_else(|| self.facts.settings.value(name));
        value.unwrap_or_default()
    }

    /// A variable's value without white space around it.
    pub fn text(&self, name: &str) -> &str {
        self.value(name).trim()
    }

    pub fn number(&self, name: &str) -> Option<u64> {
        self.text(name).parse().ok()
    }

    /// The entries of a list of texts, which may have spaces.
    pub fn entries(&self, name: &str) -> Vec<String> {
        service::list(self.value(name), true)
    }

    /// Whether a variable is `true`.
    pub fn is_true(&self, name: &str) -> bool {
        self.text(name).eq_ignore_ascii_case("true")
    }

    pub fn is_wrong(&self, name: &str) -> bool {
        self.problems
            .iter()
            .any(|problem| problem.variable() == name)
    }

    /// Whether both engines sign alike; `None` where that was not tried.
    pub fn engines_agree(&self) -> Option<bool> {
        self.token.as_ref()?.as_ref().ok()?.engines_agree
    }

    pub fn is_open(&self) -> bool {
        self.text("auth_mode") == "none"
    }

    /// Which of these features a list has, if any.
    pub fn features(&self, name: &str, of: &[&str]) -> Option<String> {
        let list = service::list(self.value(name), false);
        let has = |feature: &&str| list.iter().any(|entry| entry == feature);
        let found: Vec<&str> = of.iter().copied().filter(has).collect();
        (!found.is_empty()).then(|| found.join(", "))
    }

    /// A hit on a variable that the service accepts, if `applies`.
    pub fn hit(&self, name: &str, applies: bool) -> Option<Hit> {
        (applies && !self.is_wrong(name)).then(|| Hit::variable(name))
    }

    /// A hit on each variable whose given value fulfils this; the value comes trimmed.
    pub fn hits(&self, applies: impl Fn(&str, &str) -> bool) -> impl Iterator<Item = Hit> {
        self.facts.variables.iter().filter_map(move |variable| {
            let (_, value) = self.facts.settings.given(&variable.name).first()?;
            applies(&variable.name, value.trim()).then(|| Hit::variable(&variable.name))
        })
    }

    /// What to type, or which line to write where, to give variables values. Values of examples are said to be that: the
    /// doctor itself would reject them.
    pub fn set(&self, values: &[(&str, Value)]) -> String {
        let mut exports = Vec::new();
        let mut lines = Vec::new();
        for (variable, value) in values {
            let given = self.facts.settings.given(variable).first();
            let name = environment_name(variable);
            let quoted = in_quotes(*value);
            match (given.map(|(source, _)| source), &self.facts.env_file) {
                (Some(Source::Provider), _) => {
                    lines.push(format!("in runtime-config.toml: {variable} = {quoted}"));
                }
                (Some(Source::EnvFile(name)), Some(file)) => lines.push(match file.line(name) {
                    Some(line) => format!("line {line} of {}: {name}={quoted}", file.path),
                    None => format!("in {}: {name}={quoted}", file.path),
                }),
                (None, Some(file)) => lines.push(format!("add to {}: {name}={quoted}", file.path)),
                (Some(Source::DotEnv(name)), _) => lines.push(format!("in .env: {name}={quoted}")),
                (Some(Source::Environment(name)), _) => exports.push(assignment(name, *value)),
                (None | Some(Source::EnvFile(_)), None) => exports.push(assignment(&name, *value)),
            }
        }
        if !exports.is_empty() {
            lines.insert(0, format!("export {}", exports.join(" ")));
        }
        let is_example = values.iter().any(|(name, value)| match value {
            Value::Text(text) => is_placeholder(name, text),
            Value::Output(_) => false,
        });
        let own = if is_example { YOUR_OWN } else { "" };
        format!("{own}{}", lines.join("; "))
    }

    /// Whether invitations are the only door: then there is no login to describe.
    pub fn is_by_invitation_alone(&self) -> bool {
        let has = |name: &str| !self.text(name).is_empty();
        has("invitation_secret") && !LOGIN_KEYS.iter().any(|name| has(name))
    }

    /// As [`Context::set`], for all that a login needs and has not: `auth_mode` alone would make errors.
    pub fn set_login(&self) -> String {
        let mut values = vec![("auth_mode", Value::Text("required"))];
        for (name, example) in [
            ("auth_issuer", "https://login.example.org"),
            ("auth_audience", "jaas-jwt.example.org"),
        ] {
            if self.text(name).is_empty() {
                values.push((name, Value::Text(example)));
            }
        }
        if LOGIN_KEYS.iter().all(|name| self.text(name).is_empty()) {
            values.push((LOGIN_KEYS[0], Value::Output("openssl rand -base64 48")));
        }
        self.set(&values)
    }
}

fn assignment(name: &str, value: Value) -> String {
    match value {
        Value::Text(text) => format!("{name}={}", devkit::serve::key::quoted(text)),
        Value::Output(command) => format!("{name}=\"$({command})\""),
    }
}

/// For a file, in which no command is run.
fn in_quotes(value: Value) -> String {
    match value {
        Value::Text(text) => format!("\"{text}\""),
        Value::Output(command) => format!("\"…\", with the output of `{command}`"),
    }
}

//! The configuration: names of the variables, their defaults and what they may hold.
//!
//! Everything that is wrong is found at once and kept as a [`Problem`] beside what is right, so that the service can
//! tell all of it in one answer, and an allowed page can read that answer.
#![forbid(unsafe_code)]

use std::fmt;

use serde_json::{Value, json};

use crate::origin::AllowedOrigins;
use crate::private_key::PrivateKeyText;
use crate::room::RoomName;
use crate::signer::Signer;
use crate::token_request::{Defaults, Email, PersonalText, parse_bool};

/// The names of the Spin variables, as `spin.toml` declares them.
pub mod variable {
    /// The JaaS App ID: `vpaas-magic-cookie-` and 32 hexadecimal digits.
    pub const APP_ID: &str = "jaas_app_id";
    /// The id of the API key: `<App ID>/<id>`, or the id alone.
    pub const KEY_ID: &str = "jaas_key_id";
    /// The RSA private key in PEM.
    pub const PRIVATE_KEY: &str = "jaas_private_key";
    /// The origins whose pages may call; see [`crate::origin`].
    pub const ALLOWED_ORIGINS: &str = "allowed_origins";
    /// Whether a refused origin is told the list: `true` or `false`.
    pub const DISCLOSE_ORIGINS: &str = "disclose_origins";
    /// Whether a request without `Origin` is refused: `true` or `false`.
    pub const REQUIRE_ORIGIN: &str = "require_origin";
    /// The room of a request that names none. Empty: every request must name one.
    pub const DEFAULT_ROOM: &str = "default_room";
    /// The user id of a request that gives none. Empty: the field is left out.
    pub const DEFAULT_USER_ID: &str = "default_user_id";
    /// The display name of a request that gives none. Empty: the field is left out.
    pub const DEFAULT_USER_NAME: &str = "default_user_name";
    /// The e-mail address of a request that gives none. Empty: the field is left out.
    pub const DEFAULT_USER_EMAIL: &str = "default_user_email";
    /// Whether a request that does not say so is a moderator's: `true`, `false`, or empty: the field is left out.
    pub const DEFAULT_MODERATOR: &str = "default_moderator";
}

/// What a caller reads when one of the three credentials is missing: the Worker's words, because front ends may show them.
pub const MISSING_MESSAGE: &str =
    "Missing required environment variables: JAAS_APP_ID, JAAS_KEY_ID, or JAAS_PRIVATE_KEY";

/// Every App ID starts with this.
const APP_ID_PREFIX: &str = "vpaas-magic-cookie-";

/// One thing that is wrong with the configuration: the variable, and a sentence that repairs it.
///
/// The sentence never holds a part of the variable's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    variable: &'static str,
    missing: bool,
    message: String,
}

impl Problem {
    /// A credential is not set, or set to nothing.
    #[must_use]
    pub fn missing(variable: &'static str) -> Self {
        Self {
            variable,
            missing: true,
            message: format!(
                "is not set; give it to Spin, for example as SPIN_VARIABLE_{}.",
                variable.to_ascii_uppercase()
            ),
        }
    }

    /// A variable holds something that cannot be used. `message` continues a sentence that starts with its name.
    #[must_use]
    pub fn invalid(variable: &'static str, message: impl Into<String>) -> Self {
        Self {
            variable,
            missing: false,
            message: message.into(),
        }
    }

    /// Whether the variable is missing rather than wrong.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.missing
    }

    /// The problems as they stand in the health check's answer and in the log.
    #[must_use]
    pub fn list(problems: &[Self]) -> Value {
        problems
            .iter()
            .map(|p| json!({ "variable": p.variable, "message": p.message }))
            .collect()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.variable, self.message)
    }
}

/// Why a variable's value could not be had from the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VariableUnavailable;

/// The configuration of one request.
#[derive(Debug)]
pub struct Config {
    /// Origins whose pages may call.
    pub allowed_origins: AllowedOrigins,
    /// Whether a refused origin is told the list.
    pub disclose_origins: bool,
    /// Whether a request without `Origin` is refused.
    pub require_origin: bool,
    /// What a request's parameters are when it leaves them out.
    pub defaults: Defaults,
    app_id: Option<String>,
    /// The `kid` header: App ID, slash, key id.
    key_id: Option<String>,
    private_key: Option<PrivateKeyText>,
    problems: Vec<Problem>,
}

impl Config {
    /// Reads the configuration. `get` gives a variable's value, `None` where the manifest does not declare it; then the
    /// default of `spin.toml` holds.
    ///
    /// The private key is kept as text: it is parsed by [`Config::signer`], so that a refused request never pays for it.
    pub fn read(mut get: impl FnMut(&str) -> Result<Option<String>, VariableUnavailable>) -> Self {
        let mut problems = Vec::new();
        let mut value = |name: &'static str, default: &str| match get(name) {
            Ok(Some(value)) => Some(value),
            Ok(None) => Some(default.to_owned()),
            Err(VariableUnavailable) => {
                problems.push(Problem::invalid(
                    name,
                    "could not be read from its provider; see Spin's log and the variables_provider in runtime-config.toml.",
                ));
                None
            }
        };

        let app_id = value(variable::APP_ID, "");
        let key_id = value(variable::KEY_ID, "");
        let private_key = value(variable::PRIVATE_KEY, "");
        let origins = value(
            variable::ALLOWED_ORIGINS,
            "https://vtaiwan.pages.dev http://localhost:3000 http://localhost:3001 http://localhost:8080 https://vtaiwan.tw https://www.vtaiwan.tw https://talk.vtaiwan.tw",
        );
        let disclose_origins = value(variable::DISCLOSE_ORIGINS, "true");
        let require_origin = value(variable::REQUIRE_ORIGIN, "false");
        let room = value(variable::DEFAULT_ROOM, "default-room");
        let user_id = value(variable::DEFAULT_USER_ID, "user123");
        let user_name = value(variable::DEFAULT_USER_NAME, "Your User");
        let user_email = value(variable::DEFAULT_USER_EMAIL, "user@example.com");
        let moderator = value(variable::DEFAULT_MODERATOR, "true");

        let app_id = app_id.and_then(|text| keep(&mut problems, parse_app_id(&text)));
        let key_id =
            key_id.and_then(|text| keep(&mut problems, parse_key_id(&text, app_id.as_deref())));
        let private_key = private_key.and_then(|text| {
            if text.trim().is_empty() {
                problems.push(Problem::missing(variable::PRIVATE_KEY));
                return None;
            }
            Some(PrivateKeyText::new(text))
        });

        let (allowed_origins, errors) = AllowedOrigins::parse(&origins.unwrap_or_default());
        problems.extend(
            errors
                .iter()
                .map(|e| Problem::invalid(variable::ALLOWED_ORIGINS, format!("{e}."))),
        );

        let mut switch = |name, text: Option<String>, otherwise| {
            text.and_then(|text| {
                let parsed = parse_bool(&text).ok_or_else(|| {
                    Problem::invalid(name, "is neither true nor false; set it to one of them.")
                });
                keep(&mut problems, parsed)
            })
            .unwrap_or(otherwise)
        };
        // Where a switch cannot be read, the stricter of its two meanings holds.
        let disclose_origins = switch(variable::DISCLOSE_ORIGINS, disclose_origins, false);
        let require_origin = switch(variable::REQUIRE_ORIGIN, require_origin, true);

        let mut default = Defaulted(&mut problems);
        let defaults = Defaults {
            room: default.parse(variable::DEFAULT_ROOM, room, RoomName::parse),
            user_id: default.parse(variable::DEFAULT_USER_ID, user_id, PersonalText::parse),
            user_name: default.parse(variable::DEFAULT_USER_NAME, user_name, PersonalText::parse),
            user_email: default.parse(variable::DEFAULT_USER_EMAIL, user_email, Email::parse),
            moderator: default.parse(variable::DEFAULT_MODERATOR, moderator, |text| {
                parse_bool(text).ok_or("must be true or false")
            }),
        };

        Self {
            allowed_origins,
            disclose_origins,
            require_origin,
            defaults,
            app_id,
            key_id,
            private_key,
            problems,
        }
    }

    /// Whether something is wrong with the allow list, so that nobody can tell who is allowed.
    #[must_use]
    pub fn allow_list_is_wrong(&self) -> bool {
        self.problems
            .iter()
            .any(|p| p.variable == variable::ALLOWED_ORIGINS)
    }

    /// What signs the tokens. Parses the private key: about 0.2 ms at 2048 bits in Wasm.
    ///
    /// # Errors
    /// All problems of the configuration, those of the key among them.
    pub fn signer(&self) -> Result<Signer, Vec<Problem>> {
        let mut problems = self.problems.clone();
        let key = self.private_key.as_ref().and_then(|text| {
            keep(
                &mut problems,
                text.parse()
                    .map_err(|e| Problem::invalid(variable::PRIVATE_KEY, e.to_string())),
            )
        });
        match (&self.app_id, &self.key_id, key) {
            (Some(app_id), Some(key_id), Some(key)) if problems.is_empty() => {
                Ok(Signer::new(app_id.clone(), key_id, key))
            }
            _ => Err(problems),
        }
    }
}

/// Puts what is wrong to the problems and gives on what is right.
fn keep<T>(problems: &mut Vec<Problem>, parsed: Result<T, Problem>) -> Option<T> {
    parsed.map_err(|problem| problems.push(problem)).ok()
}

/// Reads the default of a request parameter by the parameter's own rule; an empty one means "leave the field out".
struct Defaulted<'a>(&'a mut Vec<Problem>);

impl Defaulted<'_> {
    fn parse<T, E: fmt::Display>(
        &mut self,
        name: &'static str,
        text: Option<String>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = text?;
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        keep(
            self.0,
            parse(text).map_err(|e| Problem::invalid(name, format!("{e}."))),
        )
    }
}

fn parse_app_id(text: &str) -> Result<String, Problem> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Problem::missing(variable::APP_ID));
    }
    let digits = text.strip_prefix(APP_ID_PREFIX).unwrap_or_default();
    if digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        Ok(text.to_owned())
    } else {
        Err(Problem::invalid(
            variable::APP_ID,
            "is not an App ID, which is vpaas-magic-cookie- and 32 hexadecimal digits; copy it from the API Keys page of https://jaas.8x8.vc.",
        ))
    }
}

/// The `kid` header. The web client cuts it at the slash and compares the first part with `sub`, in exact letter case.
fn parse_key_id(text: &str, app_id: Option<&str>) -> Result<String, Problem> {
    let invalid = |message| Err(Problem::invalid(variable::KEY_ID, message));
    let text = text.trim();
    if text.is_empty() {
        return Err(Problem::missing(variable::KEY_ID));
    }
    let (prefix, id) = match text.split_once('/') {
        Some((prefix, id)) => (Some(prefix), id),
        None => (None, text),
    };
    let right_shape = (1..=64).contains(&id.len())
        && !id.starts_with(APP_ID_PREFIX)
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if !right_shape {
        return invalid(
            "is not a key id, which is <App ID>/<id> with 1 to 64 letters, digits, - or _ as the id; copy it from the API Keys page of https://jaas.8x8.vc.",
        );
    }
    match (prefix, app_id) {
        (Some(prefix), Some(app_id)) if prefix != app_id => invalid(
            "belongs to another App ID than jaas_app_id; copy both from the same line of the API Keys page of https://jaas.8x8.vc.",
        ),
        // Without a readable App ID there is a problem already, and nothing to compare with.
        (_, app_id) => Ok(format!("{}/{id}", app_id.unwrap_or_default())),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub const APP_ID: &str = "vpaas-magic-cookie-1fc542a3e4414a44b2611668195e2bfe";

    /// A configuration from `variables`; those not named have their defaults.
    pub fn config_with(variables: &[(&str, &str)]) -> Config {
        Config::read(|name| {
            Ok(variables
                .iter()
                .find(|(n, _)| *n == name)
                .map(|(_, value)| (*value).to_owned()))
        })
    }

    fn problems_with(variables: &[(&str, &str)]) -> Vec<String> {
        config_with(variables)
            .problems
            .iter()
            .map(Problem::to_string)
            .collect()
    }

    #[test]
    fn the_three_credentials_are_missing_when_absent_or_empty() {
        for variables in [
            &[][..],
            &[
                ("jaas_app_id", ""),
                ("jaas_key_id", " "),
                ("jaas_private_key", "\n"),
            ],
        ] {
            let config = config_with(variables);
            let missing: Vec<_> = config
                .problems
                .iter()
                .filter(|p| p.is_missing())
                .map(|p| p.variable)
                .collect();
            assert_eq!(missing, ["jaas_app_id", "jaas_key_id", "jaas_private_key"]);
            assert_eq!(config.problems.len(), 3);
        }
    }

    #[test]
    fn an_app_id_has_its_prefix_and_32_hexadecimal_digits() {
        for (text, good) in [
            (APP_ID, true),
            (
                " vpaas-magic-cookie-1fc542a3e4414a44b2611668195e2bfe\n",
                true,
            ),
            ("vpaas-magic-cookie-1FC542A3E4414A44B2611668195E2BFE", true),
            ("vpaas-magic-cookie-1fc542a3e4414a44b2611668195e2bf", false),
            (
                "vpaas-magic-cookie-1fc542a3e4414a44b2611668195e2bfeb",
                false,
            ),
            ("vpaas-magic-cookie-1fc542a3e4414a44b2611668195e2bfg", false),
            ("1fc542a3e4414a44b2611668195e2bfe", false),
            ("your_app_id_here", false),
        ] {
            assert_eq!(parse_app_id(text).is_ok(), good, "{text}");
        }
    }

    #[test]
    fn a_key_id_is_completed_and_compared_with_the_app_id() {
        let kid = format!("{APP_ID}/4f4910");
        let other = "vpaas-magic-cookie-00000000000000000000000000000000/4f4910";
        for (text, expected) in [
            (kid.as_str(), Ok(kid.clone())),
            ("4f4910", Ok(kid.clone())),
            (" 4f4910 ", Ok(kid.clone())),
            (other, Err("belongs to another App ID")),
            (&kid.to_uppercase(), Err("belongs to another App ID")),
            (APP_ID, Err("is not a key id")),
            ("/4f4910", Err("belongs to another App ID")),
            (&format!("{APP_ID}/"), Err("is not a key id")),
            (&format!("{APP_ID}/a/b"), Err("is not a key id")),
            ("4f 4910", Err("is not a key id")),
            ("", Err("is not set")),
        ] {
            match (parse_key_id(text, Some(APP_ID)), expected) {
                (Ok(kid), Ok(expected)) => assert_eq!(kid, expected, "{text}"),
                (Err(problem), Err(part)) => {
                    assert!(problem.to_string().contains(part), "{text}: {problem}");
                }
                (got, _) => panic!("{text}: {got:?}"),
            }
        }
    }

    #[test]
    fn everything_wrong_is_reported_at_once_by_variable_name() {
        let problems = problems_with(&[
            ("jaas_app_id", "nonsense"),
            ("jaas_key_id", "a b"),
            ("jaas_private_key", "anything"),
            ("allowed_origins", "* http://vtaiwan.tw"),
            ("disclose_origins", "maybe"),
            ("require_origin", ""),
            ("default_room", "*"),
            ("default_user_id", "a\u{7}b"),
            ("default_user_email", "nobody"),
            ("default_moderator", "1"),
        ]);
        let names: Vec<_> = problems
            .iter()
            .filter_map(|p| p.split(' ').next())
            .collect();
        assert_eq!(
            names,
            [
                "jaas_app_id",
                "jaas_key_id",
                "allowed_origins",
                "allowed_origins",
                "disclose_origins",
                "require_origin",
                "default_room",
                "default_user_id",
                "default_user_email",
                "default_moderator",
            ]
        );
        for problem in &problems {
            assert!(problem.ends_with('.'), "{problem}");
        }
    }

    #[test]
    fn the_defaults_are_those_of_the_worker() {
        let config = config_with(&[]);
        assert_eq!(
            config.allowed_origins.to_vec(),
            [
                "https://vtaiwan.pages.dev",
                "http://localhost:3000",
                "http://localhost:3001",
                "http://localhost:8080",
                "https://vtaiwan.tw",
                "https://www.vtaiwan.tw",
                "https://talk.vtaiwan.tw",
            ]
        );
        assert!(config.disclose_origins);
        assert!(!config.require_origin);
        let Defaults {
            room,
            user_id,
            user_name,
            user_email,
            moderator,
        } = config.defaults;
        assert_eq!(room.unwrap().into_string(), "default-room");
        assert_eq!(user_id.unwrap().into_string(), "user123");
        assert_eq!(user_name.unwrap().into_string(), "Your User");
        assert_eq!(user_email.unwrap().into_string(), "user@example.com");
        assert_eq!(moderator, Some(true));
    }

    #[test]
    fn an_empty_default_leaves_the_field_out() {
        let config = config_with(&[
            ("default_room", ""),
            ("default_user_id", ""),
            ("default_user_name", " "),
            ("default_user_email", ""),
            ("default_moderator", ""),
        ]);
        let Defaults {
            room,
            user_id,
            user_name,
            user_email,
            moderator,
        } = config.defaults;
        assert!(room.is_none() && user_id.is_none() && user_name.is_none());
        assert!(user_email.is_none() && moderator.is_none());
        assert_eq!(config.problems.len(), 3, "only the credentials are missing");
    }

    #[test]
    fn a_provider_that_fails_is_a_problem_and_the_stricter_switch_holds() {
        let config = Config::read(|_| Err(VariableUnavailable));
        assert_eq!(config.problems.len(), 11);
        assert!(config.require_origin && !config.disclose_origins);
        assert!(config.allow_list_is_wrong());
    }

    #[test]
    fn no_problem_shows_a_part_of_a_value() {
        let secret = "S3cretS3cretS3cret";
        let names = [
            "jaas_app_id",
            "jaas_key_id",
            "allowed_origins",
            "disclose_origins",
            "require_origin",
            "default_moderator",
            "default_user_email",
        ];
        let variables: Vec<_> = names.iter().map(|name| (*name, secret)).collect();
        let key = [("jaas_private_key", secret)];
        let config = config_with(&[variables, key.to_vec()].concat());
        let told = format!("{:?}", config.signer());
        assert!(!told.contains("S3cret"), "{told}");
    }
}

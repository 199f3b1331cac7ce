//! The configuration: names of the variables, their defaults and what they may hold.
//!
//! Everything that is wrong is found at once and kept as a [`Problem`] beside what is right, so that the service can
//! tell all of it in one answer, and an allowed page can read that answer.
#![forbid(unsafe_code)]

use std::fmt;

use serde::Serialize;

use crate::caller::{Authentication, VerificationKey};
use crate::claims::Validity;
use crate::features::{Feature, FeatureSet};
use crate::origin::AllowedOrigins;
use crate::parameters::{split_list, split_names};
use crate::private_key::{KeyError, PrivateKeyText};
use crate::room::{RoomList, RoomName};
use crate::signer::{Engine, Signer};
use crate::token_request::{Email, PersonalText, TextError, parse_bool};

/// A Spin variable: its name and its default, as `spin.toml` declares them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// The name.
    pub name: &'static str,
    /// The value when nobody gives one; `None` where somebody must.
    pub default: Option<&'static str>,
}

/// All variables. README.md says what each means; a test keeps the three in step.
pub mod variable {
    use super::Variable;

    macro_rules! variables {
        ($($constant:ident = $name:literal, $default:expr;)*) => {
            $(
                #[doc = concat!("The variable `", $name, "`.")]
                pub const $constant: Variable = Variable { name: $name, default: $default };
            )*
            /// All of them, in the order of `spin.toml`.
            pub const ALL: &[Variable] = &[$($constant),*];
        };
    }

    variables! {
        APP_ID = "jaas_app_id", None;
        KEY_ID = "jaas_key_id", None;
        PRIVATE_KEY = "jaas_private_key", None;
        ALLOWED_ORIGINS = "allowed_origins", Some("https://vtaiwan.pages.dev http://localhost:3000 http://localhost:3001 http://localhost:8080 https://vtaiwan.tw https://www.vtaiwan.tw https://talk.vtaiwan.tw");
        DISCLOSE_ORIGINS = "disclose_origins", Some("true");
        REQUIRE_ORIGIN = "require_origin", Some("false");
        DEFAULT_ROOM = "default_room", Some("default-room");
        DEFAULT_USER_ID = "default_user_id", Some("user123");
        DEFAULT_USER_NAME = "default_user_name", Some("Your User");
        DEFAULT_USER_EMAIL = "default_user_email", Some("user@example.com");
        DEFAULT_MODERATOR = "default_moderator", Some("true");
        TOKEN_TTL_SECONDS = "token_ttl_seconds", Some("3600");
        TOKEN_LEEWAY_SECONDS = "token_leeway_seconds", Some("10");
        MODERATOR_FEATURES = "moderator_features", Some("livestreaming, outbound-call");
        MEMBER_FEATURES = "member_features", Some("");
        ALLOWED_ROOMS = "allowed_rooms", Some("");
        AUTH_MODE = "auth_mode", Some("none");
        AUTH_HS256_SECRET = "auth_hs256_secret", Some("");
        AUTH_PUBLIC_KEY = "auth_public_key", Some("");
        AUTH_JWKS = "auth_jwks", Some("");
        AUTH_ISSUER = "auth_issuer", Some("");
        AUTH_AUDIENCE = "auth_audience", Some("");
        AUTH_MODERATOR_CLAIM = "auth_moderator_claim", Some("moderator");
        AUTH_MODERATOR_VALUES = "auth_moderator_values", Some("");
        SIGNING_ENGINE = "signing_engine", Some("jwt-simple");
    }
}

/// What a caller reads when one of the three credentials is missing: the Worker's words, because front ends may show them.
pub const MISSING_MESSAGE: &str =
    "Missing required environment variables: JAAS_APP_ID, JAAS_KEY_ID, or JAAS_PRIVATE_KEY";

/// What continues `signing_engine` where jwt-simple takes the key and `rs256` does not.
const RS256_KEYS: &str = "is rs256, which takes keys of 2048, 3072 or 4096 bits with two primes of half that length each, and jaas_private_key is another; set it to jwt-simple, or make a new pair with `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:4096 -out key.pem`.";

/// Every App ID starts with this.
const APP_ID_PREFIX: &str = "vpaas-magic-cookie-";

/// One thing that is wrong with the configuration: the variable, and a sentence that repairs it.
///
/// The sentence never holds a part of the variable's value. Serialised, it is one entry of the list `problems` in the
/// health check's answer and in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    variable: &'static str,
    #[serde(skip)]
    missing: bool,
    message: String,
}

impl Problem {
    /// A credential is not set, or set to nothing.
    #[must_use]
    pub fn missing(variable: Variable) -> Self {
        Self {
            variable: variable.name,
            missing: true,
            message: format!(
                "is not set; give it to Spin, for example as SPIN_VARIABLE_{}.",
                variable.name.to_ascii_uppercase()
            ),
        }
    }

    /// A variable holds something that cannot be used. `message` continues a sentence that starts with its name.
    #[must_use]
    pub fn invalid(variable: Variable, message: impl Into<String>) -> Self {
        Self {
            variable: variable.name,
            missing: false,
            message: message.into(),
        }
    }

    /// The variable's name.
    #[must_use]
    pub fn variable(&self) -> &'static str {
        self.variable
    }

    /// The rest of the sentence that starts with the variable's name.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether the variable is missing rather than wrong.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.missing
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
    /// What is taken for what a request leaves out.
    pub defaults: Defaults,
    /// When a token is valid.
    pub validity: Validity,
    /// What a moderator may do.
    pub moderator_features: FeatureSet,
    /// What everybody else may do.
    pub member_features: FeatureSet,
    /// The rooms that are open; `None`: all.
    pub allowed_rooms: Option<RoomList>,
    /// How callers are verified; `None`: they are not.
    pub authentication: Option<Authentication>,
    app_id: Option<String>,
    /// The `kid` header: App ID, slash, key id.
    key_id: Option<String>,
    private_key: Option<PrivateKeyText>,
    /// What computes signatures; `None`: the variable is a problem.
    engine: Option<Engine>,
    problems: Vec<Problem>,
}

/// What is taken for what a request leaves out; `None` leaves the field out of the token as well, and for the room,
/// which every token has, makes the parameter required.
#[derive(Debug)]
pub struct Defaults {
    /// The room.
    pub room: Option<RoomName>,
    /// The person's id.
    pub user_id: Option<DefaultId>,
    /// The person's display name.
    pub user_name: Option<PersonalText>,
    /// The person's e-mail address.
    pub user_email: Option<Email>,
    /// Whether the person moderates.
    pub moderator: Option<bool>,
}

/// An id for a person who has none: a text in which `{random}` stands for 128 random bits.
#[derive(Debug)]
pub struct DefaultId(String);

impl DefaultId {
    const RANDOM: &str = "{random}";

    fn parse(text: &str) -> Result<Self, TextError> {
        let id = Self(text.to_owned());
        PersonalText::parse(&id.fill(&[0; 16]))?;
        Ok(id)
    }

    fn fill(&self, random: &[u8; 16]) -> String {
        let digits = format!("{:032x}", u128::from_be_bytes(*random));
        self.0.replace(Self::RANDOM, &digits)
    }

    /// Makes an id; asks for random bits only where the text has a place for them.
    pub fn make(&self, random: &mut dyn FnMut() -> [u8; 16]) -> PersonalText {
        let id = if self.0.contains(Self::RANDOM) {
            self.fill(&random())
        } else {
            self.0.clone()
        };
        // Checked with 32 digits in each place when the configuration was read.
        PersonalText::parse(&id).unwrap_or_default()
    }
}

/// Reads variables, and collects what is wrong with them.
struct Reader<G> {
    get: G,
    problems: Vec<Problem>,
}

/// The text without white space around it, in the same memory: a copy of the private key would not be wiped.
fn trimmed(mut text: String) -> String {
    text.truncate(text.trim_end().len());
    let leading = text.len() - text.trim_start().len();
    text.drain(..leading);
    text
}

impl<G: FnMut(&str) -> Result<Option<String>, VariableUnavailable>> Reader<G> {
    /// The value, without white space around it. `None` only where it could not be had; that is a problem already.
    fn text(&mut self, variable: Variable) -> Option<String> {
        match (self.get)(variable.name) {
            Ok(Some(value)) => Some(trimmed(value)),
            Ok(None) => Some(variable.default.unwrap_or_default().to_owned()),
            Err(VariableUnavailable) => {
                self.problems.push(Problem::invalid(
                    variable,
                    "could not be read from its provider; see Spin's log and the variables_provider in runtime-config.toml.",
                ));
                None
            }
        }
    }

    /// Puts what is wrong to the problems and gives on what is right.
    fn keep<T>(&mut self, parsed: Result<T, Problem>) -> Option<T> {
        parsed.map_err(|problem| self.problems.push(problem)).ok()
    }

    /// The value as `parse` reads it; its error continues a sentence that starts with the variable's name.
    fn parsed<T, E: fmt::Display>(
        &mut self,
        variable: Variable,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(variable)?;
        self.keep(parse(&text).map_err(|e| Problem::invalid(variable, e.to_string())))
    }

    /// As [`Reader::parsed`], for a variable that may be empty: then the field is left out.
    fn optional<T, E: fmt::Display>(
        &mut self,
        variable: Variable,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(variable).filter(|text| !text.is_empty())?;
        self.keep(parse(&text).map_err(|e| Problem::invalid(variable, format!("{e}."))))
    }

    /// A switch. Where it cannot be read, `otherwise` holds: the stricter of its two meanings.
    fn switch(&mut self, variable: Variable, otherwise: bool) -> bool {
        self.parsed(variable, |text| {
            parse_bool(text).ok_or("is neither true nor false; set it to one of them.")
        })
        .unwrap_or(otherwise)
    }

    fn seconds(&mut self, variable: Variable, least: u64, most: u64) -> u64 {
        self.parsed(variable, |text| {
            text.parse()
                .ok()
                .filter(|seconds| (least..=most).contains(seconds))
                .ok_or_else(|| {
                    format!("is not a whole number of seconds from {least} to {most}; set it to one, without unit.")
                })
        })
        .unwrap_or(least)
    }

    fn features(&mut self, variable: Variable) -> FeatureSet {
        self.parsed(variable, |text| {
            let features: Result<FeatureSet, String> = split_list(text)
                .zip(1..)
                .map(|(key, place)| {
                    Feature::from_key(key).ok_or_else(|| {
                        format!(
                            "entry {place} is not a feature that Jitsi knows; the nearest is {}.",
                            Feature::nearest(key)
                        )
                    })
                })
                .collect();
            features
        })
        .unwrap_or_default()
    }

    /// The variables of callers who prove who they are. They are read only where the mode asks for them.
    fn authentication(&mut self) -> Option<Authentication> {
        let required = self.parsed(variable::AUTH_MODE, |text| match text {
            "none" => Ok(None),
            "optional" => Ok(Some(false)),
            "required" => Ok(Some(true)),
            _ => Err("is none of none, optional and required; set it to one of them."),
        })??;
        let mut keys = Vec::new();
        let mut unread = false;
        type Parse = fn(&str) -> Result<VerificationKey, &'static str>;
        for (variable, parse) in [
            (
                variable::AUTH_HS256_SECRET,
                VerificationKey::from_secret as Parse,
            ),
            (variable::AUTH_PUBLIC_KEY, VerificationKey::from_pem),
            (variable::AUTH_JWKS, VerificationKey::from_jwks),
        ] {
            match self.text(variable) {
                Some(text) if text.is_empty() => {}
                Some(text) => keys.push((
                    variable,
                    self.keep(parse(&text).map_err(|e| Problem::invalid(variable, e))),
                )),
                None => unread = true,
            }
        }
        if keys.is_empty() && !unread {
            self.problems.push(Problem::invalid(
                variable::AUTH_MODE,
                "asks for credentials, and nothing is there to verify them; set one of auth_hs256_secret, auth_public_key and auth_jwks.",
            ));
        }
        for (variable, _) in keys.iter().skip(1) {
            self.problems.push(Problem::invalid(
                *variable,
                format!(
                    "is set and {} is too; keep the one that your login signs with and empty the other.",
                    keys[0].0.name
                ),
            ));
        }
        let mut text = |variable| {
            self.parsed(variable, |text| match text {
                "" => Err("is empty, and auth_mode asks for credentials; set it to the value that your login writes."),
                text => Ok(text.to_owned()),
            })
        };
        let issuer = text(variable::AUTH_ISSUER);
        let audience = text(variable::AUTH_AUDIENCE);
        let moderator_claim = text(variable::AUTH_MODERATOR_CLAIM);
        let moderator_values = self.text(variable::AUTH_MODERATOR_VALUES);
        let (_, key) = keys.into_iter().next()?;
        Some(Authentication {
            required,
            key: key?,
            issuer: issuer?,
            audience: audience?,
            moderator_claim: moderator_claim?.split('.').map(str::to_owned).collect(),
            moderator_values: split_names(&moderator_values?).map(str::to_owned).collect(),
        })
    }
}

impl Config {
    /// Reads the configuration. `get` gives a variable's value, `None` where the manifest does not declare it; then its
    /// default holds.
    ///
    /// The private key is kept as text: it is parsed by [`Config::signer`], so that a refused request never pays for it.
    pub fn read(get: impl FnMut(&str) -> Result<Option<String>, VariableUnavailable>) -> Self {
        let mut reader = Reader {
            get,
            problems: Vec::new(),
        };
        let app_id = reader.text(variable::APP_ID);
        let app_id = app_id.and_then(|text| reader.keep(parse_app_id(&text)));
        let key_id = reader.text(variable::KEY_ID);
        let key_id = key_id.and_then(|text| reader.keep(parse_key_id(&text, app_id.as_deref())));
        let private_key = reader.text(variable::PRIVATE_KEY).and_then(|text| {
            reader.keep(match text.is_empty() {
                true => Err(Problem::missing(variable::PRIVATE_KEY)),
                false => Ok(PrivateKeyText::new(text)),
            })
        });

        let origins = reader.text(variable::ALLOWED_ORIGINS).unwrap_or_default();
        let (allowed_origins, errors) = AllowedOrigins::parse(&origins);
        reader.problems.extend(
            errors
                .iter()
                .map(|e| Problem::invalid(variable::ALLOWED_ORIGINS, format!("{e}."))),
        );
        let disclose_origins = reader.switch(variable::DISCLOSE_ORIGINS, false);
        let require_origin = reader.switch(variable::REQUIRE_ORIGIN, true);

        let defaults = Defaults {
            room: reader.optional(variable::DEFAULT_ROOM, RoomName::parse),
            user_id: reader.optional(variable::DEFAULT_USER_ID, DefaultId::parse),
            user_name: reader.optional(variable::DEFAULT_USER_NAME, PersonalText::parse),
            user_email: reader.optional(variable::DEFAULT_USER_EMAIL, Email::parse),
            moderator: reader.optional(variable::DEFAULT_MODERATOR, |text| {
                parse_bool(text).ok_or("must be true or false")
            }),
        };
        let validity = Validity {
            ttl_seconds: reader.seconds(variable::TOKEN_TTL_SECONDS, 60, 86_400),
            leeway_seconds: reader.seconds(variable::TOKEN_LEEWAY_SECONDS, 0, 300),
        };
        let moderator_features = reader.features(variable::MODERATOR_FEATURES);
        let member_features = reader.features(variable::MEMBER_FEATURES);
        let allowed_rooms = reader
            .parsed(variable::ALLOWED_ROOMS, |text| {
                RoomList::parse(text).map_err(|(place, e)| {
                    format!("entry {place} {e}; write names separated by commas, with * for any text in a name.")
                })
            })
            .flatten();
        let authentication = reader.authentication();
        let engine = reader.parsed(variable::SIGNING_ENGINE, |text| {
            Engine::from_name(text).ok_or("is neither jwt-simple nor rs256; set it to one of them.")
        });

        Self {
            allowed_origins,
            disclose_origins,
            require_origin,
            defaults,
            validity,
            moderator_features,
            member_features,
            allowed_rooms,
            authentication,
            app_id,
            key_id,
            private_key,
            engine,
            problems: reader.problems,
        }
    }

    /// Whether something is wrong with this variable.
    #[must_use]
    pub fn is_wrong(&self, variable: Variable) -> bool {
        self.problems.iter().any(|p| p.variable == variable.name)
    }

    /// Checks everything but the private key, which only [`Config::signer`] parses.
    ///
    /// # Errors
    /// All problems of the configuration, those of the key among them.
    pub fn check(&self) -> Result<(), Vec<Problem>> {
        if self.problems.is_empty() {
            return Ok(());
        }
        self.signer().map(|_| ())
    }

    /// What signs the tokens. Parses the private key: about 0.2 ms at 2048 bits in Wasm.
    ///
    /// # Errors
    /// All problems of the configuration, those of the key among them.
    pub fn signer(&self) -> Result<Signer, Vec<Problem>> {
        let mut problems = self.problems.clone();
        let app_id = self.app_id.clone().unwrap_or_default();
        let key_id = self.key_id.as_deref().unwrap_or_default();
        let signer = self.private_key.as_ref().map(|key| match self.engine {
            Some(Engine::Rs256) => match key.parse_for_rs256()? {
                Some(key) => Ok(Some(Signer::rs256(app_id, key_id, key))),
                None => {
                    problems.push(Problem::invalid(variable::SIGNING_ENGINE, RS256_KEYS));
                    Ok(None)
                }
            },
            Some(Engine::JwtSimple) | None => {
                Ok(Some(Signer::jwt_simple(app_id, key_id, key.parse()?)))
            }
        });
        let signer = signer
            .unwrap_or(Ok(None))
            .unwrap_or_else(|error: KeyError| {
                problems.push(Problem::invalid(variable::PRIVATE_KEY, error.to_string()));
                None
            });
        // Where a name is missing there is a problem.
        signer.filter(|_| problems.is_empty()).ok_or(problems)
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
    fn values_are_trimmed_where_they_lie() {
        for (text, expected) in [
            ("", ""),
            (" \r\n ", ""),
            ("key", "key"),
            ("\n\u{3000} a key \t", "a key"),
        ] {
            let text = text.to_owned();
            let memory = text.as_ptr();
            let trimmed = super::trimmed(text);
            assert_eq!(trimmed, expected);
            assert_eq!(trimmed.as_ptr(), memory, "{expected:?} is a copy");
        }
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
            ("token_ttl_seconds", "59"),
            ("token_leeway_seconds", "301"),
            ("moderator_features", "recordings"),
            ("member_features", "lobby, Recording"),
            ("allowed_rooms", "a, b/c"),
            ("auth_mode", "sometimes"),
            ("signing_engine", "openssl"),
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
                "token_ttl_seconds",
                "token_leeway_seconds",
                "moderator_features",
                "member_features",
                "allowed_rooms",
                "auth_mode",
                "signing_engine",
            ]
        );
        for problem in &problems {
            assert!(problem.ends_with('.'), "{problem}");
        }
        assert!(
            problems[12].contains("the nearest is recording."),
            "{}",
            problems[12]
        );
        assert!(problems[13].contains("entry 2 "), "{}", problems[13]);
        assert!(problems[14].contains("entry 2 "), "{}", problems[14]);
    }

    #[test]
    fn times_have_their_limits() {
        for (variable, text, good) in [
            ("token_ttl_seconds", "60", true),
            ("token_ttl_seconds", " 86400 ", true),
            ("token_ttl_seconds", "86401", false),
            ("token_ttl_seconds", "", false),
            ("token_ttl_seconds", "3600s", false),
            ("token_ttl_seconds", "-60", false),
            ("token_ttl_seconds", "1e3", false),
            ("token_ttl_seconds", "99999999999999999999", false),
            ("token_leeway_seconds", "0", true),
            ("token_leeway_seconds", "300", true),
        ] {
            let problems = problems_with(&[(variable, text)]);
            assert_eq!(problems.len() == 3, good, "{variable} {text}: {problems:?}");
        }
    }

    #[test]
    fn each_variable_has_its_default_when_the_host_does_not_know_it() {
        let declared: Vec<_> = variable::ALL
            .iter()
            .filter_map(|v| Some((v.name, v.default?)))
            .collect();
        let (implicit, explicit) = (config_with(&[]), config_with(&declared));
        assert_eq!(format!("{implicit:?}"), format!("{explicit:?}"));
        assert_eq!(
            implicit.problems.len(),
            3,
            "only the credentials are missing"
        );
    }

    #[test]
    fn the_defaults_are_those_of_the_worker() {
        let config = config_with(&[]);
        assert_eq!(config.allowed_origins.to_vec().len(), 7);
        assert!(config.disclose_origins);
        assert!(!config.require_origin);
        assert!(config.authentication.is_none() && config.allowed_rooms.is_none());
        let Defaults {
            room,
            user_id,
            user_name,
            user_email,
            moderator,
        } = config.defaults;
        assert_eq!(room.unwrap().into_string(), "default-room");
        assert_eq!(
            user_id.unwrap().make(&mut || panic!()).into_string(),
            "user123"
        );
        assert_eq!(user_name.unwrap().into_string(), "Your User");
        assert_eq!(user_email.unwrap().into_string(), "user@example.com");
        assert_eq!(moderator, Some(true));
    }

    #[test]
    fn a_default_id_can_be_made_up() {
        let id = |text: &str| config_with(&[("default_user_id", text)]).defaults.user_id;
        let mut random = || [0xab; 16];
        for (text, expected) in [
            ("guest-{random}", format!("guest-{}", "ab".repeat(16))),
            ("{random}", "ab".repeat(16)),
            ("{Random}", "{Random}".to_owned()),
        ] {
            assert_eq!(id(text).unwrap().make(&mut random).into_string(), expected);
        }
        assert!(id(&format!("{}{{random}}", "a".repeat(224))).is_some());
        assert!(id(&format!("{}{{random}}", "a".repeat(225))).is_none());
        assert!(id(&"{random}".repeat(9)).is_none());
    }

    #[test]
    fn authentication_needs_exactly_one_key_and_an_issuer_and_an_audience() {
        let secret = ("auth_hs256_secret", "0123456789abcdef0123456789abcdef");
        let issuer = ("auth_issuer", "https://login.example");
        let audience = ("auth_audience", "jaas");
        let jwks = ("auth_jwks", r#"{"keys":[]}"#);
        for mode in ["optional", "required"] {
            let mode = ("auth_mode", mode);
            type Row<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str]);
            let table: [Row; 8] = [
                (&[mode, secret, issuer, audience], &[]),
                (
                    &[mode, issuer, audience],
                    &["auth_mode asks for credentials"],
                ),
                (
                    &[mode, secret],
                    &["auth_issuer is empty", "auth_audience is empty"],
                ),
                (
                    &[mode, secret, issuer, audience, ("auth_moderator_claim", "")],
                    &["auth_moderator_claim is empty"],
                ),
                (
                    &[mode, issuer, audience, ("auth_hs256_secret", "short")],
                    &["auth_hs256_secret is shorter than 32 bytes"],
                ),
                (
                    &[mode, secret, jwks, issuer, audience],
                    &[
                        "auth_jwks has no public key",
                        "auth_jwks is set and auth_hs256_secret is too",
                    ],
                ),
                (
                    &[mode, issuer, audience, ("auth_public_key", "nonsense")],
                    &["auth_public_key is not PEM"],
                ),
                (
                    &[mode, issuer, audience, ("auth_jwks", "nonsense")],
                    &["auth_jwks is not a JWKS document"],
                ),
            ];
            for (variables, parts) in table {
                let config = config_with(variables);
                let problems: Vec<_> = config
                    .problems
                    .iter()
                    .filter(|p| !p.is_missing())
                    .map(Problem::to_string)
                    .collect();
                assert_eq!(problems.len(), parts.len(), "{problems:?}");
                for (problem, part) in problems.iter().zip(parts) {
                    assert!(problem.starts_with(part), "{problem}");
                }
                assert_eq!(
                    config.authentication.is_some(),
                    parts.is_empty() || parts[0].ends_with("public key"),
                    "{variables:?}"
                );
            }
        }
        // Where nobody is asked, nothing of it is looked at.
        assert_eq!(problems_with(&[("auth_jwks", "nonsense")]).len(), 3);
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
        assert_eq!(config.problems.len(), 18);
        assert!(config.require_origin && !config.disclose_origins);
        assert!(config.is_wrong(variable::ALLOWED_ORIGINS));
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
            "token_ttl_seconds",
            "moderator_features",
            "auth_mode",
        ];
        let variables: Vec<_> = names.iter().map(|name| (*name, secret)).collect();
        let key = [("jaas_private_key", secret)];
        let config = config_with(&[variables, key.to_vec()].concat());
        let told = format!("{:?}", config.signer());
        assert!(!told.contains("S3cret"), "{told}");
    }
}

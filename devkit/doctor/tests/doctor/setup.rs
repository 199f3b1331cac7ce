//! A faultless configuration, and methods to change it.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use devkit_doctor::credential::Credential;
use devkit_doctor::examine;
use devkit_doctor::facts::{EnvFile, Facts, FileFacts, Git};
use devkit_doctor::report::Report;
use devkit_doctor::service::{FetchError, FetchLimits, Fetched, Network};
use devkit_spin_app::settings::{Providers, Settings, variables};

/// The current time of the tests, in seconds since the Unix epoch: in January 2027.
pub const NOW: u64 = 1_800_000_000;

pub const APP_ID: &str = "vpaas-magic-cookie-9b2de41c05f64a7c8e13f0a7d25c6b84";

/// Returns the project's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Returns the output of `openssl`, which these tests need.
pub fn openssl(arguments: &[&str]) -> String {
    testkit::key_material::openssl(arguments, "")
}

pub fn rsa(bits: &str) -> String {
    let option = format!("rsa_keygen_bits:{bits}");
    openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", &option])
}

/// Returns a key as 8x8's instructions make it, generated for this run.
pub fn key() -> &'static str {
    static KEY: OnceLock<String> = OnceLock::new();
    KEY.get_or_init(|| rsa("4096"))
}

/// Returns a shorter key.
pub fn short_key() -> &'static str {
    static KEY: OnceLock<String> = OnceLock::new();
    KEY.get_or_init(|| rsa("2048"))
}

/// Returns the variables of a configuration that is fit for production.
pub fn faultless() -> Vec<(String, String)> {
    [
        ("JAAS_APP_ID", APP_ID),
        ("JAAS_KEY_ID", &format!("{APP_ID}/7d1e02")),
        ("JAAS_PRIVATE_KEY", key()),
        ("ALLOWED_ORIGINS", "https://talk.vtaiwan.tw"),
        ("REQUIRE_ORIGIN", "true"),
        ("DISCLOSE_ORIGINS", "false"),
        ("DEFAULT_ROOM", "vtaiwan"),
        ("ALLOWED_ROOMS", "vtaiwan, meetup-*"),
        ("MODERATOR_FEATURES", "livestreaming"),
        ("AUTH_MODE", "required"),
        (
            "AUTH_HS256_SECRET",
            "tTq0dGm3b9yKfX1cVwZr7uLsN5eJ2hQp8aRoU4iB",
        ),
        ("AUTH_ISSUER", "https://login.vtaiwan.tw"),
        ("AUTH_AUDIENCE", "jaas-jwt"),
        ("SIGNING_ENGINE", "rs256"),
    ]
    .map(|(name, value)| (format!("SPIN_VARIABLE_{name}"), value.to_owned()))
    .into()
}

/// No network.
struct Offline;

impl Network for Offline {
    fn get(&self, _: &str, _: FetchLimits) -> Result<Fetched, FetchError> {
        Err(FetchError::Failed)
    }
}

/// The doctor's input.
pub struct Setup {
    pub environment: Vec<(String, String)>,
    pub env_file: Vec<(String, String)>,
    pub runtime_config: String,
    pub files: Vec<FileFacts>,
    pub throw_away_key: Option<String>,
    pub unread: Option<String>,
    pub production: bool,
}

impl Setup {
    /// Returns a configuration without findings.
    pub fn faultless() -> Self {
        Self {
            environment: faultless(),
            env_file: Vec::new(),
            runtime_config: String::new(),
            files: Vec::new(),
            throw_away_key: None,
            unread: None,
            production: false,
        }
    }

    /// Sets a variable.
    pub fn set(mut self, variable: &str, value: &str) -> Self {
        let name = format!("SPIN_VARIABLE_{}", variable.to_uppercase());
        self.environment.retain(|(other, _)| *other != name);
        self.environment.push((name, value.to_owned()));
        self
    }

    /// Removes a variable.
    pub fn without(mut self, variable: &str) -> Self {
        let name = format!("SPIN_VARIABLE_{}", variable.to_uppercase());
        self.environment.retain(|(other, _)| *other != name);
        self
    }

    /// Adds an environment variable.
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds an entry to the env file.
    pub fn entry(mut self, name: &str, value: &str) -> Self {
        self.env_file.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a file.
    pub fn file(mut self, change: impl FnOnce(&mut FileFacts)) -> Self {
        let mut file = FileFacts {
            path: ".dev.vars".to_owned(),
            secret: "a private key",
            shared: false,
            open: false,
            git: Git::Away,
        };
        change(&mut file);
        self.files.push(file);
        self
    }

    /// Requires the production profile.
    pub fn production(mut self) -> Self {
        self.production = true;
        self
    }

    /// Applies any other change.
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub fn facts(&self) -> Facts {
        let manifest = std::fs::read_to_string(root().join("spin.toml")).expect("spin.toml");
        let variables = variables(&manifest).expect("TOML");
        let providers = Providers::parse(&self.runtime_config).expect("TOML");
        let of = |name: &str| {
            let found = self.environment.iter().find(|(other, _)| other == name);
            Ok(found.map(|(_, value)| value.clone()))
        };
        Facts {
            settings: Settings::gather(&variables, providers, of, &self.env_file).expect("text"),
            variables,
            environment: self.environment.clone(),
            env_file: (!self.env_file.is_empty())
                .then(|| EnvFile::new(".dev.vars".to_owned(), &self.env_text())),
            files: self.files.clone(),
            throw_away_key: self.throw_away_key.clone(),
            unread: self.unread.clone(),
            broken: Vec::new(),
        }
    }

    fn env_text(&self) -> String {
        let entries = self.env_file.iter();
        entries
            .map(|(name, value)| format!("{name}=\"{value}\"\n"))
            .collect()
    }

    pub fn report(&self) -> Report {
        examine(&self.facts(), self.production, None, NOW)
    }

    /// Returns the report, including a caller's credential.
    pub fn report_on(&self, credential: &str) -> Report {
        let credential = Credential {
            text: credential,
            network: &Offline,
            issuer: None,
        };
        examine(&self.facts(), self.production, Some(&credential), NOW)
    }
}

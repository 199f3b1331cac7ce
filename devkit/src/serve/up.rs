//! Serves the component: builds it, gathers the configuration, and starts and stops a host.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Result, ensure};
use clap::Args;
use devkit_spin_app::settings::{
    self, KeySource, Providers, Settings, Source, Variable, redact_name,
};
use devkit_spin_app::{dot_env, env_file, environment_name, file};

use crate::build::artifact::Variant;
use crate::build::{component, program};
use crate::compiler::Compiler;
use crate::os::project::{Project, shown};
use crate::os::report;
use crate::serve::example;
use crate::serve::health::{self, Health};
use crate::serve::host::{Host, Server, free_address, listen_address, reachable, wait_for};
use crate::serve::key;

/// The ports of common development servers: Next.js, Vite's preview, Vite, Python and Django, Vue's CLI.
const DEVELOPMENT_PORTS: [u16; 5] = [3000, 4173, 5173, 8000, 8080];

/// What to serve, and where.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Port, or address and port, of the service; port 0 takes a free one
    #[arg(long, value_name = "[IP:]PORT", default_value = "127.0.0.1:3000", value_parser = listen_address)]
    pub listen: SocketAddr,
    /// Host that serves the component
    #[arg(long, value_enum, default_value_t = Host::Auto)]
    pub host: Host,
    /// File with settings, such as the Worker's .dev.vars; the environment wins over it [default: none]
    #[arg(long, value_name = "FILE")]
    pub env_file: Option<PathBuf>,
    /// How the component is built
    #[command(flatten)]
    pub compiler: Compiler,
}

/// Serves until the user stops the command.
///
/// # Errors
/// Fails if the settings cannot be read, the address is in use, a build fails, or the host ends by itself. The normal end is
/// [`Interrupted`](crate::os::process::Interrupted), when the user stops the command.
pub fn up(project: &Project, options: &Options) -> Result<()> {
    let mut service = start(project, options, None)?;
    report::result(&service.introduction(&ready(&service.curl)))?;
    wait_for(&mut [&mut service.server], || None)
}

/// The running service.
pub(super) struct Service {
    pub(super) server: Server,
    /// The address at which this machine reaches the service.
    pub(super) address: SocketAddr,
    health: Health,
    curl: String,
    /// The throw-away key's file, if that key signs.
    throw_away: Option<PathBuf>,
}

impl Service {
    /// Returns `ready` if the service is, otherwise what keeps it from issuing tokens; then a note about a throw-away key.
    pub(super) fn introduction(&self, ready: &str) -> String {
        let text = match &self.health {
            Health::Ready => ready.to_owned(),
            Health::Problems(problems) => not_ready(problems),
            Health::Unexpected(line) => format!(
                "\nIt serves, but http://{}/healthz responds with {line:?}: its own messages are above.\nCtrl-C ends it.\n",
                self.address
            ),
        };
        let about_the_key = self.throw_away.as_deref().map(about_throw_away);
        text + &about_the_key.unwrap_or_default()
    }
}

/// Builds and starts everything, and returns when the service responds. `page` is the origin of a page to allow.
pub(super) fn start(project: &Project, options: &Options, page: Option<&str>) -> Result<Service> {
    let mut settings = gather(project, options.env_file.as_deref())?;
    tell(project, options.env_file.as_deref(), &settings);
    allow_development_servers(&mut settings);
    if let Some(origin) = page
        && !settings.allow_origin(origin)
    {
        report::step(&format!(
            "warning: runtime-config.toml sets allowed_origins without {origin}; add it there, or the page is rejected"
        ));
    }
    let variant = options.compiler.variant();
    let host = options.host.choose(variant)?;
    let address = free_address(options.listen, "--listen")?;
    component::build(project, variant)?;
    let throw_away = settings.key_source() == KeySource::Nobody;
    if throw_away {
        settings.use_throw_away_key(key::throw_away(project)?);
    }

    let program = host.program(project, program::DEV)?;
    let mut command = host.command(&program, &project.manifest(), address);
    if variant != Variant::Portable {
        command.arg("--component").arg(variant.artifact(project));
    }
    command
        .arg("--runtime-config-file")
        .arg(project.runtime_config())
        .current_dir(project.root())
        .envs(settings.environment());
    if page.is_some() {
        // The host prints the service's address, but the user needs only the link to the page.
        command.stdout(Stdio::null());
    }
    let mut server = Server::start(host.name(), &mut command)?;
    let address = reachable(address);
    let health = wait_for(&mut [&mut server], || health::of(address))?;
    let value = |name: &str| settings.value(name).unwrap_or_default();
    Ok(Service {
        server,
        address,
        health,
        curl: example::curl(&format!("http://{address}"), value),
        throw_away: throw_away.then(|| key::default_path(project)),
    })
}

pub fn gather(project: &Project, env_file: Option<&Path>) -> Result<Settings> {
    let manifest = project.manifest();
    let manifest = file::text(&manifest, shown(&manifest))?;
    let entries = match env_file {
        Some(path) => env_file::read(path)?,
        None => Vec::new(),
    };
    let variables = settings::variables(&manifest)?;
    let settings = Settings::gather(
        &variables,
        Providers::read(&project.runtime_config())?,
        settings::of_process,
        &entries,
    )?;
    check_plain_names(&variables, &settings, settings::of_process)?;
    let dot_env = dot_env::read(&project.root().join(dot_env::FILE))?;
    Ok(settings.with_dot_env(&dot_env))
}

/// Allows the pages of development servers, unless a source sets the allow list or an unread provider may set it.
fn allow_development_servers(settings: &mut Settings) {
    if !settings.given("allowed_origins").is_empty() || !settings.other_providers().is_empty() {
        return;
    }
    for port in DEVELOPMENT_PORTS {
        for host in ["localhost", "127.0.0.1"] {
            // No other source sets the list, so this cannot fail.
            let _ = settings.allow_origin(&format!("http://{host}:{port}"));
        }
    }
    let ports = DEVELOPMENT_PORTS.map(|port| port.to_string()).join(", ");
    report::step(&format!(
        "note: pages on localhost and 127.0.0.1 may call, too (ports {ports}); SPIN_VARIABLE_ALLOWED_ORIGINS chooses others"
    ));
}

/// Rejects variables that are set in the environment without their prefix, as env files may have them. Spin does not read
/// them, although the user may believe that they apply.
fn check_plain_names(
    variables: &[Variable],
    settings: &Settings,
    environment: impl Fn(&str) -> Result<Option<String>>,
) -> Result<()> {
    for Variable { name, .. } in variables {
        let plain = name.to_ascii_uppercase();
        let mut given = settings.given(name).iter();
        let counts = |source: &Source| matches!(source, Source::Provider | Source::Environment(_));
        ensure!(
            environment(&plain)?.is_none() || given.any(|(source, _)| counts(source)),
            "{plain} in the environment is not read: set {}, or put {plain} into a file and name that by --env-file",
            environment_name(name)
        );
    }
    Ok(())
}

/// Reports settings that are ignored or missing, a service that requires no login, and where to learn more.
fn tell(project: &Project, env_file: Option<&Path>, settings: &Settings) {
    // A file may contain any number of them; the doctor reports where each is.
    for name in settings.unknown().iter().take(20) {
        report::step(&format!(
            "warning: {} in the env file is no variable of spin.toml; it is left out",
            redact_name(name)
        ));
    }
    let dev_vars = project.root().join(".dev.vars");
    if env_file.is_none() && dev_vars.exists() {
        let path = shown(&dev_vars);
        report::step(&format!(
            "note: {path} is there and not read; --env-file {path} uses it"
        ));
    }
    if is_open(settings.given("auth_mode")) {
        report::step("warning: auth_mode is none: anyone can become a moderator");
    }
    if settings.key_source() != KeySource::Nobody && !settings.missing().is_empty() {
        report::step(&format!(
            "warning: not configured: {}; the host will not start",
            settings.missing().join(", ")
        ));
    }
    report::step(
        "note: `cargo dev doctor`, with the same --env-file, says what is wrong or weak in the configuration",
    );
}

/// Returns whether no login is required, which is the default.
fn is_open(auth_mode: &[(Source, String)]) -> bool {
    let mode = auth_mode.first().map_or("none", |(_, mode)| mode.trim());
    matches!(mode, "" | "none")
}

/// Returns the next steps once the service runs.
fn ready(curl: &str) -> String {
    let mut text = format!("\nReady. A token:\n\n    {curl}\n\n");
    if curl.contains("Authorization") {
        text.push_str("The credential is a JWT of your login: docs/auth.md makes one.\n");
    }
    if curl.contains("INVITATION") {
        text.push_str(
            "`cargo dev invite --room my-room`, with the same --env-file, makes an invitation: docs/guests.md.\n",
        );
    }
    text.push_str("Ctrl-C ends it.\n");
    text
}

fn not_ready(problems: &[String]) -> String {
    format!(
        "\nNot ready: it serves, and issues no token until this is repaired.\n\n    {}\n\nCtrl-C ends it.\n",
        problems.join("\n    ")
    )
}

/// Returns what to know while the throw-away key in this file signs.
fn about_throw_away(path: &Path) -> String {
    format!(
        "\nA throw-away key signs these tokens ({}): 8x8 will not accept them.\n\
         Set JAAS_APP_ID, JAAS_KEY_ID and JAAS_PRIVATE_KEY, or name a file with them by --env-file.\n",
        shown(path)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curl_line_is_ready_to_be_copied() {
        let curl = example::curl("http://127.0.0.1:3000", |_| "");
        let text = ready(&curl);
        assert!(
            text.contains("\n    curl 'http://127.0.0.1:3000/api/jitsi-token?room=my-room'\n"),
            "{text}"
        );
        assert!(!text.contains("docs/auth.md"), "{text}");
        let text = ready(&format!("{curl} -d INVITATION"));
        assert!(text.contains("cargo dev invite"), "{text}");
        let text = ready(&format!("{curl} -H 'Authorization: Bearer X'"));
        assert!(text.contains("docs/auth.md"), "{text}");
        assert!(about_throw_away(Path::new(".dev/key.pem")).contains("8x8 will not accept"));
    }

    #[test]
    fn a_service_with_problems_is_never_called_ready() {
        let text = not_ready(&["a is x.".into(), "b is y.".into()]);
        assert!(text.contains("\n    a is x.\n    b is y.\n"), "{text}");
        assert!(!text.contains("Ready"), "{text}");
    }

    fn variables() -> Vec<Variable> {
        let manifest = r#"
            [variables]
            jaas_app_id = { required = true }
            auth_mode = { default = "none" }
            allowed_origins = { default = "https://a.example" }
        "#;
        settings::variables(manifest).expect("the manifest is TOML")
    }

    fn gathered(environment: &[(&'static str, &str)], config: &str) -> Settings {
        let of = |name: &str| {
            let found = environment.iter().find(|(key, _)| *key == name);
            Ok(found.map(|(_, value)| (*value).to_owned()))
        };
        let providers = Providers::parse(config).expect("TOML");
        Settings::gather(&variables(), providers, of, &[]).expect("settings")
    }

    #[test]
    fn a_name_without_its_prefix_is_rejected_where_it_would_not_count() {
        let provider =
            "[[variables_provider]]\ntype = \"static\"\nvalues = { auth_mode = \"none\" }\n";
        for (environment, config, rejected) in [
            (&[][..], "", false),
            (&[("AUTH_MODE", "required")], "", true),
            (&[("ALLOWED_ORIGINS", "")], "", true),
            (&[("JAAS_APP_ID", "a")], "", false),
            (
                &[
                    ("AUTH_MODE", "required"),
                    ("SPIN_VARIABLE_AUTH_MODE", "required"),
                ],
                "",
                false,
            ),
            (&[("AUTH_MODE", "required")], provider, false),
            (&[("HOME", "/")], "", false),
        ] {
            let settings = gathered(environment, config);
            let of = |name: &str| {
                let found = environment.iter().find(|(key, _)| *key == name);
                Ok(found.map(|(_, value)| (*value).to_owned()))
            };
            let found = check_plain_names(&variables(), &settings, of);
            assert_eq!(found.is_err(), rejected, "{environment:?}");
            if let Err(error) = found {
                assert!(error.to_string().contains("set SPIN_VARIABLE_"), "{error}");
            }
        }
    }

    #[test]
    fn development_servers_are_added_to_the_defaults_and_to_nothing_else() {
        let mut settings = gathered(&[], "");
        allow_development_servers(&mut settings);
        let origins = settings.value("allowed_origins").expect("a list");
        for origin in [
            "https://a.example",
            "http://localhost:5173",
            "http://127.0.0.1:8000",
        ] {
            assert!(origins.split(' ').any(|entry| entry == origin), "{origins}");
        }
        let mut settings = gathered(
            &[("SPIN_VARIABLE_ALLOWED_ORIGINS", "https://b.example")],
            "",
        );
        allow_development_servers(&mut settings);
        assert_eq!(settings.value("allowed_origins"), Some("https://b.example"));
        let vault = "[[variables_provider]]\ntype = \"vault\"\n";
        let mut settings = gathered(&[], vault);
        allow_development_servers(&mut settings);
        assert_eq!(settings.value("allowed_origins"), Some("https://a.example"));
    }

    #[test]
    fn a_service_without_a_login_is_warned_of() {
        for (modes, open) in [
            (&[][..], true),
            (&["none"], true),
            (&[" none\n", "required"], true),
            (&["required", "none"], false),
            (&["optional"], false),
        ] {
            let given: Vec<_> = modes
                .iter()
                .map(|mode| (Source::Provider, (*mode).to_owned()))
                .collect();
            assert_eq!(is_open(&given), open, "{modes:?}");
        }
    }
}

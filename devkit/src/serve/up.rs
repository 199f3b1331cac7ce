//! Serves the component: builds it, gathers the configuration, starts a host, and ends it again.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result};
use devkit_spin_app::settings::{self, KeySource, Providers, Settings, Source, presented};
use devkit_spin_app::{dot_env, env_file};

use crate::build::artifact::Variant;
use crate::build::{component, toolchain};
use crate::os::project::{Project, shown};
use crate::os::report;
use crate::serve::host::{Host, Server, free_address, reachable, wait_until};
use crate::serve::key;

/// What to serve, and where.
#[derive(Debug, Clone)]
pub struct Options {
    /// The address; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The host.
    pub host: Host,
    /// A file with settings.
    pub env_file: Option<PathBuf>,
    /// The tool chain that builds the component.
    pub toolchain: toolchain::Choice,
    /// The component that is built and served.
    pub variant: Variant,
}

/// Serves until the user ends it.
///
/// # Errors
/// The settings cannot be read, the address is taken, a build fails, or the host ends by itself.
/// [`Interrupted`](crate::os::process::Interrupted) when the user ends it: that is its ordinary end.
pub fn up(project: &Project, options: &Options) -> Result<()> {
    let mut service = start(project, options, None)?;
    report::result(&format!(
        "{}{}",
        ready(service.address),
        service.about_the_key()
    ));
    wait_until(&mut [&mut service.server], || false)
}

/// The service, which listens.
pub(super) struct Service {
    /// What serves it.
    pub(super) server: Server,
    /// Where it is reached from this machine.
    pub(super) address: SocketAddr,
    /// The throw-away key's file if that key signs.
    throw_away: Option<PathBuf>,
}

impl Service {
    /// What to know about a throw-away key; empty where there is none.
    pub(super) fn about_the_key(&self) -> String {
        self.throw_away
            .as_deref()
            .map(about_throw_away)
            .unwrap_or_default()
    }
}

/// Builds everything and starts it; returns when it listens. `page` is the origin of a page that has to be allowed.
pub(super) fn start(project: &Project, options: &Options, page: Option<&str>) -> Result<Service> {
    let mut settings = gather(project, options.env_file.as_deref())?;
    tell(project, options.env_file.as_deref(), &settings);
    if let Some(origin) = page
        && !settings.allow_origin(origin)
    {
        report::step(&format!(
            "warning: runtime-config.toml sets allowed_origins without {origin}; add it there, or the page is rejected"
        ));
    }
    let host = options.host.choose(options.variant)?;
    let address = free_address(options.listen, "--listen")?;
    component::build(project, options.toolchain, options.variant)?;
    let throw_away = settings.key_source() == KeySource::Nobody;
    if throw_away {
        settings.use_throw_away_key(key::throw_away(project)?);
    }

    let mut command = host.command(&host.program(project)?, &project.manifest(), address);
    if options.variant != Variant::Portable {
        command
            .arg("--component")
            .arg(options.variant.artifact(project));
    }
    command
        .arg("--runtime-config-file")
        .arg(project.runtime_config())
        .current_dir(project.root())
        .envs(settings.environment());
    if page.is_some() {
        // The host says where the service is: the one link is the page's.
        command.stdout(Stdio::null());
    }
    Ok(Service {
        server: Server::start(host.name(), &mut command, address)?,
        address: reachable(address),
        throw_away: throw_away.then(|| key::default_path(project)),
    })
}

/// Reads every source of settings.
fn gather(project: &Project, env_file: Option<&Path>) -> Result<Settings> {
    let manifest = project.manifest();
    let manifest = fs::read_to_string(&manifest)
        .with_context(|| format!("{} cannot be read", shown(&manifest)))?;
    let entries = match env_file {
        Some(path) => env_file::read(path)?,
        None => Vec::new(),
    };
    let settings = Settings::gather(
        &settings::variables(&manifest)?,
        Providers::read(&project.runtime_config())?,
        settings::of_process,
        &entries,
    )?;
    let dot_env = dot_env::read(&project.root().join(dot_env::FILE))?;
    Ok(settings.with_dot_env(&dot_env))
}

/// Says what is odd about the settings.
fn tell(project: &Project, env_file: Option<&Path>, settings: &Settings) {
    for name in settings.unknown() {
        report::step(&format!(
            "warning: {} in the env file is no variable of spin.toml; it is left out",
            presented(name)
        ));
    }
    let dev_vars = project.root().join(".dev.vars");
    if env_file.is_none() && dev_vars.exists() {
        let path = shown(&dev_vars);
        report::step(&format!(
            "note: {path} is there and not read; --env-file {path} uses it"
        ));
    }
    match settings.key_source() {
        KeySource::Nobody => {
            report::step("note: no private key is configured; a throw-away key takes its place");
        }
        KeySource::Provider(kind) => {
            report::step(&format!("note: runtime-config.toml has a provider: {kind}"));
        }
        KeySource::Given => {}
    }
    if is_open(settings.given("auth_mode")) {
        report::step("warning: auth_mode is none: whoever asks may become moderator");
    }
    if settings.key_source() != KeySource::Nobody && !settings.missing().is_empty() {
        report::step(&format!(
            "warning: not configured: {}; the host will refuse to start",
            settings.missing().join(", ")
        ));
    }
}

/// Whether nobody has to log in: the default.
fn is_open(auth_mode: &[(Source, String)]) -> bool {
    let mode = auth_mode.first().map_or("none", |(_, mode)| mode.trim());
    matches!(mode, "" | "none")
}

/// What to do now that it listens.
fn ready(address: SocketAddr) -> String {
    let url = format!("http://{address}");
    format!(
        "\nReady. A token:\n\n    curl '{url}/api/jitsi-token?room=my-room'\n\n\
         What is wrong with the configuration, if anything: curl '{url}/healthz'\nCtrl-C ends it.\n"
    )
}

/// What to know while a throw-away key signs, which is in this file.
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
        let text = ready(reachable("0.0.0.0:3000".parse().expect("an address")));
        assert!(
            text.contains("\n    curl 'http://127.0.0.1:3000/api/jitsi-token?room=my-room'\n"),
            "{text}"
        );
        assert!(about_throw_away(Path::new(".dev/key.pem")).contains("8x8 will not accept"));
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

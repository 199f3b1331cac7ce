//! What is measured with: builds of the component, keys, and the variables that go with them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use devkit::build::artifact::{self, Variant};
use devkit::build::component;
use devkit::os::process::printed_by;
use devkit::os::programs::{self, OPENSSL, SPIN};
use devkit::os::project::Project;
use devkit::os::report;
use devkit::serve::host::Host;
use devkit_spin_app::environment_name;

/// The lengths of keys that are measured. What does not depend on the key is measured with the first one.
pub const BITS: [u16; 3] = [2048, 3072, 4096];

/// The signing engines: the ending of a server's name, and the value of the variable `signing_engine`.
pub const ENGINES: [(&str, &str); 2] = [("", "jwt-simple"), ("-rs256", "rs256")];

/// Made before anything is measured.
pub struct Setting {
    pub project: Project,
    /// The builds of the component: names and files.
    pub builds: Vec<(&'static str, PathBuf)>,
    /// A throw-away key for each of [`BITS`].
    keys: BTreeMap<u16, String>,
}

impl Setting {
    /// Builds the component and makes keys.
    ///
    /// # Errors
    /// One of them cannot be made.
    pub fn make(project: Project, host: Host) -> Result<Self> {
        let mut builds = Vec::new();
        for variant in [Variant::Portable, Variant::Wide, Variant::P3] {
            if let Some(reason) = left_out(variant, host) {
                report::step(reason);
                continue;
            }
            let built = component::build(&project, variant)?;
            if variant == Variant::Portable {
                builds.push(("plain", artifact::plain(&project)));
            }
            builds.push((title(variant), built));
        }
        report::step("Making throw-away keys …");
        Ok(Self {
            project,
            builds,
            keys: BITS
                .into_iter()
                .map(throw_away_key)
                .collect::<Result<_>>()?,
        })
    }

    /// The folder for what a run leaves.
    pub fn folder(&self) -> PathBuf {
        self.project.target_dir().join("bench")
    }

    /// The environment that configures a host or the peer: a key, names that go with it, and an engine.
    pub fn environment(&self, bits: u16, engine: &str) -> [(String, String); 4] {
        let app_id = format!("vpaas-magic-cookie-{}", "0".repeat(32));
        let values = [
            ("jaas_key_id", format!("{app_id}/000000")),
            ("jaas_app_id", app_id),
            ("jaas_private_key", self.keys[&bits].clone()),
            ("signing_engine", engine.to_owned()),
        ];
        values.map(|(name, value)| (environment_name(name), value))
    }
}

/// A new key of this length, in PEM.
fn throw_away_key(bits: u16) -> Result<(u16, String)> {
    let size = format!("rsa_keygen_bits:{bits}");
    let mut openssl = Command::new(programs::require(OPENSSL)?);
    openssl.args(["genpkey", "-algorithm", "RSA", "-pkeyopt", &size]);
    let pem = printed_by(&mut openssl).context("openssl makes no key")?;
    Ok((bits, pem))
}

/// What the tables call a build.
fn title(variant: Variant) -> &'static str {
    match variant {
        Variant::P3 => "portable (WASI 0.3)",
        other => other.name(),
    }
}

/// Why a build is not measured on a host.
fn left_out(variant: Variant, host: Host) -> Option<&'static str> {
    match (host, variant) {
        (Host::Spin, Variant::Wide) => {
            Some("The wide build is left out: no released Spin takes it.")
        }
        (Host::Spin, Variant::P3) => {
            let version = printed_by(Command::new(SPIN).arg("--version")).unwrap_or_default();
            (!has_wasi_3(&version))
                .then_some("The build for WASI 0.3 is left out: it needs Spin 4.1 or newer.")
        }
        _ => None,
    }
}

/// Whether Spin has WASI 0.3, by what it prints as its version.
fn has_wasi_3(version: &str) -> bool {
    let number = version.split_whitespace().nth(1).unwrap_or_default();
    let mut parts = number.split('.').map_while(|part| part.parse::<u32>().ok());
    (parts.next(), parts.next()) >= (Some(4), Some(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spin_has_wasi_3_since_4_1() {
        for (version, expected) in [
            ("spin 4.1.0 (9f1a2b3 2026-08-26)\n", true),
            ("spin 4.10.2", true),
            ("spin 5.0.0-pre0", true),
            ("spin 4.0.2 (9f1a2b3 2026-06-01)", false),
            ("spin 3.6.3", false),
            ("spin 4", false),
            ("", false),
        ] {
            assert_eq!(has_wasi_3(version), expected, "{version}");
        }
    }
}

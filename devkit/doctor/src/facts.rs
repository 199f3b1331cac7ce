//! What the doctor looks at, gathered from disk and environment as `cargo dev up` gathers it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use devkit::dev_key;
use devkit::project::{Project, shown};
use devkit::settings::{self, PREFIX, Providers, Settings, Variable};
use devkit::{dot_env, env_file};
use jaas_jwt::config::variable;

use crate::finding::{Finding, Kind, Subject};

/// The largest file that is looked into, in bytes.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// What is known before the examination. Holds secrets, and has therefore no `Debug`.
pub struct Facts {
    /// The variables of `spin.toml`.
    pub variables: Vec<Variable>,
    /// Their values.
    pub settings: Settings,
    /// The names of all environment variables.
    pub environment: Vec<String>,
    /// The env file, as a person would write its path.
    pub env_file: Option<String>,
    /// Files that hold secrets, and the env file.
    pub files: Vec<FileFacts>,
    /// The throw-away key's PEM, where it was made.
    pub throw_away_key: Option<String>,
    /// `.dev.vars`, where it is there and not read.
    pub unread: Option<String>,
    /// Files that cannot be understood: nothing that depends on them is examined.
    pub broken: Vec<Finding>,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    /// Its path, as a person would write it.
    pub path: String,
    /// What secret it holds, as a person calls it.
    pub secret: Option<&'static str>,
    /// It is a file of the project that others need, so that it cannot be taken out of Git.
    pub shared: bool,
    /// Group or others may read or write it.
    pub open: bool,
    /// Whether Git knows it or would add it.
    pub git: Git,
    /// It begins with a byte order mark.
    pub bom: bool,
    /// It has the line ends of Windows.
    pub crlf: bool,
}

/// What Git does with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Git {
    /// It is in the index.
    Tracked,
    /// `git add .` would take it.
    Addable,
    /// It is ignored, outside of any repository, or there is no Git.
    Away,
}

impl Facts {
    /// Reads everything.
    ///
    /// # Errors
    /// A file that was named, or that the project needs, cannot be read; an environment variable is not UTF-8 text.
    pub fn gather(project: &Project, env_file: Option<&Path>) -> Result<Self> {
        let variables = settings::variables(&read(&project.manifest())?)?;
        let runtime_config = project.runtime_config();
        let mut broken = Vec::new();
        let providers = Providers::parse(&read(&runtime_config)?).unwrap_or_else(|error| {
            broken.push(Finding::new(
                Kind::RuntimeConfigBroken,
                Subject::File(shown(&runtime_config)),
                format!("cannot be understood: {error}."),
                format!("${{EDITOR:-vi}} {}", word(&runtime_config)),
            ));
            Providers::default()
        });
        let entries = match env_file {
            None => Vec::new(),
            Some(path) => env_file::parse(&read(path)?).unwrap_or_else(|error| {
                broken.push(Finding::new(
                    Kind::EnvFileBroken,
                    Subject::File(shown(path)),
                    format!("cannot be read as an env file, {error}."),
                    format!("${{EDITOR:-vi}} +{} {}", error.line, word(path)),
                ));
                Vec::new()
            }),
        };
        let dev_vars = project.root().join(".dev.vars");
        let throw_away_key = fs::read_to_string(dev_key::default_path(project)).ok();
        let dot_env = project.root().join(dot_env::FILE);
        let dot_env = dot_env::read(&dot_env).unwrap_or_else(|error| {
            broken.push(Finding::new(
                Kind::EnvFileBroken,
                Subject::File(shown(&dot_env)),
                format!("cannot be read as Spin reads it: {error}."),
                format!("${{EDITOR:-vi}} {}", word(&dot_env)),
            ));
            Vec::new()
        });
        let settings = Settings::gather(&variables, providers, settings::of_process, &entries)?
            .with_dot_env(&dot_env);
        Ok(Self {
            variables,
            settings,
            environment: std::env::vars_os()
                .filter_map(|(name, _)| name.into_string().ok())
                .collect(),
            env_file: env_file.map(shown),
            files: files(project, env_file),
            throw_away_key,
            unread: (env_file.is_none() && dev_vars.is_file()).then(|| shown(&dev_vars)),
            broken,
        })
    }
}

fn read(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("{} cannot be read", shown(path)))?;
    // The error of the standard library would hold the bytes.
    String::from_utf8(bytes)
        .ok()
        .with_context(|| format!("{} is not UTF-8 text", shown(path)))
}

/// A path as a word of a shell.
fn word(path: &Path) -> String {
    dev_key::quoted(&shown(path))
}

/// The env file, and the files of the project that hold a secret.
fn files(project: &Project, env_file: Option<&Path>) -> Vec<FileFacts> {
    let root = project.root();
    let mut paths: Vec<PathBuf> = env_file.map(Path::to_path_buf).into_iter().collect();
    for name in [".dev.vars", ".env"] {
        paths.push(root.join(name));
    }
    for folder in [root.to_path_buf(), root.join(".dev")] {
        let mut keys: Vec<PathBuf> = fs::read_dir(folder)
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|e| e == "pem" || e == "key"))
            .collect();
        keys.sort();
        paths.extend(keys);
    }
    let shared = [project.runtime_config(), project.manifest()];
    paths.extend(shared.clone());

    let mut seen = Vec::new();
    let mut files = Vec::new();
    for path in paths {
        let Ok(canonical) = path.canonicalize() else {
            continue;
        };
        if seen.contains(&canonical) {
            continue;
        }
        seen.push(canonical);
        let is_env_file = env_file == Some(path.as_path());
        let facts = FileFacts::of(&path, shared.contains(&path));
        files.extend(facts.filter(|facts| is_env_file || facts.secret.is_some()));
    }
    files
}

impl FileFacts {
    /// `None` for what is no file, or too large to be one of ours.
    fn of(path: &Path, shared: bool) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        if !metadata.is_file() || metadata.len() > MAX_FILE_BYTES {
            return None;
        }
        let bytes = fs::read(path).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        Some(Self {
            path: shown(path),
            secret: secret_in(&text),
            shared,
            open: is_open(&metadata),
            git: git(path),
            bom: text.starts_with('\u{feff}'),
            crlf: text.contains("\r\n"),
        })
    }
}

/// What secret a text holds, whatever format it has.
fn secret_in(text: &str) -> Option<&'static str> {
    // In two parts, so that no search for keys finds this file.
    const KEY: &str = concat!("PRIVATE", " KEY-----");
    let lines = || text.lines().map(str::trim).filter(|l| !l.starts_with('#'));
    if lines().any(|line| line.contains("-----BEGIN ") && line.contains(KEY)) {
        return Some("a private key");
    }
    // `NAME=value` of an env file and `name = "value"` of TOML; a table in braces is a declaration.
    let sets = |wanted: &[&str]| {
        lines().any(|line| {
            let Some((name, value)) = line.split_once('=') else {
                return false;
            };
            let name = name.trim().trim_start_matches("export ").trim();
            let name = name.strip_prefix(PREFIX).unwrap_or(name).to_lowercase();
            let value = value.trim().trim_matches(['"', '\'']);
            wanted.contains(&name.as_str()) && !value.is_empty() && !value.starts_with('{')
        })
    };
    if sets(&[variable::PRIVATE_KEY.name]) {
        Some("a private key")
    } else if sets(&[variable::AUTH_HS256_SECRET.name]) {
        Some("the secret of your login")
    } else if sets(&["client_secret", "token"]) {
        Some("the credential of a provider")
    } else {
        None
    }
}

#[cfg(unix)]
fn is_open(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o066 != 0
}

/// Other systems have no such bits.
#[cfg(not(unix))]
fn is_open(_: &fs::Metadata) -> bool {
    false
}

fn git(path: &Path) -> Git {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Git::Away;
    };
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let succeeds = |arguments: &[&str]| {
        Command::new("git")
            .current_dir(folder)
            .args(arguments)
            .arg("--")
            .arg(name)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .ok()
            .map(|status| status.code())
    };
    if succeeds(&["ls-files", "--error-unmatch"]) == Some(Some(0)) {
        Git::Tracked
    } else if succeeds(&["check-ignore", "-q"]) == Some(Some(1)) {
        // 0: ignored; 128: no repository.
        Git::Addable
    } else {
        Git::Away
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_in_every_kind_of_file() {
        let pem = format!(
            "-----BEGIN RSA {}-----\nAAAA\n",
            ["PRIVATE", "KEY"].join(" ")
        );
        for (text, secret) in [
            (pem.clone(), Some("a private key")),
            (format!("JAAS_PRIVATE_KEY=\"{pem}\""), Some("a private key")),
            (
                "export SPIN_VARIABLE_JAAS_PRIVATE_KEY=LS0t".into(),
                Some("a private key"),
            ),
            ("jaas_private_key = \"LS0t\"".into(), Some("a private key")),
            (
                "AUTH_HS256_SECRET='x'".into(),
                Some("the secret of your login"),
            ),
            ("token = \"x\"".into(), Some("the credential of a provider")),
            (
                "client_secret = \"x\"".into(),
                Some("the credential of a provider"),
            ),
            (
                "jaas_private_key = { required = true, secret = true }".into(),
                None,
            ),
            (
                "auth_hs256_secret = { default = \"\", secret = true }".into(),
                None,
            ),
            ("jaas_private_key = \"{{ jaas_private_key }}\"".into(), None),
            ("# jaas_private_key = \"\"\"".into(), None),
            ("JAAS_PRIVATE_KEY=\n".into(), None),
            ("JAAS_APP_ID=a".into(), None),
            ("-----BEGIN PUBLIC KEY-----\nAAAA".into(), None),
        ] {
            assert_eq!(secret_in(&text), secret, "{text}");
        }
    }

    #[test]
    fn the_projects_own_files_hold_no_secret() {
        for text in [
            include_str!("../../../spin.toml"),
            include_str!("../../../runtime-config.toml"),
        ] {
            assert_eq!(secret_in(text), None);
        }
    }
}

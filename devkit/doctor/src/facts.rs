//! The doctor's input, gathered from disk and environment as `cargo dev up` does.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::process::{Command, Stdio};
use std::{fmt, fs};

use anyhow::Result;
use devkit::os::project::{Project, shown};
use devkit::serve::key;
use devkit_spin_app::settings::{self, Providers, Settings, Variable};
use devkit_spin_app::{dot_env, env_file, file};

use crate::finding::Hit;
use crate::scan;

/// The input of an examination. It contains secrets, so there is no `Debug`.
pub struct Facts {
    /// The variables of `spin.toml`.
    pub variables: Vec<Variable>,
    pub settings: Settings,
    pub environment: Vec<(String, String)>,
    pub env_file: Option<EnvFile>,
    /// Files that contain secrets.
    pub files: Vec<FileFacts>,
    /// The throw-away key's PEM, if it has been generated.
    pub throw_away_key: Option<String>,
    /// `.dev.vars`, if it exists but is not read.
    pub unread: Option<String>,
    /// Files that cannot be parsed, with the check that reports it. Nothing that depends on them is examined.
    pub broken: Vec<(&'static str, Hit)>,
}

pub struct EnvFile {
    /// The path in a form for messages.
    pub path: String,
    /// The line of each name, from 1. The last of two equal names counts.
    pub lines: HashMap<String, usize>,
}

impl EnvFile {
    pub fn new(path: String, text: &str) -> Self {
        let entries = env_file::numbered(text).unwrap_or_default().into_iter();
        Self {
            path,
            lines: entries.map(|(line, name, _)| (name, line)).collect(),
        }
    }
}

/// A file that contains a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    /// The path in a form for messages.
    pub path: String,
    /// The name of the secret in messages.
    pub secret: &'static str,
    /// Whether others need the file, so that it cannot be removed from Git.
    pub shared: bool,
    /// Whether the group or others may read or write the file.
    pub open: bool,
    /// Whether Git tracks the file or would add it.
    pub git: Git,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Git {
    /// The file is in the index.
    Tracked,
    /// `git add .` would add the file.
    Addable,
    /// The file is ignored or outside of any repository, or there is no Git.
    Away,
}

impl Facts {
    pub fn gather(project: &Project, env_file: Option<&Path>) -> Result<Self> {
        let variables = settings::variables(&read(&project.manifest())?)?;
        let mut broken = Vec::new();
        let path = project.runtime_config();
        let providers = Providers::parse(&read(&path)?);
        let providers = understood(providers, "runtime-config-broken", &path, &mut broken);
        let path = env_file.unwrap_or(Path::new(""));
        let text = env_file.map(read).transpose()?.unwrap_or_default();
        let entries = env_file::parse(&text);
        let entries = understood(entries, "env-file-broken", path, &mut broken);
        let path = project.root().join(dot_env::FILE);
        let dot_env = dot_env::read(&path);
        let dot_env = understood(dot_env, "env-file-broken", &path, &mut broken);
        let dev_vars = project.root().join(".dev.vars");
        Ok(Self {
            settings: Settings::gather(&variables, providers, settings::of_process, &entries)?
                .with_dot_env(&dot_env),
            variables,
            environment: std::env::vars_os()
                .filter_map(|(name, value)| {
                    let value = value.to_string_lossy().into_owned();
                    Some((name.into_string().ok()?, value))
                })
                .collect(),
            env_file: env_file.map(|path| EnvFile::new(shown(path), &text)),
            files: files(project, env_file),
            throw_away_key: read(&key::default_path(project)).ok(),
            unread: (env_file.is_none() && dev_vars.is_file()).then(|| shown(&dev_vars)),
            broken,
        })
    }

    /// Returns whether a variable's value differs from its default.
    pub fn is_changed(&self, variable: &str) -> bool {
        self.settings.value(variable).map(str::trim) != self.settings.default(variable)
    }

    /// Returns the position of a name in the env file, for messages.
    pub fn place_in_env_file(&self, name: &str) -> String {
        let line = self.env_file.as_ref().and_then(|file| file.lines.get(name));
        match line {
            Some(line) => format!("line {line} of {}", self.env_file_name()),
            None => self.env_file_name().to_owned(),
        }
    }

    /// Returns the name of the env file, for messages.
    pub fn env_file_name(&self) -> &str {
        let file = self.env_file.as_ref();
        file.map_or("the env file", |file| file.path.as_str())
    }
}

pub fn read(path: &Path) -> Result<String> {
    file::text(path, shown(path))
}

/// Returns the parsed content of a file. If it cannot be parsed, adds a hit and returns the default. No error contains text
/// of the file.
fn understood<T: Default, E: fmt::Display>(
    parsed: Result<T, E>,
    check: &'static str,
    path: &Path,
    broken: &mut Vec<(&'static str, Hit)>,
) -> T {
    parsed.unwrap_or_else(|error| {
        let path = shown(path);
        let edit = format!("${{EDITOR:-vi}} {}", key::quoted(&path));
        let hit = Hit::file(&path, format!("cannot be read: {error}.")).repair(edit);
        broken.push((check, hit));
        T::default()
    })
}

/// Returns the files that contain a secret: the env file, and those of the project.
fn files(project: &Project, env_file: Option<&Path>) -> Vec<FileFacts> {
    let root = project.root();
    let shared = [project.runtime_config(), project.manifest()];
    let mut paths = Vec::from_iter(env_file.map(Path::to_path_buf));
    paths.extend([".dev.vars", ".env"].map(|name| root.join(name)));
    paths.extend(scan::private_keys(root));
    paths.extend(shared.clone());
    let mut seen = HashSet::new();
    paths.retain(|path| path.canonicalize().is_ok_and(|path| seen.insert(path)));
    paths
        .iter()
        .filter_map(|path| FileFacts::of(path, shared.contains(path)))
        .collect()
}

impl FileFacts {
    /// Returns `None` for what is not a file, and for a file without a secret.
    fn of(path: &Path, shared: bool) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        if !metadata.is_file() {
            return None;
        }
        let text = fs::File::open(path).and_then(scan::beginning).ok()?;
        Some(Self {
            path: shown(path),
            secret: scan::secret_in(&text)?,
            shared,
            open: is_open(&metadata),
            git: git(path),
        })
    }
}

#[cfg(unix)]
fn is_open(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o066 != 0
}

#[cfg(not(unix))]
fn is_open(_: &fs::Metadata) -> bool {
    false
}

fn git(path: &Path) -> Git {
    let folder = path.parent().filter(|path| !path.as_os_str().is_empty());
    let output = Command::new("git")
        .current_dir(folder.unwrap_or(Path::new(".")))
        .args(["--literal-pathspecs", "status", "--porcelain"])
        .args(["--untracked-files=all", "--ignored", "--"])
        .args(path.file_name())
        .stdin(Stdio::null())
        .output();
    match output {
        Ok(output) if output.status.success() => match output.stdout.get(..2) {
            Some(b"??") => Git::Addable,
            Some(b"!!") => Git::Away,
            // In the index, whether or not it has changed since the last commit.
            _ => Git::Tracked,
        },
        _ => Git::Away,
    }
}

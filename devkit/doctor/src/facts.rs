//! What the doctor looks at, gathered from disk and environment as `cargo dev up` gathers it.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::process::{Command, Stdio};
use std::{fmt, fs};

use anyhow::{Result, anyhow};
use devkit::os::project::{Project, shown};
use devkit::serve::key;
use devkit_spin_app::settings::{self, Providers, Settings, Variable};
use devkit_spin_app::{dot_env, env_file, file};

use crate::finding::Hit;
use crate::scan;

/// What is known before the examination. Holds secrets, and has therefore no `Debug`.
pub struct Facts {
    /// The variables of `spin.toml`.
    pub variables: Vec<Variable>,
    pub settings: Settings,
    pub environment: Vec<(String, String)>,
    pub env_file: Option<EnvFile>,
    /// Files that hold secrets.
    pub files: Vec<FileFacts>,
    /// The throw-away key's PEM, where it was made.
    pub throw_away_key: Option<String>,
    /// `.dev.vars`, where it is there and not read.
    pub unread: Option<String>,
    /// Files that cannot be understood, by the check that says so: nothing that depends on them is examined.
    pub broken: Vec<(&'static str, Hit)>,
}

pub struct EnvFile {
    /// Its path, as a person would write it.
    pub path: String,
    /// The line of each name, from 1. Of two equal names the last one counts.
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

/// A file that holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    /// Its path, as a person would write it.
    pub path: String,
    /// The secret, as a person calls it.
    pub secret: &'static str,
    /// It is a file of the project that others need, so that it cannot be taken out of Git.
    pub shared: bool,
    /// Group or others may read or write it.
    pub open: bool,
    /// Whether Git knows it or would add it.
    pub git: Git,
}

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
            throw_away_key: file::text(&key::default_path(project)).ok(),
            unread: (env_file.is_none() && dev_vars.is_file()).then(|| shown(&dev_vars)),
            broken,
        })
    }

    /// Whether a variable has another value than its default.
    pub fn is_changed(&self, variable: &str) -> bool {
        self.settings.value(variable).map(str::trim) != self.settings.default(variable)
    }

    /// Where a name stands in the env file, for a message.
    pub fn place_in_env_file(&self, name: &str) -> String {
        let line = self.env_file.as_ref().and_then(|file| file.lines.get(name));
        match line {
            Some(line) => format!("line {line} of {}", self.env_file_name()),
            None => self.env_file_name().to_owned(),
        }
    }

    /// The env file, for a message.
    pub fn env_file_name(&self) -> &str {
        let file = self.env_file.as_ref();
        file.map_or("the env file", |file| file.path.as_str())
    }
}

pub fn read(path: &Path) -> Result<String> {
    file::text(path).map_err(|error| anyhow!("{} {error}", shown(path)))
}

/// What is in a file; nothing, and a hit, where that cannot be understood. No error here holds any text of the file.
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

/// The files that hold a secret: the env file, and those of the project.
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
    /// `None` for what is no file, and for a file without a secret.
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
            // In the index, changed since the last commit or not.
            _ => Git::Tracked,
        },
        _ => Git::Away,
    }
}

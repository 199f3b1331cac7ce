//! What the doctor looks at, gathered from disk and environment as `cargo dev up` gathers it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fmt, fs};

use anyhow::{Context, Result};
use devkit::os::project::{Project, shown};
use devkit::serve::key;
use devkit_spin_app::settings::{self, Providers, Settings, Variable};
use devkit_spin_app::{dot_env, env_file};

use crate::scan;

/// What is known before the examination. Holds secrets, and has therefore no `Debug`.
pub struct Facts {
    /// The variables of `spin.toml`.
    pub variables: Vec<Variable>,
    pub settings: Settings,
    pub environment: Vec<(String, String)>,
    pub env_file: Option<EnvFile>,
    /// Files that hold secrets, and the env file.
    pub files: Vec<FileFacts>,
    /// The throw-away key's PEM, where it was made.
    pub throw_away_key: Option<String>,
    /// `.dev.vars`, where it is there and not read.
    pub unread: Option<String>,
    /// Files that cannot be understood: nothing that depends on them is examined.
    pub broken: Vec<Broken>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvFile {
    /// Its path, as a person would write it.
    pub path: String,
    lines: BTreeMap<String, usize>,
}

impl EnvFile {
    /// Remembers on which lines the names stand. Of two equal names the last one counts.
    pub fn new(path: String, text: &str) -> Self {
        let lines = text.lines().zip(1..).filter_map(|(line, number)| {
            let (name, _) = line
                .trim_start_matches(['\u{feff}', ' ', '\t'])
                .split_once('=')?;
            let name = name.trim().trim_start_matches("export ").trim();
            Some((name.to_owned(), number))
        });
        Self {
            path,
            lines: lines.collect(),
        }
    }

    /// The line of an entry, from 1.
    pub fn line(&self, name: &str) -> Option<usize> {
        self.lines.get(name).copied()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    pub id: &'static str,
    /// Its path, as a person would write it.
    pub path: String,
    /// What is wrong with it, without any of its text.
    pub detail: String,
    pub repair: String,
}

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
        let runtime_config = project.runtime_config();
        let mut broken = Vec::new();
        let providers = Providers::parse(&read(&runtime_config)?).unwrap_or_else(|error| {
            broken.push(Broken::new(
                "runtime-config-broken",
                &runtime_config,
                "",
                &error,
            ));
            Providers::default()
        });
        let text = env_file.map(read).transpose()?.unwrap_or_default();
        let entries = env_file::parse(&text).unwrap_or_else(|error| {
            let (path, line) = (
                env_file.unwrap_or(Path::new("")),
                format!("+{} ", error.line),
            );
            broken.push(Broken::new("env-file-broken", path, &line, &error));
            Vec::new()
        });
        let dev_vars = project.root().join(".dev.vars");
        let throw_away_key = fs::read_to_string(key::default_path(project)).ok();
        let dot_env_file = project.root().join(dot_env::FILE);
        let dot_env = dot_env::read(&dot_env_file).unwrap_or_else(|error| {
            broken.push(Broken::new("env-file-broken", &dot_env_file, "", &error));
            Vec::new()
        });
        let settings = Settings::gather(&variables, providers, settings::of_process, &entries)?
            .with_dot_env(&dot_env);
        Ok(Self {
            variables,
            settings,
            environment: std::env::vars_os()
                .filter_map(|(name, value)| {
                    let value = value.to_string_lossy().into_owned();
                    Some((name.into_string().ok()?, value))
                })
                .collect(),
            env_file: env_file.map(|path| EnvFile::new(shown(path), &text)),
            files: files(project, env_file),
            throw_away_key,
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
        let line = self.env_file.as_ref().and_then(|file| file.line(name));
        let line = line.map(|line| format!("line {line} of "));
        format!("{}{}", line.unwrap_or_default(), self.env_file_name())
    }

    /// The env file, for a message.
    pub fn env_file_name(&self) -> &str {
        let file = self.env_file.as_ref();
        file.map_or("the env file", |file| file.path.as_str())
    }
}

fn read(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("{} cannot be read", shown(path)))?;
    // The error of the standard library would hold the bytes.
    String::from_utf8(bytes)
        .ok()
        .with_context(|| format!("{} is not UTF-8 text", shown(path)))
}

impl Broken {
    /// `line` goes before the path in the command that opens the file.
    fn new(id: &'static str, path: &Path, line: &str, error: &dyn fmt::Display) -> Self {
        Self {
            id,
            path: shown(path),
            detail: error.to_string(),
            repair: format!("${{EDITOR:-vi}} {line}{}", key::quoted(&shown(path))),
        }
    }
}

/// The env file, and the files of the project that hold a secret.
fn files(project: &Project, env_file: Option<&Path>) -> Vec<FileFacts> {
    let root = project.root();
    let mut paths: Vec<PathBuf> = env_file.map(Path::to_path_buf).into_iter().collect();
    paths.extend([".dev.vars", ".env"].map(|name| root.join(name)));
    paths.extend(scan::private_keys(root));
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
    /// `None` for what is no file.
    fn of(path: &Path, shared: bool) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        if !metadata.is_file() {
            return None;
        }
        let text = scan::beginning(path)?;
        Some(Self {
            path: shown(path),
            secret: scan::secret_in(&text),
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

//! The project's location, and how to call its cargo.

use std::env;
use std::ffi::OsString;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

#[derive(Debug, Clone)]
pub struct Project {
    root: PathBuf,
}

impl Project {
    /// Finds the workspace: the one that `cargo run` works in, else the one around the current folder, else the one that this
    /// program was built from.
    pub fn find() -> Result<Self> {
        let starts = [
            env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from),
            env::current_dir().ok(),
            Some(PathBuf::from(env!("CARGO_MANIFEST_DIR"))),
        ];
        let root = starts
            .iter()
            .flatten()
            .find_map(|start| root_above(start))
            .context("no spin.toml here or above: run `cargo dev` inside the project")?;
        Ok(Self { root })
    }

    /// Returns cargo's home folder, which contains the sources of crates.
    pub fn cargo_home(&self) -> Option<PathBuf> {
        let named = env::var_os("CARGO_HOME").filter(|home| !home.is_empty());
        named
            .and_then(|home| std::path::absolute(home).ok())
            .or_else(|| Some(env::home_dir()?.join(".cargo")))
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn manifest(&self) -> PathBuf {
        self.root.join("spin.toml")
    }

    pub fn runtime_config(&self) -> PathBuf {
        self.root.join("runtime-config.toml")
    }

    /// Returns the target folder for the component.
    pub fn target_dir(&self) -> PathBuf {
        self.root.join("target")
    }

    /// Returns the target folder for native programs: `CARGO_TARGET_DIR` if it is set, so that all commands share one build.
    pub fn native_target_dir(&self) -> PathBuf {
        match env::var_os("CARGO_TARGET_DIR").filter(|dir| !dir.is_empty()) {
            // Cargo resolves a relative path against the folder that it was called from.
            Some(dir) => std::path::absolute(&dir).unwrap_or_else(|_| PathBuf::from(dir)),
            None => self.target_dir(),
        }
    }

    /// Returns a command for the cargo that runs this program, in the workspace's root.
    pub fn cargo(&self) -> Command {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.current_dir(&self.root);
        for name in env::vars_os().map(|(name, _)| name).filter(is_of_cargo_run) {
            command.env_remove(name);
        }
        command
    }
}

/// Returns the closest folder at or above `start` that is the project's root.
fn root_above(start: &Path) -> Option<PathBuf> {
    start
        .ancestors()
        .find(|folder| {
            folder.join("spin.toml").is_file() && folder.join("devkit/Cargo.toml").is_file()
        })
        .map(Path::to_path_buf)
}

/// Returns whether `cargo run` sets this variable to describe its package, which would be the wrong one for another cargo.
fn is_of_cargo_run(name: &OsString) -> bool {
    let name = name.to_string_lossy();
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
        || ["CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "OUT_DIR"].contains(&&*name)
}

/// Writes a file atomically, creating its folder if necessary: concurrent readers see either the old or the new content.
pub fn write_atomic(path: &Path, content: &[u8]) -> Result<()> {
    write(path, content, 0o777, 0o666)
}

/// Like [`write_atomic`], but the file and new folders are accessible only to their owner, from the start.
pub fn write_private(path: &Path, content: &[u8]) -> Result<()> {
    write(path, content, 0o700, 0o600)
}

/// Writes the file. On systems with Unix modes, new folders get `folder_mode` and the file gets `file_mode`.
#[cfg_attr(not(unix), allow(unused_variables))]
fn write(path: &Path, content: &[u8], folder_mode: u32, file_mode: u32) -> Result<()> {
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    let (mut folders, mut file) = (DirBuilder::new(), OpenOptions::new());
    #[cfg(unix)]
    {
        std::os::unix::fs::DirBuilderExt::mode(&mut folders, folder_mode);
        std::os::unix::fs::OpenOptionsExt::mode(&mut file, file_mode);
    }
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    folder
        .map_or(Ok(()), |folder| folders.recursive(true).create(folder))
        // A new file: an existing symbolic link must not be followed.
        .and_then(|()| file.write(true).create_new(true).open(&temporary))
        .and_then(|mut file| file.write_all(content))
        .and_then(|()| fs::rename(&temporary, path))
        .inspect_err(|_| drop(fs::remove_file(&temporary)))
        .with_context(|| format!("{} cannot be written", shown(path)))
}

/// Returns a path for messages: relative to the current folder if the file is below it.
pub fn shown(path: &Path) -> String {
    let relative = env::current_dir()
        .ok()
        .and_then(|here| path.strip_prefix(here).ok().map(Path::to_path_buf));
    relative
        .unwrap_or_else(|| path.to_path_buf())
        .display()
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_found_from_any_folder_below_it() {
        let devkit = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = devkit.parent().expect("devkit is inside the workspace");
        for start in [
            root.to_path_buf(),
            devkit.to_path_buf(),
            devkit.join("src"),
            root.join("no/such/folder"),
        ] {
            assert_eq!(
                root_above(&start).as_deref(),
                Some(root),
                "{}",
                start.display()
            );
        }
        assert_eq!(root_above(Path::new("/")), None);
    }

    #[test]
    fn only_what_describes_the_running_package_is_kept_from_another_cargo() {
        for (name, removed) in [
            ("CARGO_PKG_NAME", true),
            ("CARGO_MANIFEST_DIR", true),
            ("CARGO_PRIMARY_PACKAGE", true),
            ("CARGO_HOME", false),
            ("CARGO_NET_OFFLINE", false),
            ("RUSTUP_TOOLCHAIN", false),
        ] {
            assert_eq!(is_of_cargo_run(&name.into()), removed, "{name}");
        }
    }
}

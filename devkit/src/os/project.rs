//! Where the project is, and how its own cargo is called.

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
    /// Finds the workspace: the one that `cargo run` works in, else the one around the current folder, else the one
    /// that this program was built from.
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

    /// Cargo's own folder, which holds the sources of crates.
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

    /// The target folder that holds the component.
    pub fn target_dir(&self) -> PathBuf {
        self.root.join("target")
    }

    /// The target folder of programs for this machine: `CARGO_TARGET_DIR` where it is set, so that they are compiled
    /// once for every command.
    pub fn native_target_dir(&self) -> PathBuf {
        match env::var_os("CARGO_TARGET_DIR").filter(|dir| !dir.is_empty()) {
            // Cargo reads a relative folder from where it was called.
            Some(dir) => std::path::absolute(&dir).unwrap_or_else(|_| PathBuf::from(dir)),
            None => self.target_dir(),
        }
    }

    /// The cargo that runs this command, in the workspace's root.
    pub fn cargo(&self) -> Command {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.current_dir(&self.root);
        for name in env::vars_os().map(|(name, _)| name).filter(is_of_cargo_run) {
            command.env_remove(name);
        }
        command
    }
}

/// The first folder at or above `start` that is the project's root.
fn root_above(start: &Path) -> Option<PathBuf> {
    start
        .ancestors()
        .find(|folder| {
            folder.join("spin.toml").is_file() && folder.join("devkit/Cargo.toml").is_file()
        })
        .map(Path::to_path_buf)
}

/// Whether `cargo run` sets this variable to describe the package that it runs; it would describe the wrong one to
/// another cargo.
fn is_of_cargo_run(name: &OsString) -> bool {
    let name = name.to_string_lossy();
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
        || ["CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "OUT_DIR"].contains(&&*name)
}

/// Writes a file, and the folders above it, so that whoever reads it meanwhile finds the old content or the new one,
/// whole.
pub fn write_whole(path: &Path, content: &[u8]) -> Result<()> {
    write(path, content, 0o777, 0o666)
}

/// As [`write_whole`]; only the file's owner can read it, from the first moment, and so in the folders that are new.
pub fn write_private(path: &Path, content: &[u8]) -> Result<()> {
    write(path, content, 0o700, 0o600)
}

/// The modes are for new folders and for the file, where the system has modes.
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
        // A new one: never through a link to somewhere else.
        .and_then(|()| file.write(true).create_new(true).open(&temporary))
        .and_then(|mut file| file.write_all(content))
        .and_then(|()| fs::rename(&temporary, path))
        .inspect_err(|_| drop(fs::remove_file(&temporary)))
        .with_context(|| format!("{} cannot be written", shown(path)))
}

/// A path as a person reads it: relative to the current folder where that is shorter.
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

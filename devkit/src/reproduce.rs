//! Shows that one commit gives one component: builds it twice, in folders of different names and with cargo's own folder
//! elsewhere, and compares the bytes.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::component::{self, Variant};
use crate::process::{self, Stop};
use crate::project::{Project, shown};
use crate::report;
use crate::toolchain::Choice;

/// The folders; of different lengths, so that a path in the component moves what is behind it.
const FOLDERS: [&str; 2] = ["a", "another folder"];

/// Builds twice and compares.
///
/// # Errors
/// A build fails, or the two differ.
pub fn reproduce(project: &Project, choice: Choice, variant: Variant, stop: &Stop) -> Result<()> {
    let place = project.target_dir().join("reproduce");
    let mut hashes = Vec::new();
    for folder in FOLDERS {
        let folder = place.join(folder);
        if folder.exists() {
            fs::remove_dir_all(&folder)
                .with_context(|| format!("{} cannot be removed", shown(&folder)))?;
        }
        let copy = copy(project, &folder, stop)?;
        report::step(&format!("Building in {} …", shown(&folder)));
        let component = component::build(&copy, choice, variant, stop)?;
        let bytes = fs::read(&component)
            .with_context(|| format!("{} cannot be read", shown(&component)))?;
        ensure!(
            find(&bytes, folder.as_os_str().as_encoded_bytes()).is_none(),
            "the component has the folder in it that it was built in"
        );
        let hash = hex(&hmac_sha256::Hash::hash(&bytes));
        report::result(&format!("{hash}  {} bytes", bytes.len()));
        hashes.push((hash, component));
    }
    let [(first, one), (second, other)] = &hashes[..] else {
        bail!("there are not two builds");
    };
    ensure!(
        first == second,
        "the two builds differ: compare {} and {}",
        shown(one),
        shown(other)
    );
    report::result("The two builds are the same.");
    Ok(())
}

/// The last commit in a folder of its own, with the crates and tools that are there already.
fn copy(project: &Project, folder: &Path, stop: &Stop) -> Result<Project> {
    let sources = folder.join("project");
    let mut git = Command::new("git");
    git.args(["clone", "--quiet"])
        .arg(project.root())
        .arg(&sources);
    ensure!(
        process::run(&mut git, stop)?.success(),
        "git cannot copy the last commit; its own message is above"
    );
    let home = folder.join("home");
    let mut links = vec![(
        project.target_dir().join("tools"),
        sources.join("target/tools"),
    )];
    if let Some(users) = project.cargo_home() {
        links.push((users.join("registry"), home.join("registry")));
    }
    for (there, here) in links.iter().filter(|(there, _)| there.exists()) {
        let parent = here.parent().context("a link lies in a folder")?;
        fs::create_dir_all(parent)
            .and_then(|()| link(there, here))
            .with_context(|| format!("{} cannot be made", shown(here)))?;
    }
    Ok(Project::copy(sources, home))
}

#[cfg(unix)]
fn link(there: &Path, here: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(there, here)
}

/// Without links cargo and npm fetch what they need again.
#[cfg(not(unix))]
fn link(_: &Path, _: &Path) -> std::io::Result<()> {
    Ok(())
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

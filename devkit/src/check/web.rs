//! Tests the browser client in `web/`: its behaviour under Node, its types by TypeScript's compiler.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use anyhow::{Context, Result, ensure};

use crate::os::npm::Package;
use crate::os::process;
use crate::os::programs::{self, NODE, NPM};
use crate::os::project::{Project, shown};
use crate::os::report;

const PACKAGE: &str = include_str!("../../../web/package.json");
const LOCK: &str = include_str!("../../../web/package-lock.json");

/// Runs the tests and then checks the types, as far as Node and npm are there; says so where they are not. `None`: nothing
/// failed.
pub fn test(project: &Project) -> Result<Option<ExitStatus>> {
    let web = project.root().join("web");
    if programs::find(NODE.name).is_none() {
        report::step("note: node is not on PATH; the tests of web/ are skipped");
        return Ok(None);
    }
    report::step("Testing the browser client …");
    let mut node = Command::new(NODE.name);
    node.args(["--test", "--test-reporter", "spec"])
        .args(test_files(&web.join("test"))?);
    let status = process::run(&mut node)?;
    if !status.success() {
        return Ok(Some(status));
    }
    let compiler = Package {
        folder: project.target_dir().join("typescript"),
        manifest: PACKAGE,
        lock: LOCK,
        program: "node_modules/typescript/bin/tsc",
    };
    if !compiler.is_installed() {
        if programs::find(NPM.name).is_none() {
            report::step("note: npm is not on PATH; the types of web/ are not checked");
            return Ok(None);
        }
        report::step("Fetching TypeScript, which checks types (24 MB below target) …");
        compiler.install().context("npm cannot fetch TypeScript")?;
    }
    report::step("Checking the browser client's types …");
    let mut node = Command::new(NODE.name);
    node.arg(compiler.program()).arg("--project").arg(&web);
    let status = process::run(&mut node)?;
    Ok((!status.success()).then_some(status))
}

/// By name, because Node's own search differs between its versions.
fn test_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let cannot = || format!("{} cannot be read", shown(folder));
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(cannot)? {
        let path = entry.with_context(cannot)?.path();
        if path.to_string_lossy().ends_with(".test.js") {
            files.push(path);
        }
    }
    ensure!(!files.is_empty(), "{} has no tests", shown(folder));
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiler_is_pinned_by_its_checksum_and_comes_from_npm_alone() {
        for text in [PACKAGE, LOCK] {
            let version = text
                .lines()
                .find_map(|line| line.trim().strip_prefix("\"typescript\": \""))
                .and_then(|rest| rest.split('"').next())
                .expect("a version");
            assert!(
                version.split('.').all(|part| part.parse::<u16>().is_ok()),
                "{version}"
            );
            assert!(LOCK.contains(&format!("\"version\": \"{version}\"")));
        }
        assert!(LOCK.contains("\"integrity\": \"sha512-"));
        assert!(!LOCK.contains("\"resolved\""));
    }

    #[test]
    fn a_folder_without_tests_is_an_error() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let error = test_files(&source).expect_err("no tests of the client");
        assert!(error.to_string().ends_with("has no tests"), "{error}");
        let web = source.join("../../web/test");
        assert!(!test_files(&web).expect("the client's").is_empty());
    }
}

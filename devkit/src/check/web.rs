//! Tests the browser client in `web/`: its behaviour with Node, and its types with TypeScript's compiler.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use anyhow::{Context, Result, ensure};

use crate::check::needs::{Policy, typescript};
use crate::os::process;
use crate::os::programs::NODE;
use crate::os::project::{Project, shown};
use crate::os::report;

/// Runs the tests, then checks the types if the policy allows for the compiler. Returns `None` if nothing failed.
pub fn test(
    project: &Project,
    policy: Policy,
    left_out: &mut Vec<String>,
) -> Result<Option<ExitStatus>> {
    let web = project.root().join("web");
    report::step("Testing the browser client …");
    let mut node = Command::new(NODE.name);
    node.args(["--test", "--test-reporter", "spec"])
        .args(test_files(&web.join("test"))?);
    let status = process::run(&mut node)?;
    if !status.success() {
        return Ok(Some(status));
    }
    let Some(compiler) = policy.package(&typescript(project), left_out)? else {
        return Ok(None);
    };
    report::step("Checking the browser client's types …");
    let mut node = Command::new(NODE.name);
    node.arg(compiler).arg("--project").arg(&web);
    let status = process::run(&mut node)?;
    Ok((!status.success()).then_some(status))
}

/// Returns the test files explicitly, because Node's own search differs between versions.
fn test_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let entries = entries.with_context(|| format!("{} cannot be read", shown(folder)))?;
    let paths = entries.iter().map(fs::DirEntry::path);
    let mut files: Vec<_> = paths
        .filter(|path| path.to_string_lossy().ends_with(".test.js"))
        .collect();
    ensure!(!files.is_empty(), "{} has no tests", shown(folder));
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_tests_is_an_error() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let error = test_files(&source).expect_err("no tests of the client");
        assert!(error.to_string().ends_with("has no tests"), "{error}");
        let web = source.join("../../web/test");
        assert!(!test_files(&web).expect("the client's").is_empty());
    }
}

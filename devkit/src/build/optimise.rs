//! Makes the linked component faster and smaller, by Binaryen's `wasm-opt`.
//!
//! The compiler turns each product of two 64-bit digits, of which RSA is made, into a call of the function `__multi3`.
//! Binaryen puts the function's body in the place of the calls, which the compiler's own optimiser cannot: they come
//! into being after it has run.
//!
//! Binaryen comes from npm, at the version and with the checksum of `devkit/tools/package-lock.json`, and needs Node.
//! Where it cannot be had, the component stays as cargo linked it: correct, larger and slower.
//!
//! What comes out is kept under a hash of all that went in, so that it is made once and is never out of date.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::build::artifact::Variant;
use crate::build::wasm;
use crate::os::npm::Package;
use crate::os::process::{self, Interrupted};
use crate::os::programs::{self, NODE, NPM};
use crate::os::project::{Project, shown, write_whole};
use crate::os::report;

/// What npm installs.
const PACKAGE: &str = include_str!("../../tools/package.json");
/// Its exact version and checksum.
const LOCK: &str = include_str!("../../tools/package-lock.json");

/// For the portable component. Function names of Rust start with one of two prefixes: these functions stay where the
/// compiler, which knows more about them, has put them. What is left is the library of the compiler and of C.
const INLINE: [&str; 4] = [
    "--no-inline=_R*",
    "--no-inline=_ZN*",
    "--always-inline-max-function-size=120",
    "--inlining-optimizing",
];

/// For every component, after that. `-Os` saves 2 % of the size and costs `rs256` a sixth of its speed with 2048 bits.
const OPTIMISE: [&str; 3] = ["-O3", "--strip-debug", "--strip-producers"];

/// What `wasm-opt` does to a component. It reads from the module which features of WebAssembly it may use.
fn arguments(variant: Variant) -> Vec<&'static str> {
    let inline = match variant {
        Variant::Portable | Variant::Baseline | Variant::P3 => &INLINE[..],
        // A product is one instruction.
        Variant::Wide => &[],
    };
    [inline, &OPTIMISE].concat()
}

/// What is there when a component has been linked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Facts {
    /// The result for this very component.
    result: bool,
    /// `wasm-opt`, of the pinned version.
    tool: bool,
    /// Node, which runs it.
    node: bool,
    /// npm, which installs it.
    npm: bool,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plan {
    /// Take the result that is there.
    Reuse,
    /// Run the tool that is there.
    Run,
    /// Install the tool and run it.
    Install,
    /// Nothing can be done.
    Leave,
}

impl Facts {
    fn plan(self) -> Plan {
        match self {
            Self { result: true, .. } => Plan::Reuse,
            Self {
                tool: true,
                node: true,
                ..
            } => Plan::Run,
            Self {
                node: true,
                npm: true,
                ..
            } => Plan::Install,
            _ => Plan::Leave,
        }
    }
}

/// Optimises a component, or gives it back as it is where the tool cannot be had.
///
/// # Errors
/// A file below `target` cannot be written, or the user ends the command. A tool that fails is no error: it is reported.
pub fn optimise(project: &Project, variant: Variant, component: Vec<u8>) -> Result<Vec<u8>> {
    let store = Store::new(project, variant, &component);
    let tool = Tool::new(project);
    let facts = Facts {
        result: store.result.is_file(),
        tool: tool.0.is_installed(),
        node: programs::find(NODE.name).is_some(),
        npm: programs::find(NPM.name).is_some(),
    };
    let done = match facts.plan() {
        Plan::Reuse => return read(&store.result),
        Plan::Leave => Err(anyhow::anyhow!("node and npm are not both on PATH")),
        Plan::Run => tool.run(&store, variant, &component),
        Plan::Install => tool
            .install()
            .and_then(|()| tool.run(&store, variant, &component)),
    };
    match done {
        Ok(optimised) => Ok(optimised),
        Err(error) if error.is::<Interrupted>() => Err(error),
        Err(error) => {
            report::step(&format!(
                "note: {error:#}; the component is not optimised and signs more slowly"
            ));
            Ok(component)
        }
    }
}

/// Where results are kept.
struct Store {
    folder: PathBuf,
    name: &'static str,
    result: PathBuf,
}

impl Store {
    fn new(project: &Project, variant: Variant, component: &[u8]) -> Self {
        let folder = project.target_dir().join("optimised");
        let name = variant.name();
        let key = key(component, &arguments(variant), LOCK);
        let result = folder.join(format!("{name}-{key:016x}.wasm"));
        Self {
            folder,
            name,
            result,
        }
    }

    /// Keeps a result in the place of the earlier ones.
    fn keep(&self, optimised: &[u8]) -> Result<()> {
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if name
                .to_string_lossy()
                .starts_with(&format!("{}-", self.name))
            {
                let _ = fs::remove_file(entry.path());
            }
        }
        write_whole(&self.result, optimised)
    }
}

/// A hash against mistakes, not against an attacker, over everything that makes the result.
fn key(component: &[u8], arguments: &[&str], lock: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (component, arguments, lock).hash(&mut hasher);
    hasher.finish()
}

/// Binaryen below `target`.
struct Tool(Package);

impl Tool {
    fn new(project: &Project) -> Self {
        Self(Package {
            folder: project.target_dir().join("tools"),
            manifest: PACKAGE,
            lock: LOCK,
            program: "node_modules/binaryen/bin/wasm-opt",
        })
    }

    fn install(&self) -> Result<()> {
        report::step(
            "Fetching Binaryen, which optimises the component (a download of some 20 MB) …",
        );
        self.0.install().context("npm cannot fetch Binaryen")
    }

    fn run(&self, store: &Store, variant: Variant, component: &[u8]) -> Result<Vec<u8>> {
        report::step("Optimising the component (about ten seconds) …");
        let [input, output] =
            ["linked", "optimised"].map(|what| store.folder.join(format!("{what}.{}", store.name)));
        write_whole(&input, wasm::core_module(component)?)?;
        let mut node = Command::new(NODE.name);
        node.arg(self.0.program())
            .arg(&input)
            .args(arguments(variant))
            .arg("--output")
            .arg(&output);
        let status = process::run(&mut node)?;
        anyhow::ensure!(status.success(), "wasm-opt failed");
        let optimised = wasm::with_core_module(component, &read(&output)?)?;
        for file in [input, output] {
            let _ = fs::remove_file(file);
        }
        store.keep(&optimised)?;
        Ok(optimised)
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("{} cannot be read", shown(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const READY: Facts = Facts {
        result: false,
        tool: true,
        node: true,
        npm: true,
    };

    #[test]
    fn nothing_is_done_twice_and_nothing_is_fetched_without_need() {
        for (facts, plan) in [
            (
                Facts {
                    result: true,
                    ..Facts::default()
                },
                Plan::Reuse,
            ),
            (
                Facts {
                    result: true,
                    ..READY
                },
                Plan::Reuse,
            ),
            (READY, Plan::Run),
            (
                Facts {
                    npm: false,
                    ..READY
                },
                Plan::Run,
            ),
            (
                Facts {
                    tool: false,
                    ..READY
                },
                Plan::Install,
            ),
            (
                Facts {
                    tool: false,
                    npm: false,
                    ..READY
                },
                Plan::Leave,
            ),
            (
                Facts {
                    node: false,
                    ..READY
                },
                Plan::Leave,
            ),
            (Facts::default(), Plan::Leave),
        ] {
            assert_eq!(facts.plan(), plan, "{facts:?}");
        }
    }

    #[test]
    fn whatever_makes_another_result_makes_another_key() {
        let first = key(b"component", &["--a", "--b"], "lock");
        assert_eq!(first, key(b"component", &["--a", "--b"], "lock"));
        for other in [
            key(b"components", &["--a", "--b"], "lock"),
            key(b"component", &["--a"], "lock"),
            key(b"component", &["--a", "--b"], "lock 2"),
        ] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn the_lock_pins_the_version_and_the_content_but_no_server() {
        assert!(PACKAGE.contains("\"binaryen\": \"132.0.0\""));
        assert!(LOCK.contains("\"integrity\": \"sha512-"));
        assert!(!LOCK.contains("\"resolved\""));
    }
}

//! Makes the linked component faster and smaller with Binaryen's `wasm-opt`.
//!
//! RSA consists of products of two 64-bit limbs, and the compiler turns each into a call of the function `__multi3`.
//! Binaryen inlines these calls. The compiler's own optimiser cannot, because the calls are generated after it has run.
//!
//! Binaryen comes from npm, with the version and checksum of `devkit/tools/package-lock.json`, and needs Node. Without it
//! the component stays as cargo linked it: correct, but larger and slower.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::build::artifact::Variant;
use crate::build::wasm;
use crate::os::package::{Package, Source};
use crate::os::process::{self, Interrupted};
use crate::os::programs::NODE;
use crate::os::project::{Project, shown, write_atomic};
use crate::os::report;

/// The `package.json` for npm.
const PACKAGE: &str = include_str!("../../tools/package.json");
/// The exact version and its checksum.
const LOCK: &str = include_str!("../../tools/package-lock.json");

/// Inlining for variants without wide arithmetic. Names of Rust functions start with one of two prefixes; these functions
/// are not inlined, because the compiler knows better. That leaves the library functions of the compiler and of C.
const INLINE: [&str; 4] = [
    "--no-inline=_R*",
    "--no-inline=_ZN*",
    "--always-inline-max-function-size=120",
    "--inlining-optimizing",
];

/// Optimisation of every variant. `-Os` would save 2 % of the size and cost `rs256` a sixth of its speed with 2048 bits.
const OPTIMISE: [&str; 3] = ["-O3", "--strip-debug", "--strip-producers"];

/// Returns the arguments for `wasm-opt`, which reads the allowed WebAssembly features from the module.
fn arguments(variant: Variant) -> Vec<&'static str> {
    let inline = match variant {
        Variant::Portable | Variant::Baseline | Variant::P3 => &INLINE[..],
        // A product is a single instruction.
        Variant::Wide => &[],
    };
    [inline, &OPTIMISE].concat()
}

/// Optimises a component. If that is not possible, says so and returns the component unchanged.
///
/// Results are cached under a hash of all inputs.
///
/// # Errors
/// Fails only if the user interrupts the command.
pub fn optimise(project: &Project, variant: Variant, component: Vec<u8>) -> Result<Vec<u8>> {
    let folder = project.target_dir().join("optimised").join(variant.name());
    let key = key(&component, &arguments(variant), LOCK);
    let kept = folder.join(format!("{key:016x}.wasm"));
    if let Ok(optimised) = fs::read(&kept) {
        return Ok(optimised);
    }
    let optimised = run(project, variant, &component, &folder)
        .and_then(|optimised| write_atomic(&kept, &optimised).map(|()| optimised));
    match optimised {
        Err(error) if !error.is::<Interrupted>() => {
            report::step(&format!(
                "note: {error:#}; the component is not optimised and signs more slowly"
            ));
            Ok(component)
        }
        ended => ended,
    }
}

/// Hashes everything that determines the result. The hash need not resist attackers.
fn key(component: &[u8], arguments: &[&str], lock: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (component, arguments, lock).hash(&mut hasher);
    hasher.finish()
}

/// Runs `wasm-opt` in `folder`, after deleting the results for earlier components.
fn run(project: &Project, variant: Variant, component: &[u8], folder: &Path) -> Result<Vec<u8>> {
    let wasm_opt = Package {
        name: "Binaryen",
        about: "which optimises the component (a download of some 20 MB)",
        folder: project.target_dir().join("tools"),
        source: Source::Npm(PACKAGE),
        lock: LOCK,
        program: "node_modules/binaryen/bin/wasm-opt",
    };
    let wasm_opt = wasm_opt.provide()?;
    report::step("Optimising the component (about ten seconds) …");
    let _ = fs::remove_dir_all(folder);
    let [linked, optimised] = ["linked", "optimised"].map(|name| folder.join(name));
    write_atomic(&linked, wasm::core_module(component)?)?;
    let mut node = Command::new(NODE.name);
    node.arg(wasm_opt)
        .arg(&linked)
        .args(arguments(variant))
        .arg("--output")
        .arg(&optimised);
    ensure!(process::run(&mut node)?.success(), "wasm-opt failed");
    let module =
        fs::read(&optimised).with_context(|| format!("{} cannot be read", shown(&optimised)))?;
    wasm::with_core_module(component, &module)
}

#[cfg(test)]
mod tests {
    use super::*;

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

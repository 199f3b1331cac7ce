//! Machine code for the component: compiled once per build, then loaded from a file beside the artifact.
//!
//! The file ends with a checksum. Otherwise a file cut off by a full disk or a crash would be executed.

use std::fs::{self, DirBuilder, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::Path;
use std::process;

use anyhow::{Context, Result};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::log::complain;

const CHECKSUM_LENGTH: usize = size_of::<u64>();

/// Returns the key of the machine code: a hash of the artifact and of everything that the compilation depends on. A new
/// compiler may change the hash, which only costs a compilation.
pub(crate) fn key(engine: &Engine, artifact: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    artifact.hash(&mut hasher);
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

/// Returns the component read from `path`, compiled now or earlier.
pub(crate) fn load(engine: &Engine, path: &Path, artifact: &[u8], key: u64) -> Result<Component> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    let folder = path.with_file_name("devkit-host").join(&name);
    name.push(".lock");
    let file = folder.join(format!("{key:016x}"));
    if let Some(component) = compiled(engine, &file) {
        return Ok(component);
    }
    // A second process waits here for the first instead of compiling, too. The lock and the folder only save time, so
    // their errors are ignored.
    let _lock = lock(&folder, &folder.with_file_name(name));
    if let Some(component) = compiled(engine, &file) {
        return Ok(component);
    }
    complain("Compiling the component for this machine (a few seconds, once per build) …");
    let component = Component::new(engine, artifact)
        .map_err(anyhow::Error::from)
        .with_context(|| format!("cannot compile {}", path.display()))?;
    if let Ok(code) = component.serialize() {
        let _ = replace(&folder, &file, &code);
    }
    Ok(component)
}

/// Returns the component in a file if the file exists and is intact.
fn compiled(engine: &Engine, file: &Path) -> Option<Component> {
    let mut code = fs::read(file).ok()?;
    let checksum = code.split_off(code.len().checked_sub(CHECKSUM_LENGTH)?);
    if checksum != hash(&code) {
        return None;
    }
    // SAFETY: `Component::serialize` wrote this code, as the checksum confirms, and only this program writes to the
    // folder. Wasmtime checks its own version and settings.
    #[allow(unsafe_code)]
    let component = unsafe { Component::deserialize(engine, code) };
    component.ok()
}

/// Hashes the code. The hash need not resist attackers.
fn hash(bytes: &[u8]) -> [u8; CHECKSUM_LENGTH] {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish().to_le_bytes()
}

/// Creates the folder, and locks it against other processes until the returned file is dropped.
fn lock(folder: &Path, file: &Path) -> io::Result<File> {
    let mut builder = DirBuilder::new();
    // Only the owner may write here, because the files are executed as machine code.
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)?;
    let file = File::create(file)?;
    file.lock()?;
    Ok(file)
}

/// Replaces the code of earlier builds by that of this build.
fn replace(folder: &Path, file: &Path, code: &[u8]) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let _ = fs::remove_file(entry?.path());
    }
    let temporary = file.with_extension(process::id().to_string());
    fs::write(&temporary, [code, &hash(code)].concat())?;
    // Atomic: readers never see a partial file.
    fs::rename(temporary, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_that_was_damaged_is_compiled_again() {
        let engine = Engine::default();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/compile-tests");
        fs::create_dir_all(&folder).unwrap();
        let artifact = folder.join("empty.wasm");
        let component = b"\0asm\x0d\0\x01\0";
        let key = key(&engine, component);
        load(&engine, &artifact, component, key).unwrap();
        let file = folder.join(format!("devkit-host/empty.wasm/{key:016x}"));
        let whole = fs::read(&file).unwrap();
        assert!(compiled(&engine, &file).is_some());

        let damaged = (0..whole.len()).step_by(101).map(|place| {
            let mut damaged = whole.clone();
            damaged[place] ^= 1;
            damaged
        });
        let shorter = [0, 1, whole.len() / 2, whole.len() - 1].map(|end| whole[..end].to_vec());
        for damaged in damaged.chain(shorter) {
            fs::write(&file, damaged).unwrap();
            assert!(compiled(&engine, &file).is_none());
        }
        load(&engine, &artifact, component, key).unwrap();
        assert_eq!(fs::read(&file).unwrap(), whole);
        fs::remove_dir_all(&folder).unwrap();
    }
}

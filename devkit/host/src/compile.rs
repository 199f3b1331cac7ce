//! Machine code for the component: compiled once per build, then loaded from a file beside the artifact.
//!
//! Such a file ends with a checksum: what a full disk or a crash has left of one would be run otherwise.

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

/// Tells machine code apart: by what was compiled, and by all that the compilation depends on. It may change with the
/// compiler, which costs a compilation.
pub(crate) fn key(engine: &Engine, artifact: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    artifact.hash(&mut hasher);
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

/// The component that was read from `path`, compiled now or earlier.
pub(crate) fn load(engine: &Engine, path: &Path, artifact: &[u8], key: u64) -> Result<Component> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    let folder = path.with_file_name("devkit-host").join(&name);
    name.push(".lock");
    let file = folder.join(format!("{key:016x}"));
    if let Some(component) = compiled(engine, &file) {
        return Ok(component);
    }
    // Whoever comes second waits here for the first instead of doing its work again. Without a lock, and without a
    // folder, everything works, only slower.
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

/// The component in a file, if that is there and as it was written.
fn compiled(engine: &Engine, file: &Path) -> Option<Component> {
    let mut code = fs::read(file).ok()?;
    let checksum = code.split_off(code.len().checked_sub(CHECKSUM_LENGTH)?);
    if checksum != hash(&code) {
        return None;
    }
    // SAFETY: the code is what `Component::serialize` has made, as its checksum says, and only this program writes to its
    // folder. Wasmtime itself checks that its version and its settings fit.
    #[allow(unsafe_code)]
    let component = unsafe { Component::deserialize(engine, code) };
    component.ok()
}

/// A hash against mistakes, not against an attacker.
fn hash(bytes: &[u8]) -> [u8; CHECKSUM_LENGTH] {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish().to_le_bytes()
}

/// Makes the folder, and locks it against other processes until the file is dropped.
fn lock(folder: &Path, file: &Path) -> io::Result<File> {
    let mut builder = DirBuilder::new();
    // Nobody else may write here: what lies here is run as machine code.
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)?;
    let file = File::create(file)?;
    file.lock()?;
    Ok(file)
}

/// Puts the code of this build in the place of that of earlier ones.
fn replace(folder: &Path, file: &Path, code: &[u8]) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let _ = fs::remove_file(entry?.path());
    }
    let temporary = file.with_extension(process::id().to_string());
    fs::write(&temporary, [code, &hash(code)].concat())?;
    // The whole file is there at once.
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

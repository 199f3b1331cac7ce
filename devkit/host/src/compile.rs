//! Machine code for the component: compiled once per build, then loaded from a file beside the artifact.

use std::fs::{self, DirBuilder, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::Path;
use std::process;

use anyhow::{Context, Result};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::log::complain;

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
    let name = path.file_stem().unwrap_or_default();
    let folder = path.with_file_name("devkit-host").join(name);
    let file = folder.join(format!("{key:016x}"));
    // Whoever comes second waits here for the first instead of doing its work again. Without a lock, and without a
    // folder, everything works, only slower.
    let _lock = lock(&folder);
    if let Ok(component) = compiled(engine, &file) {
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

#[allow(unsafe_code)]
fn compiled(engine: &Engine, file: &Path) -> wasmtime::Result<Component> {
    // SAFETY: the file is what `Component::serialize` has made. Only this program writes to its folder, and only whole
    // files. Wasmtime itself checks that its version and its settings fit.
    unsafe { Component::deserialize_file(engine, file) }
}

/// Locks the folder against other processes until the file is dropped.
fn lock(folder: &Path) -> io::Result<File> {
    let mut builder = DirBuilder::new();
    // Nobody else may write here: what lies here is run as machine code.
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)?;
    let file = File::create(folder.with_extension("lock"))?;
    file.lock()?;
    Ok(file)
}

/// Puts the code of this build in the place of that of earlier ones.
fn replace(folder: &Path, file: &Path, code: &[u8]) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let _ = fs::remove_file(entry?.path());
    }
    let temporary = file.with_extension(process::id().to_string());
    fs::write(&temporary, code)?;
    // The whole file is there at once.
    fs::rename(temporary, file)
}

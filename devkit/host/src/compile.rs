//! Machine code for the component: compiled once per build, then loaded from a cache beside the artifact.
//!
//! A cache file is the compiled component followed by a checksum over it. Its name carries a hash of the artifact and
//! of everything that Wasmtime's code generation depends on, so a file that fits by name fits the engine.

use std::fs::{self, DirBuilder, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process;

use anyhow::{Context, Result, bail};
use wasmtime::Engine;
use wasmtime::component::Component;

/// The directory beside the artifact that holds the compiled code.
const CACHE_DIRECTORY: &str = "devkit-host";
const CACHE_EXTENSION: &str = "cwasm";
const CHECKSUM_LENGTH: usize = size_of::<u64>();

/// A component as it was built.
pub(crate) struct Artifact {
    path: PathBuf,
    bytes: Vec<u8>,
    /// Hash of the bytes.
    pub(crate) hash: u64,
}

impl Artifact {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => bail!(
                "There is no component at {}: run `cargo dev build` first.",
                path.display()
            ),
            Err(error) => {
                return Err(error).context(format!("cannot read the component {}", path.display()));
            }
        };
        let hash = hash(&bytes);
        let path = path.to_owned();
        Ok(Self { path, bytes, hash })
    }

    /// The component, compiled now or earlier; `notice` is called when it is now.
    pub(crate) fn load(&self, engine: &Engine, notice: impl FnOnce()) -> Result<Component> {
        let mut key = DefaultHasher::new();
        self.hash.hash(&mut key);
        engine.precompile_compatibility_hash().hash(&mut key);
        let cache = Cache::beside(&self.path, key.finish());

        if let Some(component) = cache.load(engine) {
            return Ok(component);
        }
        // Whoever comes second waits here for the first instead of doing its work again. Without a lock, and without
        // a cache, everything works, only slower.
        let _lock = cache.lock();
        if let Some(component) = cache.load(engine) {
            return Ok(component);
        }
        notice();
        let code = self.code(engine)?;
        let _ = cache.store(&code);
        deserialize(engine, &code).map_err(anyhow::Error::from)
    }

    fn code(&self, engine: &Engine) -> Result<Vec<u8>> {
        engine
            .precompile_component(&self.bytes)
            .map_err(anyhow::Error::from)
            .with_context(|| format!("cannot compile {}", self.path.display()))
    }
}

struct Cache {
    directory: PathBuf,
    stem: String,
    file: PathBuf,
}

impl Cache {
    fn beside(artifact: &Path, key: u64) -> Self {
        let directory = artifact.with_file_name(CACHE_DIRECTORY);
        let stem = artifact
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let file = directory.join(format!("{stem}-{key:016x}.{CACHE_EXTENSION}"));
        Self {
            directory,
            stem,
            file,
        }
    }

    fn load(&self, engine: &Engine) -> Option<Component> {
        let mut code = fs::read(&self.file).ok()?;
        let checksum = code.split_off(code.len().checked_sub(CHECKSUM_LENGTH)?);
        if checksum != hash(&code).to_le_bytes() {
            return None;
        }
        deserialize(engine, &code).ok()
    }

    /// Locks the cache against other processes until the file is dropped.
    fn lock(&self) -> Option<File> {
        self.create_directory().ok()?;
        let file = File::create(self.directory.join(format!("{}.lock", self.stem))).ok()?;
        file.lock().ok()?;
        Some(file)
    }

    /// Nobody else may write here: what lies here is run as machine code.
    fn create_directory(&self) -> std::io::Result<()> {
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(&self.directory)
    }

    fn store(&self, code: &[u8]) -> std::io::Result<()> {
        let temporary = self.file.with_extension(format!("{}.tmp", process::id()));
        let content = [code, &hash(code).to_le_bytes()].concat();
        // The rename puts the whole file in its place at once.
        let stored = fs::write(&temporary, content)
            .and_then(|()| fs::rename(&temporary, &self.file))
            .inspect_err(|_| drop(fs::remove_file(&temporary)));
        self.remove_others();
        stored
    }

    /// Removes the code of earlier builds.
    fn remove_others(&self) {
        let prefix = format!("{}-", self.stem);
        for entry in fs::read_dir(&self.directory)
            .into_iter()
            .flatten()
            .flatten()
        {
            let path = entry.path();
            let earlier = path.extension().is_some_and(|it| it == CACHE_EXTENSION)
                && entry.file_name().to_string_lossy().starts_with(&prefix)
                && path != self.file;
            if earlier {
                let _ = fs::remove_file(path);
            }
        }
    }
}

#[allow(unsafe_code)]
fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `code` comes from `Engine::precompile_component`, either directly or through a file that carries its
    // checksum, in a directory that only this program writes to.
    unsafe { Component::deserialize(engine, code) }
}

/// A hash against mistakes, not against an attacker. It may change with the compiler, which costs a compilation.
fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

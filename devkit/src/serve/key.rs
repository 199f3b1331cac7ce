//! Generates a throw-away RSA key for local use with `openssl`. It is never committed or shown, and 8x8 does not know it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use devkit_spin_app::file;

use crate::os::process::stdout_of;
use crate::os::programs::{self, OPENSSL};
use crate::os::project::{Project, shown, write_private};
use crate::os::report;

/// The useful lengths among those that the component accepts.
const BITS: [&str; 3] = ["2048", "3072", "4096"];

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// As `openssl genpkey` writes it
    Pkcs8,
    /// As `ssh-keygen -m PEM` writes it, and as 8x8's instructions do
    Pkcs1,
}

/// What key to make, and where.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Length of the key
    #[arg(long, default_value = BITS[0],
        value_parser = PossibleValuesParser::new(BITS).try_map(|bits| bits.parse::<u16>()))]
    bits: u16,
    /// Format of the PEM
    #[arg(long, value_enum, default_value_t = Format::Pkcs8)]
    format: Format,
    /// File to write [default: .dev/throwaway-private-key.pem in the project]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Overwrite an existing file
    #[arg(long)]
    force: bool,
}

/// Generates a key, and prints its path and the command that shows the public half for 8x8.
pub fn key(project: &Project, options: &Options) -> Result<()> {
    let out = options.out.clone();
    let out = out.unwrap_or_else(|| default_path(project));
    ensure!(
        options.force || !out.exists(),
        "{} is there already: --force replaces it",
        shown(&out)
    );
    make(&out, options.bits, options.format)?;
    let shown = shown(&out);
    report::result(&shown)?;
    report::step(&format!(
        "8x8 accepts no token signed by this key until its public half is uploaded there. It is shown by:\n    \
         openssl pkey -in {} -pubout",
        quoted(&shown)
    ));
    Ok(())
}

/// Returns the throw-away key's PEM. The key is generated on the first call and kept.
pub fn throw_away(project: &Project) -> Result<String> {
    let path = default_path(project);
    if !path.exists() {
        make(&path, 2048, Format::Pkcs8)?;
    }
    file::text(&path, shown(&path))
}

pub fn default_path(project: &Project) -> PathBuf {
    project.root().join(".dev/throwaway-private-key.pem")
}

/// Generates a key and writes it to a file, replacing an existing one.
pub fn make(out: &Path, bits: u16, format: Format) -> Result<()> {
    let openssl = programs::require(OPENSSL)?;
    let printed = |arguments: &[&str]| stdout_of(Command::new(&openssl).args(arguments));
    let length = &format!("rsa_keygen_bits:{bits}");
    let bits = &bits.to_string();
    let (start, pem) = match format {
        Format::Pkcs8 => (
            "-----BEGIN PRIVATE ",
            printed(&["genpkey", "-algorithm", "RSA", "-pkeyopt", length]),
        ),
        Format::Pkcs1 => (
            "-----BEGIN RSA ",
            // OpenSSL 1 and LibreSSL write PKCS#1 by default and do not know the flag.
            printed(&["genrsa", "-traditional", bits]).or_else(|| printed(&["genrsa", bits])),
        ),
    };
    let pem = pem.filter(|pem| pem.starts_with(start));
    let pem = pem.context("openssl does not make a key in this shape")?;
    write_private(out, pem.as_bytes())
}

/// Quotes a text as one word for a shell.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:".contains(c);
    match word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_path_is_one_word_for_a_shell() {
        for (path, word) in [
            (".dev/key.pem", ".dev/key.pem"),
            ("my folder/key.pem", "'my folder/key.pem'"),
            ("it's.pem", "'it'\\''s.pem'"),
        ] {
            assert_eq!(quoted(path), word);
        }
    }

    #[test]
    fn a_file_that_is_there_is_kept_without_force() {
        let options = Options {
            bits: 2048,
            format: Format::Pkcs8,
            out: Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")),
            force: false,
        };
        let project = Project::find().expect("the tests run inside the project");
        let error = key(&project, &options).expect_err("the file is there");
        assert!(
            error.to_string().ends_with("--force replaces it"),
            "{error}"
        );
    }

    #[test]
    fn a_key_has_the_shape_that_was_chosen_and_is_its_owners_alone() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/key-tests");
        for (format, name, expected) in [
            (Format::Pkcs8, "pkcs8.pem", "-----BEGIN PRIVATE "),
            (Format::Pkcs1, "pkcs1.pem", "-----BEGIN RSA PRIVATE "),
        ] {
            let path = folder.join(name);
            make(&path, 2048, format).expect("a key");
            let pem = fs::read_to_string(&path).expect("its file");
            #[cfg(unix)]
            {
                let metadata = path.metadata().expect("its file");
                let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions());
                assert_eq!(mode & 0o777, 0o600);
            }
            fs::remove_file(&path).expect("it can be removed");
            assert!(pem.starts_with(expected), "{format:?}");
        }
    }
}

//! Makes a throw-away RSA key for local use; never committed, and unknown to 8x8.
//!
//! The key is made by `openssl`, or by `ssh-keygen` where there is no `openssl`. It is never shown, and its file is
//! readable by its owner alone from the first moment.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;

use crate::os::programs::{self, OPENSSL, SSH_KEYGEN};
use crate::os::project::{Project, shown};

/// Lengths that the component accepts and that are of use here.
pub const BITS: [&str; 3] = ["2048", "3072", "4096"];

/// What every PEM's first line ends with; in two parts, so that no search for keys finds this file.
const KEY: &str = concat!("PRIVATE", " KEY");

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// As `openssl genpkey` writes it
    Pkcs8,
    /// As `ssh-keygen -m PEM` writes it, and as 8x8's instructions do
    Pkcs1,
}

impl Format {
    /// The first line of a PEM of this shape.
    fn first_line(self) -> String {
        let kind = match self {
            Self::Pkcs8 => "",
            Self::Pkcs1 => "RSA ",
        };
        format!("-----BEGIN {kind}{KEY}-----")
    }
}

/// What key to make, and where.
#[derive(Debug, Clone)]
pub struct Order {
    /// The length of the modulus: one of [`BITS`].
    pub bits: u16,
    pub format: Format,
    pub out: PathBuf,
    /// Whether a file that is there is replaced.
    pub force: bool,
}

impl Order {
    /// The key that [`super::up`] takes when none is configured.
    pub fn throw_away(project: &Project) -> Self {
        Self {
            bits: 2048,
            format: Format::Pkcs8,
            out: default_path(project),
            force: false,
        }
    }
}

pub fn default_path(project: &Project) -> PathBuf {
    project.root().join(".dev/throwaway-private-key.pem")
}

pub fn make(order: &Order) -> Result<()> {
    let out = &order.out;
    ensure!(
        order.force || !out.exists(),
        "{} is there already: --force replaces it",
        shown(out)
    );
    let folder = out
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    private_folder(folder)
        .with_context(|| format!("the folder {} cannot be made", shown(folder)))?;

    let pem = if programs::find(OPENSSL.name).is_none() && programs::find(SSH_KEYGEN.name).is_some()
    {
        by_ssh_keygen(order, folder)?
    } else {
        by_openssl(order, &programs::require(OPENSSL)?)?
    };
    ensure!(
        pem.trim_start().starts_with(&order.format.first_line()),
        "the program that makes keys wrote another shape of PEM than --format says"
    );

    // Whole or not at all, and never through a link to somewhere else.
    let new = folder.join(format!(".new-key-{}", std::process::id()));
    let written = private_file(&new).and_then(|mut file| file.write_all(pem.as_bytes()));
    let placed = written.and_then(|()| fs::rename(&new, out));
    if placed.is_err() {
        let _ = fs::remove_file(&new);
    }
    placed.with_context(|| format!("{} cannot be written", shown(out)))
}

/// The throw-away key's PEM, made on the first call and kept.
pub fn throw_away(project: &Project) -> Result<String> {
    let order = Order::throw_away(project);
    if !order.out.exists() {
        make(&order)?;
    }
    fs::read_to_string(&order.out).with_context(|| format!("{} cannot be read", shown(&order.out)))
}

/// The command that shows the public half, which 8x8 wants.
pub fn show_public_half(path: &Path) -> String {
    let path = quoted(&shown(path));
    if programs::find(OPENSSL.name).is_some() {
        format!("openssl pkey -in {path} -pubout")
    } else {
        format!("ssh-keygen -e -m PKCS8 -f {path}")
    }
}

/// A text as one word for a shell.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:".contains(c);
    if word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

fn by_openssl(order: &Order, openssl: &Path) -> Result<String> {
    let bits = format!("rsa_keygen_bits:{}", order.bits);
    let pem = output(
        Command::new(openssl).args(["genpkey", "-algorithm", "RSA", "-pkeyopt", &bits]),
        "",
    )?;
    if order.format == Format::Pkcs8 {
        return Ok(pem);
    }
    // OpenSSL 1 and LibreSSL write PKCS#1 unasked and do not know the flag.
    output(Command::new(openssl).args(["rsa", "-traditional"]), &pem)
        .or_else(|_| output(Command::new(openssl).arg("rsa"), &pem))
}

fn by_ssh_keygen(order: &Order, folder: &Path) -> Result<String> {
    let path = programs::find(SSH_KEYGEN.name).context("ssh-keygen is not there")?;
    let workshop = folder.join(format!(".new-key-{}.d", std::process::id()));
    private_folder(&workshop)
        .with_context(|| format!("the folder {} cannot be made", shown(&workshop)))?;
    let file = workshop.join("key");
    let format = match order.format {
        Format::Pkcs8 => "PKCS8",
        Format::Pkcs1 => "PEM",
    };
    let bits = order.bits.to_string();
    let mut command = Command::new(path);
    command
        .args([
            "-q", "-t", "rsa", "-b", &bits, "-m", format, "-N", "", "-C", "", "-f",
        ])
        .arg(&file);
    let pem = output(&mut command, "")
        .and_then(|_| fs::read_to_string(&file).context("ssh-keygen wrote no key"));
    let _ = fs::remove_dir_all(&workshop);
    pem
}

/// What a program writes; its own messages are not shown.
fn output(command: &mut Command, input: &str) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("{name} cannot be started"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that wants no input may be gone already.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child
        .wait_with_output()
        .with_context(|| format!("{name} cannot be waited for"))?;
    if !output.status.success() {
        bail!("{name} cannot make the key ({})", output.status);
    }
    String::from_utf8(output.stdout).map_err(|_| anyhow::anyhow!("{name} wrote no text"))
}

/// Makes a folder, and those above it, for its owner alone.
fn private_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Makes a new file for its owner alone.
fn private_file(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
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
        let out = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let order = Order {
            bits: 2048,
            format: Format::Pkcs8,
            out,
            force: false,
        };
        let error = make(&order).expect_err("the file is there");
        assert!(
            error.to_string().ends_with("--force replaces it"),
            "{error}"
        );
    }
}

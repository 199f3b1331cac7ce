//! Looks for files that hold a secret: by what is in them, not by their names. 8x8's own download is called
//! `Key 9_25_2026, 10_00_00 AM.pk`.

use std::collections::VecDeque;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use devkit_spin_app::PREFIX;

/// The most bytes of a file that are read.
const MAX_FILE_BYTES: u64 = 64 * 1024;
const MAX_FILES: usize = 4000;
const SKIPPED: [&str; 4] = [".git", "target", "node_modules", ".spin"];

/// The files below a folder that hold a private key, nearest first. Links are not followed; no more than
/// At most `MAX_FILES` files of up to `MAX_FILE_BYTES` are read.
pub fn private_keys(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut read = 0;
    let mut folders = VecDeque::from([root.to_path_buf()]);
    while let Some(folder) = folders.pop_front() {
        let mut entries: Vec<fs::DirEntry> = fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .collect();
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let (Ok(kind), Ok(metadata)) = (entry.file_type(), entry.metadata()) else {
                continue;
            };
            let is_skipped = SKIPPED.iter().any(|name| entry.file_name() == *name);
            if kind.is_dir() && !is_skipped {
                folders.push_back(entry.path());
            } else if kind.is_file() && metadata.len() <= MAX_FILE_BYTES {
                if read == MAX_FILES {
                    return found;
                }
                read += 1;
                if beginning(&entry.path()).is_some_and(|text| has_private_key(&text)) {
                    found.push(entry.path());
                }
            }
        }
    }
    found
}

/// The first bytes of a file, as text.
pub fn beginning(path: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    fs::File::open(path)
        .ok()?
        .take(MAX_FILE_BYTES)
        .read_to_end(&mut bytes)
        .ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
}

fn has_private_key(text: &str) -> bool {
    // In two parts, so that no search for keys finds this file.
    const KEY: &str = concat!("PRIVATE", " KEY-----");
    lines(text).any(|line| line.contains("-----BEGIN ") && line.contains(KEY))
}

/// What secret a text holds, whatever format it has.
pub fn secret_in(text: &str) -> Option<&'static str> {
    if has_private_key(text) {
        return Some("a private key");
    }
    // `NAME=value` of an env file and `name = "value"` of TOML; a table in braces is a declaration.
    let sets = |wanted: &[&str]| {
        lines(text).any(|line| {
            let Some((name, value)) = line.split_once('=') else {
                return false;
            };
            let name = name.trim().trim_start_matches("export ").trim();
            let name = name.strip_prefix(PREFIX).unwrap_or(name).to_lowercase();
            let value = value.trim().trim_matches(['"', '\'']);
            wanted.contains(&name.as_str()) && !value.is_empty() && !value.starts_with('{')
        })
    };
    if sets(&["jaas_private_key"]) {
        Some("a private key")
    } else if sets(&["auth_hs256_secret"]) {
        Some("the secret of your login")
    } else if sets(&["client_secret", "token"]) {
        Some("the credential of a provider")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_in_every_kind_of_file() {
        let pem = format!(
            "-----BEGIN RSA {}-----\nAAAA\n",
            ["PRIVATE", "KEY"].join(" ")
        );
        for (text, secret) in [
            (pem.clone(), Some("a private key")),
            (format!("JAAS_PRIVATE_KEY=\"{pem}\""), Some("a private key")),
            (
                "export SPIN_VARIABLE_JAAS_PRIVATE_KEY=LS0t".into(),
                Some("a private key"),
            ),
            ("jaas_private_key = \"LS0t\"".into(), Some("a private key")),
            (
                "AUTH_HS256_SECRET='x'".into(),
                Some("the secret of your login"),
            ),
            ("token = \"x\"".into(), Some("the credential of a provider")),
            (
                "client_secret = \"x\"".into(),
                Some("the credential of a provider"),
            ),
            (
                "jaas_private_key = { required = true, secret = true }".into(),
                None,
            ),
            (
                "auth_hs256_secret = { default = \"\", secret = true }".into(),
                None,
            ),
            ("jaas_private_key = \"{{ jaas_private_key }}\"".into(), None),
            ("# jaas_private_key = \"\"\"".into(), None),
            ("JAAS_PRIVATE_KEY=\n".into(), None),
            ("JAAS_APP_ID=a".into(), None),
            ("-----BEGIN PUBLIC KEY-----\nAAAA".into(), None),
        ] {
            assert_eq!(secret_in(&text), secret, "{text}");
        }
    }

    #[test]
    fn the_projects_own_files_hold_no_secret() {
        for text in [
            include_str!("../../../spin.toml"),
            include_str!("../../../runtime-config.toml"),
        ] {
            assert_eq!(secret_in(text), None);
        }
    }
}

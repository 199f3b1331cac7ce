//! Finds files that contain a secret, by their content instead of their names. 8x8's own download is called
//! `Key 9_25_2026, 10_00_00 AM.pk`.

use std::collections::VecDeque;
use std::fs::{self, DirEntry, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use devkit_spin_app::PREFIX;

/// The maximum number of bytes to read from a file.
const MAX_FILE_BYTES: u64 = 64 * 1024;
const MAX_FILES: usize = 4000;
const SKIPPED: [&str; 4] = [".git", "target", "node_modules", ".spin"];

/// The variables that contain a secret, and the secret's name in messages. The last two are for providers.
const SECRETS: [(&str, &str); 4] = [
    ("jaas_private_key", PRIVATE_KEY),
    ("auth_hs256_secret", "the secret of your login"),
    ("client_secret", "the credential of a provider"),
    ("token", "the credential of a provider"),
];
const PRIVATE_KEY: &str = "a private key";

/// Returns the files below a folder that contain a private key, nearest first. Symbolic links are not followed. At most
/// `MAX_FILES` files of at most `MAX_FILE_BYTES` are read.
pub fn private_keys(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut read = 0;
    let mut folders = VecDeque::from([root.to_path_buf()]);
    while let Some(folder) = folders.pop_front() {
        let entries = fs::read_dir(folder).into_iter().flatten();
        let mut entries: Vec<DirEntry> = entries.flatten().collect();
        entries.sort_by_key(DirEntry::file_name);
        for entry in entries {
            // For a symbolic link, this is the metadata of the link itself.
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            let is_skipped = SKIPPED.iter().any(|name| entry.file_name() == *name);
            if metadata.is_dir() && !is_skipped {
                folders.push_back(entry.path());
            } else if metadata.is_file() && metadata.len() <= MAX_FILE_BYTES {
                if read == MAX_FILES {
                    return found;
                }
                read += 1;
                let text = File::open(entry.path()).and_then(beginning);
                if text.is_ok_and(|text| has_private_key(&text)) {
                    found.push(entry.path());
                }
            }
        }
    }
    found
}

/// Returns the first bytes of a file as text.
pub fn beginning(source: impl Read) -> io::Result<String> {
    let mut bytes = Vec::new();
    source.take(MAX_FILE_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.starts_with('#'))
}

/// Returns name and value of `NAME=value`, as in an env file or in TOML.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    let name = name.trim().trim_start_matches("export ").trim();
    Some((name, value.trim()))
}

fn has_private_key(text: &str) -> bool {
    // Composed, so that searches for keys do not find this file.
    const KEY: &str = concat!("PRIVATE", " KEY-----");
    lines(text).any(|line| line.contains("-----BEGIN ") && line.contains(KEY))
}

/// Returns the name of the secret that a text contains, in any format.
pub fn secret_in(text: &str) -> Option<&'static str> {
    if has_private_key(text) {
        return Some(PRIVATE_KEY);
    }
    // A table in braces only declares the variable.
    let is_given = |value: &str| {
        let value = value.trim_matches(['"', '\'']);
        !value.is_empty() && !value.starts_with('{')
    };
    let names: Vec<String> = lines(text)
        .filter_map(assignment)
        .filter(|(_, value)| is_given(value))
        .map(|(name, _)| name.strip_prefix(PREFIX).unwrap_or(name).to_lowercase())
        .collect();
    let mut secrets = SECRETS.iter();
    let found = secrets.find(|(name, _)| names.iter().any(|it| it == name));
    found.map(|(_, secret)| *secret)
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

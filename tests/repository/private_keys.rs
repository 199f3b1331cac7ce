//! No committed file contains a private key.

use std::path::PathBuf;
use std::process::Command;

use testkit::key_material::pem_line;
use testkit::{root, stdout_of};

/// Returns all files that are, or would be, committed.
fn files() -> Vec<PathBuf> {
    let mut git = Command::new("git");
    git.current_dir(root())
        .args(["ls-files", "-z", "--cached", "--others"])
        .arg("--exclude-standard");
    stdout_of(&mut git)
        .split_terminator('\0')
        .map(|name| root().join(name))
        // Deleted, but still in the index.
        .filter(|path| path.is_file())
        .collect()
}

/// Returns whether a private key begins anywhere in `text`.
fn has_private_key(text: &str) -> bool {
    let start = format!("{}BEGIN ", "-".repeat(5));
    text.match_indices(&start).any(|(at, _)| {
        let label = text[at + start.len()..].split('-').next().unwrap_or("");
        label.ends_with("PRIVATE KEY") && label.chars().all(|c| c.is_ascii_uppercase() || c == ' ')
    })
}

#[test]
fn a_private_key_would_be_found() {
    for label in [
        "PRIVATE KEY",
        "RSA PRIVATE KEY",
        "EC PRIVATE KEY",
        "OPENSSH PRIVATE KEY",
        "ENCRYPTED PRIVATE KEY",
    ] {
        let line = pem_line("BEGIN", label);
        assert!(has_private_key(&line), "{line}");
        assert!(has_private_key(&format!("x = \"{line}\\nMIIE")), "{line}");
    }
    for label in ["PUBLIC KEY", "CERTIFICATE"] {
        assert!(!has_private_key(&pem_line("BEGIN", label)));
    }
    assert!(!has_private_key(&pem_line("END", "PRIVATE KEY")));
}

#[test]
fn no_file_has_a_private_key() {
    let files = files();
    assert!(files.len() > 5, "{files:?}");
    for path in files {
        let bytes = std::fs::read(&path).expect("a file of the repository");
        assert!(
            !has_private_key(&String::from_utf8_lossy(&bytes)),
            "{}",
            path.display()
        );
    }
}

//! Files: whether they can be read, who else can read a secret, and what Git does with it.

use devkit::serve::key::quoted;

use crate::check::checks;
use crate::context::Context;
use crate::facts::{FileFacts, Git};
use crate::finding::Hit;

checks! {
    Error "env-file-broken" |c| broken(c, "env-file-broken");
    Error "runtime-config-broken" |c| broken(c, "runtime-config-broken");
    Error "file-tracked" |c| secrets(c, |file| file.git == Git::Tracked && !file.shared,
        "and is tracked by Git; a secret that was committed must be replaced.",
        |path| ignored(path, format!("git rm --cached {path} && ")));
    Error "file-tracked" |c| secrets(c, |file| file.git == Git::Tracked && file.shared,
        "and is tracked by Git; move the secret elsewhere, and replace it if it was committed.",
        |path| format!("git diff {}", quoted(path)));
    Warning "file-readable" |c| secrets(c, |file| file.open,
        "and other users of this machine can read or change it.", |path| format!("chmod 600 {}", quoted(path)));
    Warning "file-not-ignored" |c| secrets(c, |file| file.git == Git::Addable,
        "and the next `git add .` would add it.", |path| ignored(path, String::new()));
    Hint "env-file-unread" |c| c.facts.unread.iter().map(|path| {
        Hit::file(path, "exists and was not read.").repair(format!("cargo dev doctor --env-file {}", quoted(path)))
    });
    Hint "provider-unread" |c| c.facts.settings.other_providers().iter().map(|kind| {
        // The type may be any text, so only Spin's own names are repeated.
        let known = ["vault", "azure_key_vault"].into_iter().find(|known| known == kind);
        let known = known.unwrap_or("of another type");
        Hit::file("runtime-config.toml", format!("has a provider ({known}) that only Spin reads: its values were not examined."))
            .repair("curl http://127.0.0.1:3000/healthz, where the service runs")
    });
}

fn broken(c: &Context, check: &str) -> impl Iterator<Item = Hit> {
    let broken = c.facts.broken.iter().filter(move |(id, _)| *id == check);
    broken.map(|(_, hit)| hit.clone())
}

/// Returns a hit on each file to which `applies` applies.
fn secrets(
    c: &Context,
    applies: impl Fn(&FileFacts) -> bool,
    message: &str,
    repair: impl Fn(&str) -> String,
) -> impl Iterator<Item = Hit> {
    let files = c.facts.files.iter().filter(move |file| applies(file));
    files.map(move |file| {
        let message = format!("holds {}, {message}", file.secret);
        Hit::file(&file.path, message).repair(repair(&file.path))
    })
}

/// Returns a command that makes Git ignore a file, to run after another. `.gitignore` interprets spaces, `#`, `!` and
/// brackets, so the advice for files with such names is to move them.
fn ignored(path: &str, before: String) -> String {
    match is_plain(path) {
        true => format!("{before}echo {path} >> .gitignore"),
        false => "move it out of the project's folder, or give it a name without spaces and signs"
            .to_owned(),
    }
}

fn is_plain(path: &str) -> bool {
    let mut chars = path.chars();
    chars.all(|c| c.is_ascii_alphanumeric() || "._/-".contains(c))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_that_gitignore_reads_as_a_pattern_is_not_plain() {
        for (path, plain) in [
            ("key.txt", true),
            ("a/b-c_d.pem", true),
            ("a/my key[1].txt", false),
            ("#rk", false),
            ("!rk", false),
            ("a/tr ", false),
        ] {
            assert_eq!(super::is_plain(path), plain, "{path}");
        }
    }
}

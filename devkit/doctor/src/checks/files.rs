//! Files: what cannot be read, who else can read a secret, what Git does with it.

use crate::check::Repair::{Do, InMessage};
use crate::check::checks;
use crate::context::Context;
use crate::facts::{FileFacts, Git};
use crate::hit::Hit;

checks! {
    Error "env-file-broken" |c| broken(c, "env-file-broken")
        => "cannot be read as an env file: {}.", InMessage;
    Error "runtime-config-broken" |c| broken(c, "runtime-config-broken")
        => "cannot be read: {}.", InMessage;
    Error "file-tracked" |c| by_name(secrets(c, |file| file.git == Git::Tracked && !file.shared))
        => "holds {} and is tracked by Git; a secret that was committed must be replaced.",
        Do("git rm --cached {} && echo {} >> .gitignore");
    Error "file-tracked" |c| secrets(c, |file| file.git == Git::Tracked && file.shared)
        => "holds {} and is tracked by Git; move the secret elsewhere, and replace it if it was committed.",
        Do("git diff {}");
    Warning "file-readable" |c| secrets(c, |file| file.open)
        => "holds {}, and other users of this machine can read or change it.", Do("chmod 600 {}");
    Warning "file-not-ignored" |c| by_name(secrets(c, |file| file.git == Git::Addable))
        => "holds {}, and the next `git add .` would add it.", Do("echo {} >> .gitignore");
    Hint "env-file-unread" |c| c.facts.unread.iter().map(|path| Hit::file(path))
        => "exists and was not read.", Do("cargo dev doctor --env-file {}");
    Hint "provider-unread" |c| c.facts.settings.other_providers().iter().map(|kind| {
        // Anything may stand there; only Spin's own words are repeated.
        let known = ["vault", "azure_key_vault"].into_iter().find(|known| known == kind);
        Hit::file("runtime-config.toml").detail(known.unwrap_or("of another type"))
    })
        => "has a provider ({}) that only Spin reads: its values were not examined.",
        Do("curl http://127.0.0.1:3000/healthz, where the service runs");
}

fn broken(c: &Context, id: &str) -> impl Iterator<Item = Hit> {
    let broken = c.facts.broken.iter().filter(move |broken| broken.id == id);
    broken.map(|broken| {
        Hit::file(&broken.path)
            .detail(&broken.detail)
            .repair(&broken.repair)
    })
}

/// The files with a secret of which this is so.
fn secrets(c: &Context, applies: impl Fn(&FileFacts) -> bool) -> impl Iterator<Item = Hit> {
    c.facts.files.iter().filter_map(move |file| {
        let secret = file.secret.filter(|_| applies(file))?;
        Some(Hit::file(&file.path).detail(secret))
    })
}

/// `.gitignore` reads names with spaces, `#`, `!` or brackets as something else: such a file is better moved.
fn by_name(hits: impl IntoIterator<Item = Hit>) -> impl Iterator<Item = Hit> {
    hits.into_iter().map(|hit| {
        if is_plain(&hit.subject.to_string()) {
            hit
        } else {
            hit.repair(
                "move it out of the project's folder, or give it a name without spaces and signs",
            )
        }
    })
}

fn is_plain(path: &str) -> bool {
    path.chars()
        .all(|c| c.is_ascii_alphanumeric() || "._/-".contains(c))
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

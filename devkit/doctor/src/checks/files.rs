//! Files: what cannot be read, who else can read a secret, what Git does with it.

use crate::check::Repair::{Do, InMessage};
use crate::check::Severity::{Error, Hint, Warning};
use crate::check::{Check, Hit};
use crate::context::Context;
use crate::facts::{Broken, FileFacts, Git};

pub const CHECKS: &[Check] = &[
    Check {
        id: "env-file-broken",
        severity: Error,
        when: |context| broken(context, "env-file-broken"),
        message: "cannot be read as an env file: {}.",
        repair: InMessage,
    },
    Check {
        id: "runtime-config-broken",
        severity: Error,
        when: |context| broken(context, "runtime-config-broken"),
        message: "cannot be read: {}.",
        repair: InMessage,
    },
    Check {
        id: "file-tracked",
        severity: Error,
        when: |context| {
            let files = secrets(context, |file| file.git == Git::Tracked && !file.shared);
            files.collect()
        },
        message: "holds {} and is tracked by Git; a secret that was committed must be replaced.",
        repair: Do("git rm --cached {} && echo {} >> .gitignore"),
    },
    Check {
        id: "file-tracked",
        severity: Error,
        when: |context| {
            let files = secrets(context, |file| file.git == Git::Tracked && file.shared);
            files.collect()
        },
        message: "holds {} and is tracked by Git; move the secret elsewhere, and replace it if it was committed.",
        repair: Do("git diff {}"),
    },
    Check {
        id: "file-readable",
        severity: Warning,
        when: |context| secrets(context, |file| file.open).collect(),
        message: "holds {}, and other users of this machine can read or change it.",
        repair: Do("chmod 600 {}"),
    },
    Check {
        id: "file-not-ignored",
        severity: Warning,
        when: |context| secrets(context, |file| file.git == Git::Addable).collect(),
        message: "holds {}, and the next `git add .` would add it.",
        repair: Do("echo {} >> .gitignore"),
    },
    Check {
        id: "file-bom",
        severity: Warning,
        when: |context| {
            let files = context.facts.files.iter().filter(|file| file.bom);
            files.map(|file| Hit::file(&file.path)).collect()
        },
        message: "begins with a byte order mark, which other programs take for a part of the first name.",
        repair: Do("sed -i '1s/^\\xEF\\xBB\\xBF//' {}"),
    },
    Check {
        id: "env-file-unread",
        severity: Hint,
        when: |context| {
            let unread = context.facts.unread.iter();
            unread.map(|path| Hit::file(path)).collect()
        },
        message: "exists and was not read.",
        repair: Do("cargo dev doctor --env-file {}"),
    },
    Check {
        id: "provider-unread",
        severity: Hint,
        when: |context| {
            let providers = context.facts.settings.other_providers().iter();
            providers
                .map(|kind| {
                    // Anything may stand there; only Spin's own words are repeated.
                    let known = ["vault", "azure_key_vault"]
                        .into_iter()
                        .find(|known| known == kind);
                    Hit::file("runtime-config.toml").detail(known.unwrap_or("of another type"))
                })
                .collect()
        },
        message: "has a provider ({}) that only Spin reads: its values were not examined.",
        repair: Do("curl http://127.0.0.1:3000/healthz, where the service runs"),
    },
];

fn broken(context: &Context, id: &str) -> Vec<Hit> {
    let broken = context.facts.broken.iter().filter(|broken| broken.id == id);
    broken
        .map(
            |Broken {
                 path,
                 detail,
                 repair,
                 ..
             }| { Hit::file(path).detail(detail).repair(repair) },
        )
        .collect()
}

/// The files with a secret of which this is so.
fn secrets(context: &Context, applies: impl Fn(&FileFacts) -> bool) -> impl Iterator<Item = Hit> {
    let files = context.facts.files.iter();
    files.filter_map(move |file| {
        let secret = file.secret.filter(|_| applies(file))?;
        Some(Hit::file(&file.path).detail(secret))
    })
}

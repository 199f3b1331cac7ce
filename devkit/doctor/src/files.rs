//! Files: who can read them, what Git does with them, what is odd about their text.

use devkit::dev_key::quoted;

use crate::facts::{Facts, Git};
use crate::finding::{Finding, Kind, Subject};

/// Remarks on the files.
pub fn examine(facts: &Facts, found: &mut Vec<Finding>) {
    for file in &facts.files {
        let path = quoted(&file.path);
        let mut add = |kind, message: String, repair: String| {
            found.push(Finding::new(
                kind,
                Subject::File(file.path.clone()),
                message,
                repair,
            ));
        };
        if let Some(secret) = file.secret {
            if file.open {
                add(
                    Kind::FileReadable,
                    format!(
                        "holds {secret}, and other users of this machine can read or change it."
                    ),
                    format!("chmod 600 {path}"),
                );
            }
            match file.git {
                Git::Tracked if file.shared => add(
                    Kind::FileTracked,
                    format!(
                        "holds {secret}, and Git tracks it; take the secret out of it, and replace a secret that was committed."
                    ),
                    format!("git diff {path}"),
                ),
                Git::Tracked => add(
                    Kind::FileTracked,
                    format!(
                        "holds {secret}, and Git tracks it; a secret that was committed must be replaced."
                    ),
                    format!("git rm --cached {path} && echo {path} >> .gitignore"),
                ),
                Git::Addable => add(
                    Kind::FileNotIgnored,
                    format!("holds {secret}, and Git would add it with the next `git add .`."),
                    format!("echo {path} >> .gitignore"),
                ),
                Git::Away => {}
            }
        }
        if file.bom {
            add(
                Kind::FileBom,
                "begins with a byte order mark, which other programs take for a part of the first name.".into(),
                format!("sed -i '1s/^\\xEF\\xBB\\xBF//' {path}"),
            );
        }
        if file.crlf {
            add(
                Kind::FileCrlf,
                "has the line ends of Windows; they are understood here, and by a shell not."
                    .into(),
                format!("sed -i 's/\\r$//' {path}"),
            );
        }
    }
    if let Some(path) = &facts.unread {
        let path = quoted(path);
        found.push(Finding::new(
            Kind::EnvFileUnread,
            Subject::File(path.clone()),
            "is there and was not read.",
            format!("cargo dev doctor --env-file {path}"),
        ));
    }
    for kind in facts.settings.other_providers() {
        // Anything may stand there; only Spin's own words are repeated.
        let kind = ["vault", "azure_key_vault"]
            .into_iter()
            .find(|known| known == kind)
            .unwrap_or("another type");
        found.push(Finding::new(
            Kind::ProviderUnread,
            Subject::File("runtime-config.toml".to_owned()),
            format!("has a provider ({kind}) that only Spin asks: what it gives was not examined."),
            "curl http://127.0.0.1:3000/healthz, where the service runs",
        ));
    }
}

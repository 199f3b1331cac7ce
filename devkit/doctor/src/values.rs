//! The values that variables have, and what shells and `.env` files do to them.

use devkit::settings::{PREFIX, Source, environment_name, presented};
use jaas_jwt::config::variable;

use crate::facts::Facts;
use crate::finding::{Finding, Kind, Subject};

/// The variables that hold a file: its quotes and line breaks are the service's business.
const FILES: [&str; 3] = [
    variable::PRIVATE_KEY.name,
    variable::AUTH_PUBLIC_KEY.name,
    variable::AUTH_JWKS.name,
];

/// Those whose values 8x8, a login or a browser must know: an example's cannot work.
const KNOWN_ELSEWHERE: [&str; 7] = [
    variable::APP_ID.name,
    variable::KEY_ID.name,
    variable::PRIVATE_KEY.name,
    variable::ALLOWED_ORIGINS.name,
    variable::AUTH_HS256_SECRET.name,
    variable::AUTH_ISSUER.name,
    variable::AUTH_AUDIENCE.name,
];

/// Values of examples: the Worker's description, 8x8's and this project's pages, and `cargo dev up` without a key.
const EXAMPLES: [&str; 15] = [
    "your_",
    "your-",
    "…",
    "...",
    "changeme",
    "change-me",
    "example.com",
    "example.net",
    "example.org",
    ".example",
    "vpaas-magic-cookie-00000000000000000000000000000000",
    "vpaas-magic-cookie-1fc542a3e4414a44b2611668195e2bfe",
    "vpaas-magic-cookie-xxxx",
    "/xxxxxx",
    "0123456789abcdef0123456789abcdef",
];

impl Facts {
    /// The value that counts, if somebody gives one or it has a default.
    #[must_use]
    pub fn value(&self, variable: &str) -> Option<&str> {
        let given = self.settings.given(variable).first();
        given.map(|(_, value)| value.as_str()).or_else(|| {
            self.variables
                .iter()
                .find(|declared| declared.name == variable)
                .and_then(|declared| declared.default.as_deref())
        })
    }

    /// Whether somebody gives another value than the default.
    #[must_use]
    pub fn is_changed(&self, variable: &str) -> bool {
        let default = self
            .variables
            .iter()
            .find(|declared| declared.name == variable)
            .and_then(|declared| declared.default.as_deref());
        self.value(variable).map(str::trim) != default
    }

    fn place(&self, source: &Source) -> String {
        match source {
            Source::Provider => "a static provider in runtime-config.toml".to_owned(),
            Source::Environment(name) => format!("{name} in the environment"),
            Source::DotEnv(name) => format!("{name} in .env"),
            Source::EnvFile(name) => format!(
                "{name} in {}",
                self.env_file.as_deref().unwrap_or("the env file")
            ),
        }
    }
}

/// The command that gives a variable a value; it wins over an env file.
#[must_use]
pub fn set(variable: &str, value: &str) -> String {
    format!("export {}={value}", environment_name(variable))
}

/// What is odd about the texts of the values.
pub fn examine(facts: &Facts, found: &mut Vec<Finding>) {
    for declared in &facts.variables {
        let name = declared.name.as_str();
        let given = facts.settings.given(name);
        let Some((source, value)) = given.first() else {
            continue;
        };
        if let Some((other, _)) = given.iter().find(|(_, other)| other.trim() != value.trim()) {
            found.push(Finding::of_variable(
                Kind::TwoValues,
                name,
                format!(
                    "has one value by {} and another by {}; the first one wins.",
                    facts.place(source),
                    facts.place(other)
                ),
                match source {
                    Source::Environment(name) => {
                        format!("unset {name}, or take the other one away")
                    }
                    Source::Provider | Source::EnvFile(_) | Source::DotEnv(_) => {
                        "take one of the two away".to_owned()
                    }
                },
            ));
        }
        let value = value.trim();
        let mut add = |kind, message: &str, repair: String| {
            found.push(Finding::of_variable(kind, name, message, repair));
        };
        if !FILES.contains(&name) {
            let quote = |c: char| matches!(c, '"' | '\'' | '`');
            if value.starts_with(quote) || value.ends_with(quote) {
                add(
                    Kind::Quotes,
                    "starts or ends with a quote, which belongs to the value like this; quote it once, for the shell or the file alone.",
                    set(name, "'VALUE'"),
                );
            }
            if value.contains("\\n") || value.contains("\\r") {
                add(
                    Kind::Escapes,
                    "has a backslash and an n or r where a line break was meant; only keys may be written so.",
                    set(name, "\"$(printf 'VALUE\\nVALUE')\""),
                );
            }
            if value.ends_with('\\') {
                add(
                    Kind::TrailingBackslash,
                    "ends with a backslash: a line that was to go on did not.",
                    set(name, "'VALUE'"),
                );
            }
        }
        if is_unexpanded(value) {
            add(
                Kind::Unexpanded,
                "still has the $ or the back quote of something that a shell should have put in; single quotes and env files put nothing in.",
                set(name, "\"$(cat FILE)\""),
            );
        }
        if FILES.contains(&name) && is_path(value) {
            add(
                Kind::PathForContent,
                "is the name or the address of a file, and what is in the file is needed.",
                set(name, "\"$(cat FILE)\""),
            );
        }
        if KNOWN_ELSEWHERE.contains(&name) && is_example(value) {
            add(
                Kind::Placeholder,
                match name {
                    "allowed_origins" => {
                        "has an example's host; put in the origins of your own pages."
                    }
                    "auth_issuer" | "auth_audience" | "auth_hs256_secret" => {
                        "is that of an example; put in what your login has."
                    }
                    _ => {
                        "is that of an example; copy your own from the API Keys page of https://jaas.8x8.vc."
                    }
                },
                set(name, "'VALUE'"),
            );
        }
    }
}

/// `$NAME`, `${NAME}`, `$(COMMAND)` or `` `COMMAND` `` where a shell has not been.
fn is_unexpanded(value: &str) -> bool {
    if value.len() > 2 && value.starts_with('`') && value.ends_with('`') {
        return true;
    }
    value.match_indices('$').any(|(at, _)| {
        let rest = &value[at + 1..];
        let name = rest.trim_start_matches(|c: char| c.is_ascii_uppercase() || c == '_');
        rest.starts_with(['(', '{']) || rest.len() - name.len() > 2
    })
}

/// A path, Spin's `@file`, or an address: one word, and no PEM, base64 or JSON.
fn is_path(value: &str) -> bool {
    let one_word = value.len() < 512 && !value.contains(char::is_whitespace);
    let lower = value.to_ascii_lowercase();
    one_word
        && !value.contains("-----")
        && (value.starts_with(['@', '/', '.', '~'])
            || [".pem", ".key", ".pub", ".json", ".txt"]
                .iter()
                .any(|ending| lower.ends_with(ending))
            || lower.starts_with("https://")
            || lower.starts_with("http://")
            || lower.starts_with("file:"))
}

fn is_example(value: &str) -> bool {
    let lower = value.to_lowercase();
    EXAMPLES.iter().any(|example| lower.contains(example))
}

/// Names that are no variables although somebody may think so.
pub fn examine_names(facts: &Facts, found: &mut Vec<Finding>) {
    let names: Vec<&str> = facts.variables.iter().map(|v| v.name.as_str()).collect();
    let plain = |name: &str| name.to_ascii_uppercase();
    let in_files: Vec<String> = names
        .iter()
        .flat_map(|name| [environment_name(name), plain(name)])
        .collect();
    for name in facts.settings.unknown() {
        unknown(
            found,
            name,
            facts.env_file.as_deref().unwrap_or("the env file"),
            &in_files,
        );
    }
    let provided: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    for name in facts.settings.provider_names() {
        if !provided.iter().any(|known| known == name) {
            unknown(found, name, "a provider in runtime-config.toml", &provided);
        }
    }
    for name in &facts.environment {
        if in_files.contains(name) {
            let of_spin = name.starts_with(PREFIX);
            let of_the_worker = ["JAAS_APP_ID", "JAAS_KEY_ID", "JAAS_PRIVATE_KEY"];
            if !of_spin && !of_the_worker.contains(&name.as_str()) {
                found.push(Finding::new(
                    Kind::NameUnread,
                    Subject::Name(name.clone()),
                    "in the environment is not read without its prefix.",
                    format!(
                        "export {}=\"${name}\"",
                        environment_name(&name.to_ascii_lowercase())
                    ),
                ));
            }
        } else if name.starts_with(PREFIX)
            || (looks_like_ours(name) && nearest(name, &in_files).is_some())
        {
            unknown(found, name, "the environment", &in_files);
        }
    }
}

/// Whether an environment variable's name was meant for us. `JAAS_TEST_…` tell the tests what to serve.
fn looks_like_ours(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    (name.starts_with("SPIN_VAR") || name.starts_with("JAAS_")) && !name.starts_with("JAAS_TEST_")
}

fn unknown(found: &mut Vec<Finding>, name: &str, place: &str, known: &[String]) {
    if let Some(nearest) = nearest(name, known) {
        found.push(Finding::new(
            Kind::NameMisspelt,
            Subject::Name(name.to_owned()),
            format!("in {place} is no variable; {nearest} was probably meant."),
            format!("write {nearest} in its place"),
        ));
        return;
    }
    found.push(Finding::new(
        Kind::NameUnknown,
        Subject::Name(presented(name).to_owned()),
        format!("in {place} is no variable of spin.toml; it is left out."),
        "take it out, if it was meant for this service",
    ));
}

/// The known name that is most like this one, if it is like it.
fn nearest<'a>(name: &str, known: &'a [String]) -> Option<&'a str> {
    const LIKENESS: f64 = 0.7;
    let upper = name.to_ascii_uppercase();
    let likeness = |known: &str| {
        let known = known.to_ascii_uppercase();
        // A long prefix that they share would make all alike.
        let strip = |text: &str| text.replacen(PREFIX, "", 1);
        strsim::normalized_damerau_levenshtein(&strip(&upper), &strip(&known))
    };
    known
        .iter()
        .map(|known| (likeness(known), known.as_str()))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness >= LIKENESS)
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_did_not_put_in_is_told_from_money() {
        for (value, unexpanded) in [
            ("$(cat key.pem)", true),
            ("x${HOME}", true),
            ("$JAAS_KEY", true),
            ("`cat key.pem`", true),
            ("100$", false),
            ("A$AP", false),
            ("$5", false),
            ("", false),
        ] {
            assert_eq!(is_unexpanded(value), unexpanded, "{value}");
        }
    }

    #[test]
    fn a_path_is_told_from_what_is_in_a_file() {
        for (value, path) in [
            ("key.pem", true),
            ("@key.pem", true),
            ("/run/secrets/jaas", true),
            ("~/jaas", true),
            ("https://id.example/jwks.json", true),
            ("LS0tLS1CRUdJTiBQUklWQVRF", false),
            ("{\"keys\":[]}", false),
            ("", false),
        ] {
            assert_eq!(is_path(value), path, "{value}");
        }
    }
}

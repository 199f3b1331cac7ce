//! Names and values as texts: what shells, env files and examples leave in them.

use devkit_spin_app::settings::{Source, Variable, presented};
use devkit_spin_app::{PREFIX, environment_name};

use crate::check::Repair::{Do, InMessage, Output, Set};
use crate::check::checks;
use crate::context::{CREDENTIALS, Context};
use crate::examples::is_placeholder;
use crate::facts::Facts;
use crate::hit::{Hit, Subject};

/// The variables that hold a file: its quotes and line breaks are the service's business.
const FILES: [&str; 3] = ["jaas_private_key", "auth_public_key", "auth_jwks"];

checks! {
    Warning "two-values" |c| two_values(c)
        => "has one value by {} and another by {}; the first one wins.", Do("remove one of the two");
    Warning "quotes" |c| c.hits(|name, value| {
        const QUOTES: [char; 3] = ['"', '\'', '`'];
        !FILES.contains(&name) && (value.starts_with(QUOTES) || value.ends_with(QUOTES))
    })
        => "starts or ends with a quote, which is now part of the value; quote it once, for the shell or the file alone.",
        Set("VALUE");
    Warning "unexpanded" |c| c.hits(|_, value| is_unexpanded(value))
        => "still has a $ or a back quote that a shell should have replaced; single quotes and env files replace nothing.",
        Output("cat FILE");
    Warning "path-for-content" |c| c.hits(|name, value| FILES.contains(&name) && is_path(value)).map(|hit| {
        match hit.subject == Subject::Variable("auth_jwks".to_owned()) && c.text("auth_jwks").starts_with("http") {
            true => hit.repair("give the address to auth_jwks_url, and its origin to auth_jwks_origin"),
            false => hit,
        }
    })
        => "is the name or the address of a file; the text of the file is needed.", Output("cat FILE");
    Warning "placeholder" |c| c.hits(is_placeholder)
        => "is that of an example and works for nobody.", Set("VALUE");

    Warning "name-unread" |c| unread_names(c.facts).map(|name| {
        let full = environment_name(&name.to_ascii_lowercase());
        Hit::variable(name).repair(format!("export {full}=\"${name}\""))
    })
        => "in the environment is not read without its prefix SPIN_VARIABLE_.", InMessage;
    Warning "name-misspelt" |c| unknown_names(c.facts).into_iter().filter_map(|name| {
        let nearest = name.nearest?;
        let hit = Hit::variable(&name.name).detail(name.place).detail(&nearest);
        Some(hit.repair(format!("write {nearest} in its place")))
    })
        => "in {} is no variable; {} was probably meant.", InMessage;
    Hint "name-unknown" |c| unknown_names(c.facts).into_iter().filter(|name| name.nearest.is_none()).map(|name| {
        Hit::variable(presented(&name.name)).detail(name.place)
    })
        => "in {} is no variable of spin.toml and is ignored.", Do("remove it, if it was meant for this service");
}

/// Variables without their prefix in the environment, where only the Worker's three names are read so. One that has the
/// value that counts anyway is no fault.
fn unread_names(facts: &Facts) -> impl Iterator<Item = &String> {
    facts.environment.iter().filter_map(|(name, value)| {
        let is_plain = |v: &&Variable| v.name.to_ascii_uppercase() == *name;
        let variable = facts.variables.iter().find(is_plain)?;
        let is_read = CREDENTIALS.contains(&variable.name.as_str());
        let counts = facts.settings.value(&variable.name).unwrap_or_default();
        (!is_read && counts.trim() != value.trim()).then_some(name)
    })
}

fn two_values(c: &Context) -> impl Iterator<Item = Hit> {
    c.facts.variables.iter().filter_map(|variable| {
        let place = |source: &Source| match source {
            Source::Provider => "a static provider in runtime-config.toml".to_owned(),
            Source::Environment(name) => format!("{name} in the environment"),
            Source::DotEnv(name) => format!("{name} in .env"),
            Source::EnvFile(name) => format!("{name} in {}", c.facts.env_file_name()),
        };
        let given = c.facts.settings.given(&variable.name);
        let (source, value) = given.first()?;
        let (other, _) = given.iter().find(|(_, v)| v.trim() != value.trim())?;
        let hit = Hit::variable(&variable.name);
        Some(hit.detail(place(source)).detail(place(other)))
    })
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
            || [".pem", ".key", ".pk", ".pub", ".json", ".txt"]
                .iter()
                .any(|ending| lower.ends_with(ending))
            || lower.starts_with("https://")
            || lower.starts_with("http://")
            || lower.starts_with("file:"))
}

/// A name that is no variable although somebody may think so.
struct Unknown {
    name: String,
    place: String,
    /// The variable that was probably meant, as it is written in this place.
    nearest: Option<String>,
}

fn unknown_names(facts: &Facts) -> Vec<Unknown> {
    let unknown = |name: &str, place: &str, written: fn(bool, &str) -> String| Unknown {
        name: name.to_owned(),
        place: place.to_owned(),
        nearest: nearest(name, facts)
            .map(|variable| written(bare(name).len() < name.len(), variable)),
    };
    let in_file = facts.settings.unknown().iter().map(|name| {
        unknown(
            name,
            &facts.place_in_env_file(name),
            |prefixed, variable| match prefixed {
                true => environment_name(variable),
                false => variable.to_ascii_uppercase(),
            },
        )
    });
    let is_variable = |name: &str| facts.variables.iter().any(|variable| variable.name == name);
    let provided = facts.settings.provider_names();
    let provided = provided.filter(|name| !is_variable(name)).map(|name| {
        unknown(name, "a provider in runtime-config.toml", |_, variable| {
            variable.to_owned()
        })
    });
    let in_environment = facts.environment.iter().map(|(name, _)| {
        unknown(name, "the environment", |prefixed, variable| {
            match !prefixed && CREDENTIALS.contains(&variable) {
                true => variable.to_ascii_uppercase(),
                false => environment_name(variable),
            }
        })
    });
    let in_environment = in_environment.filter(|unknown| {
        let is_meant = looks_like_ours(&unknown.name) && unknown.nearest.is_some();
        let variable = bare(&unknown.name).to_ascii_lowercase();
        let is_right = is_variable(&variable)
            && [environment_name(&variable), variable.to_ascii_uppercase()].contains(&unknown.name);
        (unknown.name.starts_with(PREFIX) || is_meant) && !is_right
    });
    in_file.chain(provided).chain(in_environment).collect()
}

/// Whether an environment variable's name was meant for us. `JAAS_TEST_…` tell the tests what to serve.
fn looks_like_ours(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    (name.starts_with("SPIN_VAR") || name.starts_with("JAAS_")) && !name.starts_with("JAAS_TEST_")
}

/// A name without Spin's prefix, `SPIN_VAR_` and the like included.
fn bare(name: &str) -> &str {
    let upper = name.to_ascii_uppercase();
    match upper
        .strip_prefix("SPIN_VAR")
        .and_then(|rest| rest.find('_'))
    {
        Some(end) => &name["SPIN_VAR".len() + end + 1..],
        None => name,
    }
}

/// The variable whose name is most like this one, if it is like it.
fn nearest<'a>(name: &str, facts: &'a Facts) -> Option<&'a str> {
    const LIKENESS: f64 = 0.7;
    let name = bare(name).to_ascii_lowercase();
    let known = facts.variables.iter().map(|variable| {
        let likeness = strsim::normalized_damerau_levenshtein(&name, &variable.name);
        (likeness, variable.name.as_str())
    });
    known
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness >= LIKENESS)
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_did_not_replace_is_told_from_money() {
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

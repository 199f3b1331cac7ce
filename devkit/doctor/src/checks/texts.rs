//! Names and values as texts: what shells, env files and examples leave in them.

use devkit_spin_app::settings::{Source, redact_name};
use devkit_spin_app::{PREFIX, environment_name};

use crate::check::checks;
use crate::context::{CREDENTIALS, Context};
use crate::examples::is_placeholder;
use crate::facts::Facts;
use crate::finding::Hit;

/// The variables that contain the text of a file.
const FILES: [&str; 3] = ["jaas_private_key", "auth_public_key", "auth_jwks"];

checks! {
    Warning "two-values" |c| two_values(c);
    Warning "quotes" |c| c.hits(has_quotes,
        "starts or ends with a quote, which is now part of the value; quote it once, for the shell or the file alone.",
        "VALUE");
    Warning "unexpanded" |c| c.hits(|_, value| is_unexpanded(value),
        "still has a $ or a back quote that a shell should have replaced; single quotes and env files replace nothing.",
        "$(cat FILE)");
    Warning "path-for-content" |c| c.hits(|name, value| FILES.contains(&name) && is_path(value),
        "is the name or the address of a file; the text of the file is needed.", "$(cat FILE)").map(|hit| {
        match hit.variable.as_deref() == Some("auth_jwks") && c.text("auth_jwks").starts_with("http") {
            true => hit.repair("give the address to auth_jwks_url, and its origin to auth_jwks_origin"),
            false => hit,
        }
    });
    Warning "placeholder" |c| c.hits(is_placeholder, "is an example value, not one of yours.", "VALUE");

    Warning "name-unread" |c| unread_names(c.facts).map(|name| {
        let full = environment_name(&name.to_ascii_lowercase());
        Hit::variable(name, "in the environment is not read without its prefix SPIN_VARIABLE_.")
            .repair(format!("export {full}=\"${name}\""))
    });
    Warning "name-misspelt" |c| unknown_names(c.facts).filter_map(|Unknown { name, place, meant }| {
        let meant = meant?;
        let hit = Hit::variable(name, format!("in {place} is no variable; {meant} was probably meant."));
        Some(hit.repair(format!("write {meant} in its place")))
    });
    Hint "name-unknown" |c| unknown_names(c.facts).filter(|it| it.meant.is_none()).map(|Unknown { name, place, .. }| {
        let hit = Hit::variable(redact_name(name), format!("in {place} is no variable of spin.toml and is ignored."));
        hit.repair("remove it, if it was meant for this service")
    }).chain(uncompared(c.facts));
}

/// Returns whether the value has a quote that is now part of it. The service itself handles quotes around a file's text.
fn has_quotes(name: &str, value: &str) -> bool {
    const QUOTES: [char; 3] = ['"', '\'', '`'];
    !FILES.contains(&name) && (value.starts_with(QUOTES) || value.ends_with(QUOTES))
}

/// Returns the environment variables without Spin's prefix, which are read only for the Worker's three names. A variable
/// with the value that applies anyway is not a problem.
fn unread_names(facts: &Facts) -> impl Iterator<Item = &String> {
    facts.environment.iter().filter_map(|(name, value)| {
        let mut variables = facts.variables.iter().map(|it| it.name.as_str());
        let variable = variables.find(|it| it.to_ascii_uppercase() == *name)?;
        let counts = facts.settings.value(variable).unwrap_or_default();
        let is_unread = !CREDENTIALS.contains(&variable) && counts.trim() != value.trim();
        is_unread.then_some(name)
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
        let (one, another) = (place(source), place(other));
        let message = match one == another {
            true => format!("has two values by {one}; the last one wins."),
            false => {
                format!("has one value by {one} and another by {another}; the first one wins.")
            }
        };
        Some(Hit::variable(&variable.name, message).repair("remove one of the two"))
    })
}

/// Returns whether the value contains `$NAME`, `${NAME}`, `$(COMMAND)` or `` `COMMAND` ``, which no shell has expanded.
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

/// Returns whether the value is a path, Spin's `@file` or a URL: a single word that is not PEM, base64 or JSON.
fn is_path(value: &str) -> bool {
    const BEGINNINGS: [&str; 7] = ["@", "/", ".", "~", "https://", "http://", "file:"];
    const ENDINGS: [&str; 6] = [".pem", ".key", ".pk", ".pub", ".json", ".txt"];
    let is_word = value.len() < 512 && !value.contains(char::is_whitespace);
    let lower = value.to_ascii_lowercase();
    let is_of_a_file = BEGINNINGS.iter().any(|it| lower.starts_with(it))
        || ENDINGS.iter().any(|it| lower.ends_with(it));
    is_word && is_of_a_file && !value.contains("-----")
}

/// How many unknown names per source are compared with the variables' names: a file may contain any number.
const COMPARED: usize = 100;

/// Returns a hit with the number of further unknown names in the env file.
fn uncompared(facts: &Facts) -> Option<Hit> {
    let more = facts.settings.unknown().len().saturating_sub(COMPARED);
    let message = format!("has {more} more names that are no variables of spin.toml.");
    let hit = Hit::file(facts.env_file_name(), message);
    (more > 0).then(|| hit.repair("remove them, and call the doctor again"))
}

/// A name that is not a variable, although it looks like one.
struct Unknown<'a> {
    name: &'a str,
    /// Where the name was found.
    place: String,
    /// The variable that was probably meant, as it would be written there.
    meant: Option<String>,
}

fn unknown_names(facts: &Facts) -> impl Iterator<Item = Unknown<'_>> {
    let is_variable = |name: &str| facts.variables.iter().any(|variable| variable.name == name);
    let in_file = facts.settings.unknown().iter().take(COMPARED);
    let in_file = in_file.map(|name| Unknown {
        name,
        place: facts.place_in_env_file(name),
        meant: nearest(name, facts).map(|it| written(it, name, true)),
    });
    let provided = facts.settings.provider_names();
    let provided = provided.filter(move |name| !is_variable(name));
    let provided = provided.take(COMPARED).map(|name| Unknown {
        name,
        place: "a provider in runtime-config.toml".to_owned(),
        meant: nearest(name, facts).map(str::to_owned),
    });
    let in_environment = facts.environment.iter().filter(move |(name, _)| {
        let variable = bare(name).to_ascii_lowercase();
        let right = [environment_name(&variable), variable.to_ascii_uppercase()];
        looks_like_ours(name) && !(is_variable(&variable) && right.contains(name))
    });
    let in_environment = in_environment.take(COMPARED).filter_map(|(name, _)| {
        let nearest = nearest(name, facts);
        (name.starts_with(PREFIX) || nearest.is_some()).then(|| Unknown {
            name,
            place: "the environment".to_owned(),
            meant: nearest.map(|it| written(it, name, CREDENTIALS.contains(&it))),
        })
    });
    in_file.chain(provided).chain(in_environment)
}

/// Returns a variable's name with Spin's prefix, unless `name` has none and may omit it.
fn written(variable: &str, name: &str, may_be_bare: bool) -> String {
    match may_be_bare && bare(name) == name {
        true => variable.to_ascii_uppercase(),
        false => environment_name(variable),
    }
}

/// Returns whether an environment variable was probably meant for the service. The tests use `JAAS_TEST_…`.
fn looks_like_ours(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    (name.starts_with("SPIN_VAR") || name.starts_with("JAAS_")) && !name.starts_with("JAAS_TEST_")
}

/// Returns a name without Spin's prefix, including misspelt ones such as `SPIN_VAR_`.
fn bare(name: &str) -> &str {
    let upper = name.to_ascii_uppercase();
    let rest = upper.strip_prefix("SPIN_VAR");
    let end = rest.and_then(|rest| rest.find('_'));
    end.map_or(name, |end| &name["SPIN_VAR".len() + end + 1..])
}

/// Returns the variable with the most similar name, if any is similar enough.
fn nearest<'a>(name: &str, facts: &'a Facts) -> Option<&'a str> {
    const LIKENESS: f64 = 0.7;
    /// The maximum length of names that are compared.
    const LONGEST: usize = 64;
    let name = bare(name).to_ascii_lowercase();
    if name.len() > LONGEST {
        return None;
    }
    let known = facts.variables.iter().map(|variable| {
        let likeness = strsim::normalized_damerau_levenshtein(&name, &variable.name);
        (likeness, variable.name.as_str())
    });
    let (likeness, known) = known.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (likeness >= LIKENESS).then_some(known)
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

//! Names and values as texts: what shells, env files and examples leave in them.

use devkit_spin_app::settings::{Source, presented};
use devkit_spin_app::{PREFIX, environment_name};

use crate::check::checks;
use crate::context::{CREDENTIALS, Context};
use crate::examples::is_placeholder;
use crate::facts::Facts;
use crate::finding::Hit;

/// The variables that hold a file.
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
    Warning "placeholder" |c| c.hits(is_placeholder, "is that of an example and works for nobody.", "VALUE");

    Warning "name-unread" |c| unread_names(c.facts).map(|name| {
        let full = environment_name(&name.to_ascii_lowercase());
        Hit::variable(name, "in the environment is not read without its prefix SPIN_VARIABLE_.")
            .repair(format!("export {full}=\"${name}\""))
    });
    Warning "name-misspelt" |c| compared(c.facts).filter_map(|(unknown, meant)| {
        let (name, meant) = (unknown.name, meant?);
        let message = format!("in {} is no variable; {meant} was probably meant.", unknown.place(c.facts));
        Some(Hit::variable(name, message).repair(format!("write {meant} in its place")))
    });
    Hint "name-unknown" |c| compared(c.facts).filter(|(unknown, meant)| meant.is_none() && !unknown.may_be_anothers())
        .map(|(unknown, _)| {
            let message = format!("in {} is no variable of spin.toml and is ignored.", unknown.place(c.facts));
            Hit::variable(presented(unknown.name), message).repair("remove it, if it was meant for this service")
        });
    Hint "name-unknown" |c| {
        let more = unknown_names(c.facts).skip(COMPARED).count();
        let message = format!("and the environment have {more} more such names, which were not compared with those of spin.toml.");
        let hit = Hit::file(c.facts.env_file_name(), message).repair("remove those that are not for this service, and call the doctor again");
        (more > 0).then_some(hit)
    };
}

/// A file's quotes are the service's business.
fn has_quotes(name: &str, value: &str) -> bool {
    const QUOTES: [char; 3] = ['"', '\'', '`'];
    !FILES.contains(&name) && (value.starts_with(QUOTES) || value.ends_with(QUOTES))
}

/// Variables without their prefix in the environment, where only the Worker's three names are read so. One that has the
/// value that counts anyway is no fault.
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
    const BEGINNINGS: [&str; 7] = ["@", "/", ".", "~", "https://", "http://", "file:"];
    const ENDINGS: [&str; 6] = [".pem", ".key", ".pk", ".pub", ".json", ".txt"];
    let is_word = value.len() < 512 && !value.contains(char::is_whitespace);
    let lower = value.to_ascii_lowercase();
    let is_of_a_file = BEGINNINGS.iter().any(|it| lower.starts_with(it))
        || ENDINGS.iter().any(|it| lower.ends_with(it));
    is_word && is_of_a_file && !value.contains("-----")
}

/// How many unknown names are compared with those of variables: a file may have any number.
const COMPARED: usize = 100;

/// A name that is no variable although somebody may think so.
#[derive(Clone, Copy)]
struct Unknown<'a> {
    name: &'a str,
    source: Origin,
}

/// Where an unknown name stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    EnvFile,
    Provider,
    Environment,
}

impl Unknown<'_> {
    fn place(self, facts: &Facts) -> String {
        match self.source {
            Origin::EnvFile => facts.place_in_env_file(self.name),
            Origin::Provider => "a provider in runtime-config.toml".to_owned(),
            Origin::Environment => "the environment".to_owned(),
        }
    }

    /// The variable that was probably meant, as it is written there.
    fn meant(self, facts: &Facts) -> Option<String> {
        let nearest = nearest(self.name, facts)?;
        Some(match self.source {
            Origin::EnvFile => written(nearest, self.name, true),
            Origin::Provider => nearest.to_owned(),
            Origin::Environment => written(nearest, self.name, CREDENTIALS.contains(&nearest)),
        })
    }

    /// Whether another program may read it.
    fn may_be_anothers(self) -> bool {
        self.source == Origin::Environment && !self.name.starts_with(PREFIX)
    }
}

/// The first unknown names, each with the variable that was probably meant.
fn compared(facts: &Facts) -> impl Iterator<Item = (Unknown<'_>, Option<String>)> {
    let first = unknown_names(facts).take(COMPARED);
    first.map(|unknown| (unknown, unknown.meant(facts)))
}

fn unknown_names(facts: &Facts) -> impl Iterator<Item = Unknown<'_>> {
    let is_variable = |name: &str| facts.variables.iter().any(|variable| variable.name == name);
    let in_file = facts.settings.unknown().iter().map(String::as_str);
    let provided = facts.settings.provider_names();
    let provided = provided.filter(move |name| !is_variable(name));
    let in_environment = facts.environment.iter().map(|(name, _)| name.as_str());
    let in_environment = in_environment.filter(move |name| {
        let variable = bare(name).to_ascii_lowercase();
        let right = [environment_name(&variable), variable.to_ascii_uppercase()];
        let is_right = is_variable(&variable) && right.iter().any(|right| right == name);
        !is_right && looks_like_ours(name)
    });
    let of = |source| move |name| Unknown { name, source };
    in_file
        .map(of(Origin::EnvFile))
        .chain(provided.map(of(Origin::Provider)))
        .chain(in_environment.map(of(Origin::Environment)))
}

/// A variable, with Spin's prefix unless `name` has none and it may be left out.
fn written(variable: &str, name: &str, may_be_bare: bool) -> String {
    match may_be_bare && bare(name) == name {
        true => variable.to_ascii_uppercase(),
        false => environment_name(variable),
    }
}

/// Whether an environment variable's name was meant for us. `JAAS_TEST_…` tell the tests what to serve.
fn looks_like_ours(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    (name.starts_with("SPIN_VAR") || name.starts_with("JAAS_")) && !name.starts_with("JAAS_TEST_")
}

/// A name without Spin's prefix, `SPIN_VAR_` and the like included.
fn bare(name: &str) -> &str {
    let upper = name.to_ascii_uppercase();
    let rest = upper.strip_prefix("SPIN_VAR");
    let end = rest.and_then(|rest| rest.find('_'));
    end.map_or(name, |end| &name["SPIN_VAR".len() + end + 1..])
}

/// The variable whose name is most like this one, if it is like it.
fn nearest<'a>(name: &str, facts: &'a Facts) -> Option<&'a str> {
    const LIKENESS: f64 = 0.7;
    /// A longer name is like none.
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

//! Formats repairs: a command to type, or a line to write to a file.

use devkit::serve::key::quoted;
use devkit_spin_app::environment_name;
use devkit_spin_app::settings::Source;

use crate::examples::is_placeholder;
use crate::facts::Facts;

/// Precedes a repair with example values, which the doctor itself would reject.
const YOUR_OWN: &str = "with your own values: ";

/// Returns how to set variables. `$(COMMAND)` is the output of a command.
pub fn set(facts: &Facts, values: &[(&str, &str)]) -> String {
    let mut exports = Vec::new();
    let mut lines = Vec::new();
    for (variable, value) in values {
        let name = environment_name(variable);
        let source = facts.settings.given(variable).first();
        let source = source.map(|(source, _)| source);
        let in_file = in_quotes(value);
        match (source, &facts.env_file) {
            (Some(Source::Provider), _) => {
                lines.push(format!("in runtime-config.toml: {variable} = {in_file}"));
            }
            (Some(Source::DotEnv(name)), _) => lines.push(format!("in .env: {name}={in_file}")),
            (Some(Source::EnvFile(name)), _) => {
                let place = facts.place_in_env_file(name);
                lines.push(format!("{place}: {name}={in_file}"));
            }
            (None, Some(file)) => lines.push(format!("add to {}: {name}={in_file}", file.path)),
            (Some(Source::Environment(name)), _) => exports.push(assignment(name, value)),
            (None, None) => exports.push(assignment(&name, value)),
        }
    }
    if !exports.is_empty() {
        lines.insert(0, format!("export {}", exports.join(" ")));
    }
    let is_example = values
        .iter()
        .any(|(name, value)| is_placeholder(name, value));
    let own = if is_example { YOUR_OWN } else { "" };
    format!("{own}{}", lines.join("; "))
}

fn command_of(value: &str) -> Option<&str> {
    value.strip_prefix("$(")?.strip_suffix(')')
}

fn assignment(name: &str, value: &str) -> String {
    match command_of(value) {
        Some(_) => format!("{name}=\"{value}\""),
        None => format!("{name}={}", quoted(value)),
    }
}

/// Quotes a value for a file, in which commands do not run.
fn in_quotes(value: &str) -> String {
    match command_of(value) {
        Some(command) => format!("\"…\", with the output of `{command}`"),
        None => format!("\"{value}\""),
    }
}

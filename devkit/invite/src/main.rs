//! The program behind `cargo dev invite`.
#![forbid(unsafe_code)]

mod moment;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use chrono::Local;
use clap::Parser;
use devkit::os::project::Project;
use devkit::os::report;
use devkit::serve::up;
use devkit_spin_app::settings::KeySource;
use jaas_jwt::config::{Config, Problem};
use jaas_jwt::invitation::{Error, MAX_LIFETIME_SECONDS, NewInvitation};
use jaas_jwt::role::Role;

/// Make an invitation to a room, and print its link
#[derive(Debug, Parser)]
#[command(name = "cargo dev invite", bin_name = "cargo dev invite")]
struct Flags {
    /// Room to invite to, or a pattern with * for any text
    #[arg(long)]
    room: String,
    /// Invite a moderator
    #[arg(long, conflicts_with = "visitor")]
    moderator: bool,
    /// Invite a visitor, who sees and hears and does not speak
    #[arg(long)]
    visitor: bool,
    /// Until when: a duration such as 90m, 2h or 7d, or a time here such as 2026-12-24T19:00; at most 90 days
    #[arg(long, value_name = "TIME", default_value = "1d")]
    expires: String,
    /// Name of the invited person, who can change it [default: none]
    #[arg(long)]
    name: Option<String>,
    /// How many tokens it is good for, renewed ones included [default: no limit]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    max_uses: Option<u32>,
    /// File with settings, such as the Worker's .dev.vars; the environment wins over it [default: none]
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Flags::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::step(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(flags: &Flags) -> Result<()> {
    let mut settings = up::gather(&Project::find()?, flags.env_file.as_deref())?;
    if settings.key_source() == KeySource::Nobody {
        // The App ID that `cargo dev up` uses in this case. Invitations are not signed with the key.
        settings.use_throw_away_key(String::new());
    }
    let source = |name: &str| Ok(settings.value(name).map(str::to_owned));
    let now = Local::now();
    let made = invite(&Config::new(&source), flags, &now)?;
    report::step(&format!(
        "The invitation expires on {} and has the id {}, by which it is withdrawn.",
        moment::shown(made.expires_at),
        made.id
    ));
    if made.is_bare {
        report::step(
            "invitation_link is empty, so this is the invitation alone; set it to the address of your page to get a link.",
        );
    }
    report::result(&made.text)
}

/// The output.
struct Printed {
    text: String,
    is_bare: bool,
    id: String,
    expires_at: u64,
}

fn invite(config: &Config<'_>, flags: &Flags, now: &chrono::DateTime<Local>) -> Result<Printed> {
    let Some(invitations) = config.invitations().map_err(sentence)? else {
        bail!(
            "invitation_secret is not set, so the service accepts no invitations; make one with `openssl rand -base64 48` and give it to the service and to this command"
        );
    };
    let app_id = config.app_id().map_err(sentence)?;
    let seconds = u64::try_from(now.timestamp()).context("the clock is before 1970")?;
    let expires_in = moment::lifetime(&flags.expires, now)
        .map_err(|error| anyhow!("--expires {:?} {error}", flags.expires))?;
    let order = NewInvitation::new(&flags.room).and_then(|order| order.with_lifetime(expires_in));
    let order = order.and_then(|order| match &flags.name {
        Some(name) => order.with_name(name),
        None => Ok(order),
    });
    let mut order = order.map_err(|error| named_by_flag(error, flags))?;
    order.role = match (flags.moderator, flags.visitor) {
        (true, _) => Role::Moderator,
        (_, true) => Role::Visitor,
        _ => Role::Member,
    };
    order.max_uses = flags.max_uses;
    let random = &mut |bytes: &mut [u8]| {
        getrandom::fill(bytes).expect("the system has random bytes");
    };
    let made = invitations.make(order, None, app_id, seconds, random)?;
    let invitation = made.invitation.expose();
    let link = invitations.link.as_ref().map(|link| link.with(invitation));
    Ok(Printed {
        is_bare: link.is_none(),
        text: link.unwrap_or_else(|| invitation.clone()),
        id: made.id.as_str().to_owned(),
        expires_at: made.expires_at,
    })
}

/// Returns an error for the problems of the variables that invitations need.
fn sentence(problems: Vec<Problem>) -> anyhow::Error {
    let concerns = |problem: &&Problem| {
        problem.variable().starts_with("invitation") || problem.variable() == "jaas_app_id"
    };
    let problems = problems.iter().filter(concerns);
    let sentences: Vec<_> = problems.map(ToString::to_string).collect();
    anyhow!(sentences.join(" "))
}

/// Replaces a message about a JSON member by one about the flag.
fn named_by_flag(error: Error, flags: &Flags) -> anyhow::Error {
    match error {
        Error::Parameter("expires_in", _) => anyhow!(
            "--expires {:?} is not between a minute and {} days from now",
            flags.expires,
            MAX_LIFETIME_SECONDS / 86_400
        ),
        Error::Parameter(name, problem) => anyhow!("--{name} {problem}"),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use jaas_jwt::config::Source;
    use serde_json::Value;

    use super::*;

    const APP_ID: (&str, &str) = (
        "jaas_app_id",
        "vpaas-magic-cookie-1fc542a3e4414a44b2611668195e2bfe",
    );
    const SECRET: (&str, &str) = ("invitation_secret", "qJ4vS8wZk2Xn7Tb0Lr5Yd9Mf3Hc6Pg1Ua");

    fn source<'a>(variables: &'a [(&'a str, &'a str)]) -> impl Source + 'a {
        move |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            Ok(found.map(|(_, value)| (*value).to_owned()))
        }
    }

    fn flags(arguments: &[&str]) -> Flags {
        let arguments = [&["cargo dev invite"], arguments].concat();
        Flags::try_parse_from(arguments).expect("flags")
    }

    fn print(variables: &[(&str, &str)], arguments: &[&str]) -> Result<Printed, String> {
        let variables = [variables, &[("auth_mode", "required")]].concat();
        let source = source(&variables);
        invite(&Config::new(&source), &flags(arguments), &Local::now())
            .map_err(|error| format!("{error:#}"))
    }

    fn claims(invitation: &str) -> Value {
        let payload = invitation.split('.').nth(1).expect("three parts");
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64")).expect("JSON")
    }

    #[test]
    fn a_link_is_printed_with_what_the_flags_say() {
        let link = ("invitation_link", "https://vtaiwan.tw/meet#i={invitation}");
        let variables = [APP_ID, SECRET, link];
        let flags = [
            "--room",
            "Town-*",
            "--moderator",
            "--expires",
            "2h",
            "--name",
            "Ann",
        ];
        let printed = print(&variables, &flags).unwrap();
        let invitation = printed
            .text
            .strip_prefix("https://vtaiwan.tw/meet#i=")
            .unwrap();
        let claims = claims(invitation);
        for (name, expected) in [
            ("room", "Town-*"),
            ("role", "moderator"),
            ("name", "Ann"),
            ("aud", APP_ID.1),
        ] {
            assert_eq!(claims[name], expected);
        }
        assert_eq!(
            claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(),
            7200
        );
        assert_eq!(claims["jti"], printed.id);

        let printed = print(
            &[APP_ID, SECRET],
            &["--room", "r", "--visitor", "--max-uses", "2"],
        )
        .unwrap();
        assert!(printed.is_bare);
        let claims = self::claims(&printed.text);
        assert_eq!(
            (&claims["role"], &claims["max_uses"]),
            (&"visitor".into(), &2.into())
        );
    }

    #[test]
    fn what_is_wrong_is_said_by_the_name_of_its_flag_or_variable() {
        for (variables, arguments, part) in [
            (
                &[APP_ID][..],
                &["--room", "r"][..],
                "invitation_secret is not set",
            ),
            (
                &[APP_ID, ("invitation_secret", "x7Kq")],
                &["--room", "r"],
                "invitation_secret is shorter",
            ),
            (&[SECRET], &["--room", "r"], "jaas_app_id is not set"),
            (&[APP_ID, SECRET], &["--room", "a/b"], "--room must be"),
            (
                &[APP_ID, SECRET],
                &["--room", "r", "--expires", "91d"],
                "--expires \"91d\" is not",
            ),
            (
                &[APP_ID, SECRET],
                &["--room", "r", "--expires", "tomorrow"],
                "--expires \"tomorrow\" is neither",
            ),
            (
                &[APP_ID, SECRET],
                &["--room", "r", "--expires", "1\u{1b}[31md"],
                "--expires \"1\\u{1b}[31md\" is neither",
            ),
            (
                &[APP_ID, SECRET],
                &["--room", "r", "--name", "a\u{7}"],
                "--name must be",
            ),
        ] {
            let error = print(variables, arguments).err().expect(part);
            assert!(error.starts_with(part), "{error}");
            assert!(!error.contains(SECRET.1), "{error}");
        }
    }
}

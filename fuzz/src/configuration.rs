//! The operator's variables: one `name=value` in each line (`\n` in a value is a line break). The credentials are good
//! ones where no line says otherwise; a value of `!` is one that its provider does not give.

use std::collections::HashMap;

use jaas_jwt::config::{Config, VariableUnavailable, variable};
use jaas_jwt::service::{self, Answer, Environment, HEALTH_PATH, Request, TOKEN_PATH};

use crate::fixture::{NOW, SECRETS, credential, fill};

pub fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let lines: HashMap<&str, String> = text
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name, fill(&value.replace("\\n", "\n"))))
        .collect();
    let config = Config::read(|name| match lines.get(name).map(String::as_str) {
        Some("!") => Err(VariableUnavailable),
        Some(value) => Ok(Some(value.to_owned())),
        None => Ok(credential(name)),
    });

    let signer = config.signer();
    let good = signer.is_ok();
    for problem in signer.err().iter().flatten() {
        let text = problem.to_string();
        let known = variable::ALL
            .iter()
            .any(|variable| text.starts_with(&format!("{} ", variable.name)));
        assert!(known && text.ends_with('.'), "{text}");
        SECRETS.check(text.as_bytes());
    }
    assert!(!good || config.check().is_ok());

    // A probe is answered by what it found, whoever sends it.
    let health = answer(&config, "GET", HEALTH_PATH, None);
    assert_eq!(health.status, if good { 200 } else { 503 });

    let entries = config.allowed_origins.to_vec();
    let exact = entries.iter().find(|entry| !entry.contains('*'));
    let origin = exact.map(String::as_str);
    let token = answer(&config, "HEAD", TOKEN_PATH, origin);
    match token.status {
        500 => assert!(!good),
        200 => assert!(good),
        // No default room.
        400 => assert!(good),
        // Asked for before the key is parsed.
        401 => {}
        // The default room is closed; or an origin is required, which comes before the rest.
        403 => assert!(good || origin.is_none()),
        status => panic!("{status}"),
    }
    let refused = answer(&config, "HEAD", TOKEN_PATH, Some("https://evil.invalid"));
    let allowed = entries.iter().any(|entry| entry.ends_with(".invalid"));
    assert!(allowed || !is_readable(&refused));
    assert_eq!(is_readable(&token), origin.is_some());
}

fn answer(config: &Config, method: &str, target: &str, origin: Option<&str>) -> Answer {
    let headers = origin.map(|origin| ("origin".to_owned(), origin.as_bytes().to_vec()));
    let request = Request {
        method: method.into(),
        target: target.into(),
        headers: headers.into_iter().collect(),
        body: std::io::empty(),
    };
    let answer = service::handle(
        config,
        request,
        Environment {
            now: NOW,
            random: &mut || [0; 16],
        },
    );
    SECRETS.check(&answer.body);
    SECRETS.check(answer.log.as_deref().unwrap_or_default().as_bytes());
    answer
}

fn is_readable(answer: &Answer) -> bool {
    let mut headers = answer.headers.iter();
    headers.any(|(name, _)| *name == "access-control-allow-origin")
}

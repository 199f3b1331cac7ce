//! The operator's variables: one `name=value` per line (`\n` in a value is a line break). The three credentials are valid
//! unless a line sets them; the value `!` is a variable that its provider cannot read.

use std::collections::HashMap;

use jaas_jwt::config::{Config, Unavailable, variable};
use jaas_jwt::environment::Environment;
use jaas_jwt::http::{Headers, Request, Response};
use jaas_jwt::service::{self, HEALTH_PATH, TOKEN_PATH};

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
    let source = |name: &str| match lines.get(name).map(String::as_str) {
        Some("!") => Err(Unavailable),
        Some(value) => Ok(Some(value.to_owned())),
        None => Ok(credential(name)),
    };
    let config = Config::new(&source);

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

    // The health check tells everybody that something is wrong.
    let health = respond(&config, "GET", HEALTH_PATH, None);
    assert_eq!(health.status, if good { 200 } else { 503 });

    let entries = config.allowed_origins().to_vec();
    let exact = entries.iter().find(|entry| !entry.contains('*'));
    let origin = exact.map(String::as_str);
    let token = respond(&config, "HEAD", TOKEN_PATH, origin);
    match token.status {
        500 => assert!(!good),
        200 => assert!(good),
        // There is no default room.
        400 => assert!(good),
        // Checked before the key is parsed.
        401 => {}
        // The default room is not allowed; or an origin is required, which is checked first.
        403 => assert!(good || origin.is_none()),
        status => panic!("{status}"),
    }
    let refused = respond(&config, "HEAD", TOKEN_PATH, Some("https://evil.invalid"));
    let allowed = entries.iter().any(|entry| entry.ends_with(".invalid"));
    assert!(allowed || !is_readable(&refused));
    assert_eq!(is_readable(&token), origin.is_some());
}

fn respond(config: &Config<'_>, method: &str, target: &str, origin: Option<&str>) -> Response {
    let headers = origin.map(|origin| ("origin".to_owned(), origin.as_bytes().to_vec()));
    let mut request = Request {
        method: method.into(),
        target: target.into(),
        headers: Headers::new(headers.into_iter().collect()),
        body: std::io::empty(),
    };
    let outcome = service::handle(
        config,
        &mut request,
        Environment::isolated(NOW, &mut |bytes: &mut [u8]| bytes.fill(0)),
    );
    SECRETS.check(&outcome.response.body);
    SECRETS.check(outcome.log.as_deref().unwrap_or_default().as_bytes());
    outcome.response
}

fn is_readable(response: &Response) -> bool {
    let mut headers = response.headers.iter();
    headers.any(|(name, _)| *name == "access-control-allow-origin")
}

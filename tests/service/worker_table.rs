//! The Worker's requests and this component's responses: every row of `worker_table.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::harness::{Server, Settings};
use crate::http::{Body, Request, Response, TOKEN_ROUTE};
use crate::key_material::{Kind, key, openssl};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    group: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    mark: Mark,
    why: String,
    worker: Option<String>,
    key: Option<Shape>,
    #[serde(default)]
    variables: BTreeMap<String, String>,
    cases: Vec<Case>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Mark {
    Same,
    Different,
}

/// The format of the private key.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Shape {
    Pkcs8,
    Pkcs1,
    Escaped,
    Base64,
    Crlf,
    Quoted,
    Encrypted,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    send: String,
    #[serde(default)]
    headers: Vec<String>,
    body: Option<String>,
    expected: Vec<String>,
}

impl Group {
    fn settings(&self) -> Settings {
        let pkcs8 = key(Kind::Pkcs8, 2048);
        let text = match self.key {
            None | Some(Shape::Pkcs8) => pkcs8.pem.clone(),
            Some(Shape::Pkcs1) => return Settings::with_key(key(Kind::Pkcs1, 2048)),
            Some(Shape::Escaped) => pkcs8.pem.replace('\n', "\\n"),
            Some(Shape::Base64) => {
                use base64::Engine as _;
                base64::engine::general_purpose::STANDARD.encode(&pkcs8.pem)
            }
            Some(Shape::Crlf) => pkcs8.pem.replace('\n', "\r\n"),
            Some(Shape::Quoted) => format!("\"{}\"", pkcs8.pem),
            Some(Shape::Encrypted) => {
                openssl(&["pkey", "-aes256", "-passout", "pass:x"], &pkcs8.pem)
            }
        };
        self.variables.iter().fold(
            Settings::with_key(pkcs8).set("jaas_private_key", &text),
            |settings, (name, value)| settings.set(name, value),
        )
    }

    /// Returns whether the configuration is wrong, so that 500 is the expected response.
    fn is_broken(&self) -> bool {
        self.cases.iter().any(|case| case.expected[0] == "500")
    }
}

impl Case {
    fn request(&self) -> Request {
        let (method, target) = self.send.split_once(' ').unwrap_or((&self.send, ""));
        let target = match target {
            "" => TOKEN_ROUTE.to_owned(),
            query if query.starts_with('?') => format!("{TOKEN_ROUTE}{query}"),
            path => path.to_owned(),
        };
        let request = self
            .headers
            .iter()
            .fold(Request::new(method, target), |request, header| {
                let (name, value) = header.split_once(": ").expect("a name and a value");
                request.header(name, value)
            });
        match &self.body {
            None => request,
            Some(body) => request.body(Body::Whole(body.clone().into_bytes())),
        }
    }

    /// Returns how the response differs from the table, if it does.
    fn difference(&self, response: &Response) -> Option<String> {
        let (status, rest) = self.expected.split_first().expect("a status");
        let mut wanted: BTreeMap<&str, &str> = rest
            .iter()
            .map(|fact| fact.split_once('=').unwrap_or((fact, "")))
            .collect();
        if response.status.to_string() != *status {
            return Some(format!("status {} and not {status}", response.status));
        }
        if let Some(origin) = wanted.remove("allow-origin") {
            let found = response
                .header("Access-Control-Allow-Origin")
                .unwrap_or_default();
            if found != origin {
                return Some(format!("allow-origin {found:?} and not {origin:?}"));
            }
        }
        if wanted.remove("empty").is_some() || response.status == 204 {
            return (!response.body.is_empty()).then(|| "a body".to_owned());
        }
        let body = response.json();
        if wanted.remove("listed").is_some() && !body["allowed_origins"].is_array() {
            return Some("no list of allowed origins".into());
        }
        if body["token"].is_string() {
            return token_difference(response, &wanted);
        }
        wanted.into_iter().find_map(|(name, value)| {
            let found = body[name].as_str().unwrap_or_default();
            (!found.starts_with(value)).then(|| format!("{name} is {found:?} and not {value:?}"))
        })
    }
}

fn token_difference(response: &Response, wanted: &BTreeMap<&str, &str>) -> Option<String> {
    let token = response.token();
    let user = token.user();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let features = token.features().into_iter().collect::<Vec<_>>();
    let mut known: BTreeMap<&str, &str> = BTreeMap::from([
        ("room", "default-room"),
        ("id", "user123"),
        ("name", "Your User"),
        ("email", "user@example.com"),
        ("moderator", "true"),
        ("avatar", ""),
    ]);
    known.extend(wanted);
    let of_role = match known["moderator"] {
        "true" => "livestreaming outbound-call",
        _ => "",
    };
    known.entry("features").or_insert(of_role);
    known.into_iter().find_map(|(name, value)| {
        let found = match name {
            "room" => text(&token.claims["room"]),
            "features" => features.join(" "),
            "id" | "name" | "email" | "moderator" | "avatar" => text(&user[name]),
            _ => return Some(format!("{name} is no fact about a token")),
        };
        (found != value).then(|| format!("{name} is {found:?} and not {value:?}"))
    })
}

fn table() -> Table {
    toml::from_str(include_str!("worker_table.toml")).expect("the table")
}

#[test]
fn every_request_gets_the_response_of_the_table() {
    let mut wrong = Vec::new();
    for group in table().group {
        let own = group.key.is_some() || !group.variables.is_empty();
        let started = own.then(|| match group.is_broken() {
            true => Server::start_broken(group.settings()),
            false => Server::start(group.settings()),
        });
        let server = started.as_ref().unwrap_or_else(|| Server::good());
        for case in &group.cases {
            let response = server.send(&case.request());
            if let Some(difference) = case.difference(&response) {
                wrong.push(format!("{} {:?}: {difference}", case.send, case.headers));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_is_long_and_each_line_is_marked_with_its_reason() {
    let groups = table().group;
    let count = |mark| -> usize {
        let marked = groups.iter().filter(|group| group.mark == mark);
        marked.map(|group| group.cases.len()).sum()
    };
    assert!(count(Mark::Same) >= 100, "{} same", count(Mark::Same));
    assert!(
        count(Mark::Different) >= 100,
        "{} different",
        count(Mark::Different)
    );
    for group in &groups {
        assert!(group.why.ends_with('.'), "{}", group.why);
        assert_eq!(
            group.worker.is_some(),
            group.mark == Mark::Different,
            "what the Worker responds, where and only where it differs: {}",
            group.why
        );
    }
}

//! Responses arrive in one piece. Sending head and body in two segments costs a client that reuses its connection 40 ms:
//! the host holds back the second segment until the client acknowledges the first, which the client delays.

use serde_json::json;

use crate::credentials::Login;
use crate::harness::{ALLOWED, FOREIGN, Server, Settings};
use crate::health::health;
use crate::http::{Request, TOKEN_ROUTE, get, post, post_json, preflight};
use crate::key_material::Directory;

/// The number of attempts for each request: a body that is sent after the head may sometimes arrive with it.
const ROUNDS: usize = 10;

/// Returns the requests whose responses took more than one read.
fn in_pieces(server: &Server, requests: &[(Request, u16)]) -> Vec<String> {
    let reads = |(request, status): &(Request, u16)| {
        let mut connection = server.connect();
        // A client acknowledges the first segments of a connection at once, so skip those.
        for _ in 0..3 {
            connection.send(request).expect("a response");
        }
        let rounds = (0..ROUNDS).map(|_| {
            let before = connection.reads();
            let response = connection.send(request).expect("a response");
            server.check(request, &response);
            assert_eq!(response.status, *status, "{request:?}: {response}");
            connection.reads() - before
        });
        let most = rounds.max().filter(|reads| *reads > 1)?;
        let target = String::from_utf8_lossy(&request.target);
        Some(format!(
            "{status} {} {target}: {most} reads",
            request.method
        ))
    };
    requests.iter().filter_map(reads).collect()
}

#[test]
fn head_and_body_arrive_in_one_read() {
    let good = [
        (get(&[]), 200),
        (get(&[("room", "a")]).origin(ALLOWED), 200),
        (post_json(&json!({ "room": "a" })), 200),
        (get(&[]).origin(FOREIGN), 403),
        (Request::new("GET", "/other"), 404),
        (Request::new("PUT", TOKEN_ROUTE), 405),
        (get(&[("room", "*")]), 400),
        (post("text/plain", ""), 415),
        (health(), 200),
        (preflight(TOKEN_ROUTE, ALLOWED), 204),
        (Request::new("HEAD", TOKEN_ROUTE), 200),
        (Request::new("HEAD", "/other"), 404),
    ];
    let required = [(get(&[]), 401)];
    let broken = [(get(&[]), 500), (health(), 503)];
    let mut pieces = in_pieces(&Server::start(Settings::good()), &good);
    let login = Login::new().configure("required");
    pieces.extend(in_pieces(&Server::start(login), &required));
    let incomplete = Settings::good().set("jaas_app_id", "");
    pieces.extend(in_pieces(&Server::start_broken(incomplete), &broken));
    assert!(pieces.is_empty(), "{pieces:#?}");
}

/// A body may exceed what the host buffers before it has the response: two writes of 1 MiB in Spin.
#[test]
fn a_body_of_any_size_arrives() {
    let label = "a".repeat(60);
    let origin = |number: usize| format!("https://{number}.{label}.{label}.{label}.example");
    let directory = Directory::new("origins");
    for count in [100, 6_000, 12_000] {
        let origins: Vec<String> = (0..count).map(origin).collect();
        // The list is too long for an environment variable.
        let file = directory.path().join("runtime-config.toml");
        let values = json!({ "allowed_origins": origins.join(" ") });
        let provider = format!(
            "[[variables_provider]]\ntype = \"static\"\n[variables_provider.values]\nallowed_origins = {}\n",
            values["allowed_origins"]
        );
        std::fs::write(&file, provider).expect("a temporary file");
        let mut settings = Settings::good();
        settings.runtime_config = Some(file);
        let server = Server::start(settings);
        let response = server.send(&get(&[]).origin(FOREIGN));
        assert_eq!(response.status, 403);
        let listed = &response.json()["allowed_origins"];
        assert_eq!(*listed, json!(origins), "{count} origins");
    }
}

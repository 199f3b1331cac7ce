//! Routes and methods.

use serde_json::json;

use crate::harness::{ALLOWED, FOREIGN, Server, Settings};
use crate::http::{Request, Response, TOKEN_ROUTE, get, post_json};

#[test]
fn a_route_is_matched_exactly() {
    for target in [
        "/",
        "/api",
        "/api/",
        "/api/jitsi-token/",
        "/api//jitsi-token",
        "//api/jitsi-token",
        "/api/jitsi-tokens",
        "/API/jitsi-token",
        "/api/jitsi%2Dtoken",
        "/api/jitsi-token%20",
        "/api/jitsi-token;x",
        "/api/jitsi-token/x?room=a",
        "/healthz/",
        "/health",
        "/HEALTHZ",
        "/.env",
        "/?path=/api/jitsi-token",
        "/favicon.ico",
    ] {
        for method in ["GET", "POST", "PUT", "OPTIONS", "HEAD"] {
            let response = Server::good().send(&Request::new(method, target));
            assert_eq!(response.status, 404, "{method} {target}: {response}");
            assert_eq!(response.header("Allow"), None, "{method} {target}");
        }
    }
}

#[test]
fn an_unknown_path_comes_before_the_origin() {
    let response = Server::good().send(&Request::new("GET", "/other").origin(FOREIGN));
    assert_eq!(response.status, 404, "{response}");
    assert_eq!(response.header("Access-Control-Allow-Origin"), None);
}

#[test]
fn another_method_is_a_405_with_allow() {
    for method in [
        "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "get", "Post", "GETX", "QUERY",
    ] {
        for target in [TOKEN_ROUTE, "/api/jitsi-token?room=*"] {
            let response = Server::good().send(&Request::new(method, target).origin(ALLOWED));
            assert_eq!(response.status, 405, "{method}: {response}");
            assert_eq!(response.header("Allow"), Some("GET, HEAD, POST, OPTIONS"));
        }
        let response = Server::good().send(&Request::new(method, "/healthz"));
        assert_eq!(response.status, 405, "{method}: {response}");
        assert_eq!(response.header("Allow"), Some("GET, HEAD, OPTIONS"));
    }
    let response = Server::good().send(&Request::new("POST", "/healthz"));
    assert_eq!(response.status, 405, "{response}");
    assert_eq!(response.header("Allow"), Some("GET, HEAD, OPTIONS"));
}

#[test]
fn the_origin_comes_before_the_method() {
    let response = Server::good().send(&Request::new("PUT", TOKEN_ROUTE).origin(FOREIGN));
    assert_eq!(response.status, 403, "{response}");
    assert_eq!(response.header("Allow"), None);
}

#[test]
fn the_method_comes_before_the_configuration_and_that_before_the_request() {
    let server = Server::start_broken(Settings::good().set("jaas_private_key", ""));
    assert_eq!(server.send(&get(&[]).origin(FOREIGN)).status, 403);
    assert_eq!(server.send(&Request::new("PUT", TOKEN_ROUTE)).status, 405);
    assert_eq!(server.send(&Request::new("GET", "/other")).status, 404);
    assert_eq!(server.send(&get(&[("room", "*")])).status, 500);
    assert_eq!(server.send(&post_json(&json!([]))).status, 500);
    assert_eq!(server.send(&Request::new("POST", TOKEN_ROUTE)).status, 500);
}

/// Returns what responses to HEAD and GET have in common.
fn shown(response: &Response) -> (u16, Vec<(String, String)>) {
    let framing = ["content-length", "transfer-encoding", "date", "connection"];
    let mut headers: Vec<_> = response
        .headers
        .iter()
        .map(|(name, value)| (name.to_lowercase(), String::from_utf8_lossy(value).into()))
        .filter(|(name, _)| !framing.contains(&name.as_str()))
        .collect();
    headers.sort();
    (response.status, headers)
}

#[test]
fn head_responds_as_get_without_a_body() {
    let compare = |server: &Server, request: Request, status: u16| {
        let got = server.send(&request);
        assert_eq!(got.status, status, "{got}");
        let mut request = request;
        request.method = "HEAD".into();
        assert_eq!(shown(&server.send(&request)), shown(&got));
    };
    let good = Server::good();
    compare(good, get(&[]), 200);
    compare(good, get(&[("room", "公民")]).origin(ALLOWED), 200);
    compare(good, get(&[("room", "*")]), 400);
    compare(good, get(&[("user_moderator", "x")]), 400);
    compare(good, get(&[]).origin(FOREIGN), 403);
    compare(good, get(&[]).origin("null"), 403);
    compare(good, Request::new("GET", "/other"), 404);
    compare(good, Request::new("GET", "/healthz"), 200);
    let broken = Server::start_broken(Settings::good().set("jaas_app_id", "x"));
    compare(&broken, get(&[]), 500);
    compare(&broken, get(&[]).origin(ALLOWED), 500);
    compare(&broken, Request::new("GET", "/healthz"), 503);
}

#[test]
fn a_target_in_absolute_form_is_the_same_route() {
    let server = Server::good();
    let target = format!("http://{}{TOKEN_ROUTE}?room=a", server.address());
    let response = server.send(&Request::new("GET", target));
    assert_eq!(response.status, 200, "{response}");
    assert_eq!(response.token().claims["room"], "a");
}

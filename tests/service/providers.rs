//! Tokens issued by real identity providers, obtained as a page's login would: Better Auth and an OpenID provider.
//!
//! `JAAS_TEST_PROVIDERS` names the folder with their packages, which `cargo dev test` installs.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::connection::Connection;
use crate::harness::{Server, Settings, root};
use crate::http::{Body, Request, Response, Token, form, get};

const SOURCE: &str = include_str!("providers/provider.mjs");

/// An identity provider in a child process, which ends when this value is dropped or this process ends.
struct Provider {
    process: Child,
    address: SocketAddr,
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The cookies that a browser stores.
type Cookies = BTreeMap<String, String>;

impl Provider {
    /// Starts a provider, or returns `None` if its packages are not installed.
    fn start(kind: &str) -> Option<Self> {
        let folder = std::env::var_os("JAAS_TEST_PROVIDERS").filter(|path| !path.is_empty());
        let Some(folder) = folder.map(PathBuf::from) else {
            eprintln!("skipped: JAAS_TEST_PROVIDERS names no folder; `cargo dev test` does");
            return None;
        };
        let mut process = Command::new("node")
            .args(["--input-type=module", "--eval", SOURCE, kind])
            .current_dir(root().join(folder))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node starts");
        let stdout = process.stdout.take().expect("a pipe");
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let port = lines.find_map(|line| line.parse::<u16>().ok());
        let mut provider = Self {
            process,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        let port = port.unwrap_or_else(|| panic!("{kind} ends: {:?}", provider.process.wait()));
        provider.address.set_port(port);
        Some(provider)
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn send(&self, cookies: &mut Cookies, request: Request) -> Response {
        let header: Vec<String> = cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let request = request.header("Cookie", header.join("; "));
        let connection = Connection::open(self.address).expect("it listens");
        let response = connection.send_last(&request).expect("a response");
        assert!(response.status < 400, "{}: {response}", request.method);
        for cookie in response.header_values("Set-Cookie") {
            let (pair, _) = cookie.split_once(';').unwrap_or((cookie, ""));
            let (name, value) = pair.split_once('=').expect("a cookie");
            cookies.insert(name.to_owned(), value.to_owned());
        }
        response
    }

    fn get(&self, path: &str) -> Response {
        self.send(&mut Cookies::new(), Request::new("GET", path))
    }

    /// Calls a route that the provider has only for the tests.
    fn command(&self, path: &str) {
        self.send(
            &mut Cookies::new(),
            Request::new("POST", path).body(Body::Whole(Vec::new())),
        );
    }

    /// Signs up with Better Auth and returns the session's token.
    fn better_auth(&self, name: &str, role: &str) -> String {
        let mut cookies = Cookies::new();
        let email = format!("{role}@page.example");
        let body = json!({"name": name, "email": email, "password": "correct horse"});
        let request = Request::new("POST", "/api/auth/sign-up/email")
            .origin(self.url(""))
            .header("Content-Type", "application/json")
            .body(Body::Whole(body.to_string().into_bytes()));
        self.send(&mut cookies, request);
        let response = self.send(&mut cookies, Request::new("GET", "/api/auth/token"));
        response.json()["token"]
            .as_str()
            .expect("a token")
            .to_owned()
    }

    /// Logs in at the OpenID provider by the code flow with PKCE, as a browser and its page do. The result contains `id_token`
    /// and `access_token`.
    fn openid(&self, login: &str) -> Value {
        const REDIRECT: &str = "https://page.example/";
        // The example of RFC 7636, appendix B.
        const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        let mut cookies = Cookies::new();
        let query = form(&[
            ("client_id", "page"),
            ("redirect_uri", REDIRECT),
            ("response_type", "code"),
            ("scope", "openid profile email join"),
            ("resource", "urn:jaas-jwt"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]);
        let mut place = format!("/auth?{query}");
        for prompt in ["login", "consent"] {
            let request = Request::new("GET", &place);
            let page = self.redirected(&mut cookies, request);
            let fields = [("prompt", prompt), ("login", login), ("password", "any")];
            let request = posted(&page, &fields);
            place = self.redirected(&mut cookies, request);
        }
        let place = self.redirected(&mut cookies, Request::new("GET", &place));
        let code = place
            .split(['?', '&'])
            .find_map(|pair| pair.strip_prefix("code="));
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", "page"),
            ("redirect_uri", REDIRECT),
            ("code", code.expect("a code")),
            ("code_verifier", VERIFIER),
        ];
        self.send(&mut cookies, posted("/token", &fields)).json()
    }

    /// Returns the target of the redirect, as a path if it is on the provider.
    fn redirected(&self, cookies: &mut Cookies, request: Request) -> String {
        let response = self.send(cookies, request);
        let place = response.header("Location").expect("a redirect");
        place
            .strip_prefix(&self.url(""))
            .unwrap_or(place)
            .to_owned()
    }

    /// Returns settings that accept the provider's tokens, with its key set at the path `jwks`.
    fn settings(&self, jwks: &str, audience: &str) -> Settings {
        Settings::good().set_all(&[
            ("auth_mode", "required"),
            ("auth_jwks_url", &self.url(jwks)),
            ("auth_jwks_origin", &self.url("")),
            ("auth_issuer", &self.url("")),
            ("auth_audience", audience),
        ])
    }
}

fn posted(path: &str, fields: &[(&str, &str)]) -> Request {
    Request::new("POST", path)
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(Body::Whole(form(fields).into_bytes()))
}

fn call(server: &Server, credential: &str) -> Response {
    server.send(&get(&[]).bearer(credential))
}

fn person(response: &Response) -> Value {
    let user = response.token().user().clone();
    json!([user["name"], user["email"], user["moderator"]])
}

const BETTER_AUTH_KEYS: &str = "/api/auth/jwks";

#[test]
fn better_auths_users_get_tokens_by_their_roles() {
    let Some(provider) = Provider::start("better-auth") else {
        return;
    };
    let before = provider.better_auth("Jane", "user");
    let roles = [
        ("auth_moderator_claim", "role"),
        ("auth_moderator_values", "admin, super-admin"),
    ];
    let settings = provider.settings(BETTER_AUTH_KEYS, &provider.url(""));
    let server = Server::start(settings.set_all(&roles));
    for (credential, name, email, moderator) in [
        // An unverified email address is left out.
        (before, "Jane", Value::Null, "false"),
        (
            provider.better_auth("唐鳳", "super-admin"),
            "唐鳳",
            json!("super-admin@page.example"),
            "true",
        ),
        (
            provider.better_auth("Ada", "admin"),
            "Ada",
            json!("admin@page.example"),
            "true",
        ),
    ] {
        assert_eq!(
            Token::parse(credential.clone()).header["alg"],
            "EdDSA",
            "the provider's default"
        );
        let response = call(&server, &credential);
        assert_eq!(response.status, 200, "{response}");
        assert_eq!(person(&response), json!([name, email, moderator]));
    }
}

#[test]
fn both_tokens_of_an_openid_provider_are_verified() {
    let Some(provider) = Provider::start("openid") else {
        return;
    };
    let discovery = provider.get("/.well-known/openid-configuration").json();
    assert_eq!(discovery["issuer"], provider.url(""));
    let jwks = discovery["jwks_uri"].as_str().expect("an address");
    let jwks = jwks.strip_prefix(&provider.url("")).expect("its own");
    let roles = [
        ("auth_moderator_claim", "realm_access.roles"),
        ("auth_moderator_values", "host"),
    ];
    for (login, is_host) in [("host", "true"), ("guest", "false")] {
        let tokens = provider.openid(login);
        let email = format!("{login}@page.example");
        let name = format!("{login} of the provider");
        for (kind, audience, expected) in [
            ("id_token", "page", json!([name, email, "false"])),
            (
                "access_token",
                "urn:jaas-jwt",
                json!([login, Value::Null, is_host]),
            ),
        ] {
            let credential = tokens[kind].as_str().expect("a JWT");
            let server = Server::start(provider.settings(jwks, audience).set_all(&roles));
            let response = call(&server, credential);
            assert_eq!(response.status, 200, "{kind}: {response}");
            assert_eq!(person(&response), expected, "{kind}");
            drop(server);
            // The other kind of token has another audience.
            let server = Server::start(provider.settings(jwks, "another"));
            assert_eq!(call(&server, credential).status, 401, "{kind}");
        }
    }
}

/// The new key signs; the old one stays published until it is retired.
#[test]
fn keys_that_a_provider_rotates_are_followed() {
    type Login = fn(&Provider, &str) -> String;
    let openid: Login = |provider, login| {
        let tokens = provider.openid(login);
        tokens["id_token"].as_str().expect("a JWT").to_owned()
    };
    let better_auth: Login = |provider, login| provider.better_auth(login, login);
    for (kind, jwks, login) in [
        ("better-auth", BETTER_AUTH_KEYS, better_auth),
        ("openid", "/jwks", openid),
    ] {
        let Some(provider) = Provider::start(kind) else {
            return;
        };
        let own = provider.url("");
        let audience = if kind == "openid" { "page" } else { &own };
        // Each server has its own store.
        let settings = || provider.settings(jwks, audience);
        let server = Server::start(settings());
        let old = login(&provider, "first");
        assert_eq!(call(&server, &old).status, 200, "{kind}");
        provider.command("/rotate");
        let new = login(&provider, "second");
        let kid = |token: &str| Token::parse(token.to_owned()).header["kid"].clone();
        assert_ne!(kid(&old), kid(&new), "{kind}");
        // The stored copy of the key set lacks the new key.
        for credential in [&new, &old] {
            let response = call(&server, credential);
            assert_eq!(response.status, 200, "{kind}: {response}");
        }
        drop(server);
        provider.command("/retire");
        let server = Server::start(settings());
        assert_eq!(call(&server, &new).status, 200, "{kind}");
        assert_eq!(call(&server, &old).status, 401, "{kind}");
    }
}

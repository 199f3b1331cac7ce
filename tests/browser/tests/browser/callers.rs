//! The pages and the client that call the service: what the browser sends for them, and what it tells them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

use crate::credentials::{AUDIENCE, ISSUER, payload};
use crate::harness::Settings;
use crate::hs256::signing_input;
use crate::http::Token;
use crate::joining::{Site, web};
use crate::site::tokens;

fn site(name: &str, settings: Settings) -> Site {
    let page = "<!doctype html><link rel=\"icon\" href=\"data:,\">".to_owned();
    let files = [
        ("index.html", page),
        ("jaas-token.js", web("jaas-token.js")),
    ];
    let site = Site::new(name, &files, settings);
    site.open("");
    site
}

/// The line of the page that calls the Worker today: a template string without encoding.
#[test]
fn unencoded_names_still_get_a_token() {
    let site = site("worker-line", Settings::good());
    for (name, claim) in [
        ("王小明", "王小明"),
        ("Jane Smith", "Jane Smith"),
        // The browser encodes neither: what follows `&` is another parameter.
        ("Ann & Bob", "Ann"),
        ("50%", "50%"),
        ("100% 王", "100% 王"),
        ("%ff", "\u{fffd}"),
        ("a+b", "a b"),
    ] {
        let token = site.browser.run(
            "const userName = args.name, isAdmin = false;
            const response = await fetch(`${args.host}/api/jitsi-token?room=vtaiwan&user_id=u1&user_name=${userName}&user_email=&user_moderator=${isAdmin}`);
            if (!response.ok) throw new Error(await response.text());
            return (await response.json()).token;",
            &json!({ "host": site.service.wire.url(), "name": name }),
        );
        let token = Token::parse(token.as_str().expect("a token").to_owned());
        assert_eq!(token.user()["name"], claim, "{name}");
        assert_eq!(token.user()["moderator"], "false", "{name}");
    }
}

/// The newer site posts only the room. The credential of its session says who the user is and whether they are an
/// administrator (Better Auth: EdDSA, keys at its JWKS, roles `user`, `admin` and `super-admin`).
#[test]
fn a_post_of_the_room_alone_takes_the_person_from_the_credential() {
    let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
    let key = Ed25519KeyPair::from_pkcs8(key.as_ref()).expect("a key");
    let x = URL_SAFE_NO_PAD.encode(key.public_key().as_ref());
    let jwks = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "k1", "x": x }] });
    let settings = Settings::good().set_all(&[
        ("auth_mode", "required"),
        ("auth_jwks", &jwks.to_string()),
        ("auth_issuer", ISSUER),
        ("auth_audience", AUDIENCE),
        ("auth_moderator_claim", "role"),
        ("auth_moderator_values", "admin, super-admin"),
    ]);
    let site = site("better-auth", settings);
    for (role, moderator) in [
        ("user", "false"),
        ("admin", "true"),
        ("super-admin", "true"),
    ] {
        let claims =
            payload(&json!({ "name": "王小明", "email": "ming@example.tw", "role": role }));
        let input = signing_input(r#"{"alg":"EdDSA","kid":"k1"}"#, &claims);
        let signature = URL_SAFE_NO_PAD.encode(key.sign(input.as_bytes()).as_ref());
        let arguments = json!({ "host": site.service.wire.url(), "credential": format!("{input}.{signature}") });
        for way in [
            "const response = await fetch(`${args.host}/api/jitsi-token`, {
                method: 'POST',
                headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${args.credential}` },
                body: JSON.stringify({ room: 'vtaiwan' }),
            });
            if (!response.ok) throw new Error(await response.text());
            return (await response.json()).token;",
            "const { JitsiTokenService } = await import('/jaas-token.js');
            return new JitsiTokenService({ server: args.host, authorization: () => args.credential }).getToken({ room: 'vtaiwan' });",
        ] {
            let token = site.browser.run(way, &arguments);
            let token = Token::parse(token.as_str().expect("a token").to_owned());
            assert_eq!(token.claims["room"], "vtaiwan");
            assert_eq!(token.user()["name"], "王小明", "{role}");
            assert_eq!(token.user()["moderator"], moderator, "{role}");
        }
    }
}

/// Calls the client and returns how it failed.
const FAILURE: &str = "const { JitsiTokenService } = await import('/jaas-token.js');
    const fetchWith = (headers) => (url, init) => {
        // As tools that trace requests do, but not to the client's own search for the cause.
        if (init.method !== 'HEAD') for (const [name, value] of Object.entries(headers)) init.headers.set(name, value);
        return fetch(url, init);
    };
    try {
        const tokens = new JitsiTokenService({ server: args.server, fetch: args.headers && fetchWith(args.headers) });
        return { token: await tokens.getToken({ room: 'r' }) };
    } catch (error) {
        return { code: error.code, status: error.status ?? null, message: error.message };
    }";

#[test]
fn the_client_names_the_cause_that_the_browser_hides() {
    let site = site("causes", Settings::good());
    let server = site.service.wire.url();
    let closed =
        crate::site::Service::start(Settings::good().set("allowed_origins", "https://vtaiwan.tw"));
    for (arguments, code, status, named, not_named) in [
        (
            json!({ "server": format!("{server}/foo") }),
            "http",
            json!(404),
            "wrong path",
            "origin",
        ),
        (
            json!({ "server": server, "headers": { "x-of-a-tool": "1" } }),
            "network",
            Value::Null,
            "allowed_headers",
            "allowed_origins",
        ),
        (
            json!({ "server": closed.wire.url() }),
            "network",
            Value::Null,
            "allowed_origins",
            "wrong path",
        ),
        (
            json!({ "server": "http://127.0.0.1:9" }),
            "network",
            Value::Null,
            "cannot be reached",
            "wrong path",
        ),
    ] {
        let mut failure = Value::Null;
        let lines = site
            .service
            .log_of(|| failure = site.browser.run(FAILURE, &arguments));
        assert_eq!(failure["code"], code, "{failure}");
        assert_eq!(failure["status"], status, "{failure}");
        let message = failure["message"].as_str().expect("a message");
        assert!(
            message.contains(named) && !message.contains(not_named),
            "{message}"
        );
        assert_eq!(tokens(&lines), 0, "{lines:?}");
    }
}

#[test]
fn the_client_works_in_a_browser_without_the_newest_interfaces() {
    let site = site("old-browser", Settings::good());
    site.browser.open_with(
        &site.pages.origin(),
        "delete AbortSignal.any; delete AbortSignal.timeout; delete AbortSignal.prototype.throwIfAborted;
        Object.defineProperty(AbortSignal.prototype, 'reason', { value: undefined });
        Object.defineProperty(window, 'crypto', { value: undefined });
        delete window.TextDecoder;",
    );
    let arguments = json!({ "server": site.service.wire.url() });
    let token = site.browser.run(FAILURE, &arguments);
    assert!(token["token"].is_string(), "{token}");
    let aborted = site.browser.run(
        "const { JitsiTokenService } = await import('/jaas-token.js');
        const controller = new AbortController();
        const call = new JitsiTokenService(args).getToken({ room: 'x', signal: controller.signal });
        controller.abort();
        return call.then(() => 'a token', (error) => error.name);",
        &arguments,
    );
    assert_eq!(aborted, "AbortError");
}

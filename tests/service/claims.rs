//! Claims under other names, and who may join.

use serde_json::{Value, json};

use crate::credentials::{Login, payload, sign_exactly};
use crate::harness::{ALLOWED, Server, Settings};
use crate::http::{Response, get, post_json};

fn call(server: &Server, credential: &str, parameters: &[(&str, &str)]) -> Response {
    server.send(&get(parameters).bearer(credential).origin(ALLOWED))
}

fn with(login: &Login, variables: &[(&str, &str)]) -> Server {
    Server::start(login.configure("required").set_all(variables))
}

#[test]
fn a_token_has_what_the_named_claims_say() {
    let login = Login::new();
    let server = with(
        &login,
        &[
            ("auth_id_claim", "user.id"),
            ("auth_name_claim", "name, user.nickname"),
            ("auth_picture_claim", "picture, image"),
            ("auth_email_claim", "user.email"),
            ("auth_rooms_claim", "https://x.tw/rooms"),
        ],
    );
    let credential = login.sign(&json!({
        "sub": null, "user": {"id": "u7", "nickname": "Jane", "email": "jane@x.example"},
        "image": "https://x.example/i", "https://x.tw/rooms": ["default-room"],
    }));
    assert_eq!(
        *call(&server, &credential, &[]).token().user(),
        json!({
            "id": "u7", "name": "Jane", "avatar": "https://x.example/i",
            "email": "jane@x.example", "moderator": "false",
        })
    );
    assert_eq!(call(&server, &credential, &[("room", "other")]).status, 403);
    let lines = server.log_of(|server| {
        let response = call(server, &login.sign(&json!({"name": "Jane"})), &[]);
        assert_eq!(response.status, 401, "{response}");
        let message = response.error();
        assert!(
            message.contains("claim of auth_id_claim is missing"),
            "{message}"
        );
    });
    assert_eq!(lines[0]["reason"], "the claim of auth_id_claim is missing");
}

/// A display name proves nothing, unlike the id, the role and the email address.
#[test]
fn only_the_name_is_taken_from_the_request_and_only_where_the_credential_has_none() {
    let login = Login::new();
    let requested = json!({
        "user_name": "Requested", "user_id": "other", "user_email": "other@x.example",
        "user_avatar": "https://other.example/", "user_moderator": true,
    });
    for (switch, claims, expected) in [
        ("true", json!({}), Some("Requested")),
        ("true", json!({"name": " "}), Some("Requested")),
        ("true", json!({"name": "Proven"}), Some("Proven")),
        ("false", json!({}), None),
        ("false", json!({"name": "Proven"}), Some("Proven")),
    ] {
        let server = with(&login, &[("auth_request_name", switch)]);
        let credential = login.sign(&claims);
        let token = server
            .send(&post_json(&requested).bearer(&credential))
            .token();
        let mut user = token.user().clone();
        let shown = user.as_object_mut().unwrap().remove("name");
        assert_eq!(
            shown.as_ref().and_then(Value::as_str),
            expected,
            "{switch} {claims}"
        );
        assert_eq!(user, json!({"id": "by-credential", "moderator": "false"}));
    }
}

#[test]
fn any_of_the_audiences_does_in_the_claim_that_the_variable_names() {
    let login = Login::new();
    for (claim, claims, status) in [
        ("aud", json!({"aud": "jaas"}), 200),
        ("aud", json!({"aud": ["x", "https://b.example"]}), 200),
        ("aud", json!({"aud": "other"}), 401),
        ("azp", json!({"aud": null, "azp": "https://b.example"}), 200),
        ("azp", json!({"azp": "other"}), 401),
        ("azp", json!({"aud": "jaas"}), 401),
        ("azp", json!({"azp": 7}), 401),
    ] {
        let audiences = ("auth_audience", "jaas, https://b.example");
        let server = with(&login, &[audiences, ("auth_audience_claim", claim)]);
        let response = call(&server, &login.sign(&claims), &[]);
        assert_eq!(response.status, status, "{claim} {claims}: {response}");
    }
}

#[test]
fn who_is_in_no_group_that_may_join_gets_403_and_a_guest_has_none() {
    let login = Login::new();
    let group = [
        ("auth_required_claim", "realm_access.roles"),
        ("auth_required_values", "staff, board"),
    ];
    let server = with(&login, &group);
    let roles = |roles: Value| login.sign(&json!({"realm_access": {"roles": roles}}));
    for (credential, status, reason) in [
        (roles(json!(["x", "board"])), 200, None),
        (roles(json!("staff")), 200, None),
        (
            roles(json!(["x"])),
            403,
            Some("the claim of auth_required_claim has none of auth_required_values"),
        ),
        (
            login.sign(&json!({})),
            403,
            Some("the claim of auth_required_claim is missing"),
        ),
        (
            roles(json!([7])),
            401,
            Some("the claim of auth_required_claim has a wrong type"),
        ),
        (
            Login::new().sign(&json!({})),
            401,
            Some("the signature is not the configured key's"),
        ),
    ] {
        let lines = server.log_of(|server| {
            let response = call(server, &credential, &[]);
            assert_eq!(response.status, status, "{reason:?}: {response}");
            if status == 403 {
                let body = json!({"error": "Not a member of a group that may join"});
                assert_eq!(response.json(), body);
                assert_eq!(response.header("WWW-Authenticate"), None);
            }
        });
        if let Some(reason) = reason {
            assert_eq!(lines[0]["reason"], reason);
        }
    }
    assert_eq!(server.send(&get(&[])).status, 401);
    let optional = Server::start(login.configure("optional").set_all(&group));
    assert_eq!(
        optional.send(&get(&[])).token().user()["moderator"],
        "false"
    );
}

#[test]
fn an_access_token_is_a_credential_and_another_kind_of_token_is_none() {
    let login = Login::new();
    let server = with(&login, &[]);
    for (typ, status) in [
        ("JWT", 200),
        ("at+jwt", 200),
        ("application/at+jwt", 200),
        ("invitation+jwt", 401),
        ("logout+jwt", 401),
    ] {
        let header = json!({"alg": "HS256", "typ": typ}).to_string();
        let credential = sign_exactly(&login.secret, &header, payload(&json!({})));
        let response = call(&server, &credential, &[]);
        assert_eq!(response.status, status, "{typ}: {response}");
    }
}

#[test]
fn what_is_half_set_or_names_no_claim_lets_nobody_in() {
    let login = Login::new();
    for (variables, named) in [
        (
            &[("auth_required_claim", "groups")][..],
            "auth_required_values",
        ),
        (&[("auth_required_values", "staff")], "auth_required_claim"),
        (&[("auth_id_claim", "")], "auth_id_claim"),
        (&[("auth_audience_claim", "")], "auth_audience_claim"),
        (&[("auth_rooms_claim", "")], "auth_rooms_claim"),
        (&[("auth_request_name", "perhaps")], "auth_request_name"),
    ] {
        let settings: Settings = login.configure("required").set_all(variables);
        let server = Server::start_broken(settings);
        let response = call(&server, &login.sign(&json!({"groups": "staff"})), &[]);
        assert_eq!(response.status, 500, "{variables:?}: {response}");
        assert!(
            response.error().starts_with(&format!("{named} ")),
            "{response}"
        );
    }
}

//! docs/auth.md: each identity provider's variables, tested on tokens of the provider's form.
//!
//! Tests the core as a library, so that it requests the guide's exact URLs; a stand-in serves them without a network.

use std::cell::RefCell;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jaas_jwt::config::Config;
use jaas_jwt::environment::{Environment, FetchError, FetchLimits, Fetched, Isolated, Network};
use jaas_jwt::http::Request;
use jaas_jwt::service;
use serde_json::{Value, json};
use testkit::http::Token;

use crate::authentication::{openssl_signed_as, rsa_jwk};
use crate::harness::{APP_ID, KEY_ID, now};
use crate::key_material::{Kind, key, openssl_key, public_key};
use crate::recipes::variables;

/// The form of a provider's tokens.
struct Shape {
    section: &'static str,
    algorithm: &'static str,
    /// The header's `typ`.
    typ: &'static str,
    /// A moderator's claims, without times.
    claims: Value,
    /// Changes to the claims that remove the moderator's role.
    member: Value,
    name: &'static str,
    email: Option<&'static str>,
    /// The name of the claim that contains the audience.
    audience: &'static str,
    /// Changes to the claims that make the caller somebody who may not join.
    stranger: Option<Value>,
}

#[allow(clippy::too_many_lines, reason = "a table")]
fn shapes() -> Vec<Shape> {
    let shape = |section, claims, member| Shape {
        section,
        algorithm: "RS256",
        typ: "JWT",
        claims,
        member,
        name: "Jane Smith",
        email: Some("jane@example.org"),
        audience: "aud",
        stranger: None,
    };
    vec![
        Shape {
            algorithm: "EdDSA",
            ..shape(
                "Better Auth",
                json!({
                    "iss": "https://www.example.org", "aud": "https://www.example.org",
                    "sub": "u1", "id": "u1", "name": "Jane Smith", "email": "jane@example.org",
                    "emailVerified": true, "image": "https://www.example.org/jane.png",
                    "createdAt": "2026-01-01T00:00:00.000Z", "role": "super-admin", "banned": null,
                }),
                json!({"role": "user"}),
            )
        },
        shape(
            "Firebase",
            json!({
                "iss": "https://securetoken.google.com/YOUR-PROJECT-ID", "aud": "YOUR-PROJECT-ID",
                "auth_time": 1, "user_id": "u1", "sub": "u1", "name": "Jane Smith",
                "picture": "https://www.example.org/jane.png", "email": "jane@example.org",
                "email_verified": true, "moderator": true,
                "firebase": {"identities": {"email": ["jane@example.org"]}, "sign_in_provider": "password"},
            }),
            json!({"moderator": null}),
        ),
        Shape {
            stranger: Some(json!({"hd": null})),
            ..shape(
                "Google",
                json!({
                    "iss": "https://accounts.google.com",
                    "aud": "YOUR-CLIENT-ID.apps.googleusercontent.com",
                    "azp": "YOUR-CLIENT-ID.apps.googleusercontent.com", "sub": "u1",
                    "hd": "example.org", "email": "jane@example.org", "email_verified": true,
                    "name": "Jane Smith", "picture": "https://www.example.org/jane.png",
                }),
                json!({"email": "john@example.org"}),
            )
        },
        Shape {
            typ: "at+jwt",
            email: None,
            ..shape(
                "Auth0",
                json!({
                    "iss": "https://your-tenant.eu.auth0.com/", "sub": "u1",
                    "aud": ["https://meet.example.org", "https://your-tenant.eu.auth0.com/userinfo"],
                    "azp": "my_client_id", "scope": "openid profile",
                    "https://www.example.org/name": "Jane Smith",
                    "https://www.example.org/roles": ["moderator"],
                }),
                json!({"https://www.example.org/roles": []}),
            )
        },
        shape(
            "Keycloak",
            json!({
                "iss": "https://login.example.org/realms/main", "aud": ["jaas-jwt", "account"],
                "sub": "u1", "typ": "Bearer", "azp": "website", "scope": "openid email profile",
                "realm_access": {"roles": ["offline_access", "jitsi-moderator"]},
                "name": "", "preferred_username": "Jane Smith", "email": "jane@example.org",
                "email_verified": true,
            }),
            json!({"realm_access": {"roles": ["offline_access"]}}),
        ),
        Shape {
            algorithm: "ES256",
            stranger: Some(json!({"is_anonymous": true})),
            ..shape(
                "Supabase",
                json!({
                    "iss": "https://your-ref.supabase.co/auth/v1", "aud": "authenticated",
                    "sub": "u1", "role": "authenticated", "email": "jane@example.org", "phone": "",
                    "app_metadata": {"provider": "email", "providers": ["email"], "roles": ["moderator"]},
                    "user_metadata": {"full_name": "Jane Smith", "email_verified": true},
                    "is_anonymous": false, "session_id": "s", "aal": "aal1",
                }),
                json!({"app_metadata": {"provider": "email"}, "user_metadata": {"name": "Jane Smith", "roles": ["moderator"]}}),
            )
        },
        Shape {
            email: None,
            audience: "azp",
            ..shape(
                "Clerk",
                json!({
                    "iss": "https://clerk.example.org", "azp": "https://www.example.org", "sub": "u1",
                    "sid": "s", "sts": "active", "v": 2, "fva": [0, -1], "name": "Jane Smith",
                    "role": "moderator",
                }),
                json!({"role": "member"}),
            )
        },
        shape(
            "Cognito",
            json!({
                "iss": "https://cognito-idp.your-region.amazonaws.com/YOUR-POOL-ID",
                "aud": "YOUR-CLIENT-ID", "sub": "u1", "token_use": "id", "auth_time": 1,
                "cognito:username": "Jane Smith", "cognito:groups": ["moderators"],
                "email": "jane@example.org", "email_verified": "true",
            }),
            json!({"cognito:groups": null}),
        ),
        Shape {
            email: Some("jane@example.org"),
            ..shape(
                "Microsoft Entra",
                json!({
                    "iss": "https://login.microsoftonline.com/YOUR-TENANT-ID/v2.0",
                    "aud": "YOUR-CLIENT-ID", "sub": "u1", "oid": "o", "tid": "YOUR-TENANT-ID",
                    "name": "Jane Smith", "preferred_username": "jane@example.org",
                    "email": "jane@example.org", "roles": ["Moderator"], "ver": "2.0",
                }),
                json!({"roles": null}),
            )
        },
    ]
}

/// Returns the claims with `changes` applied; `null` removes a claim.
fn changed(claims: &Value, changes: &Value) -> Value {
    let mut claims = claims.clone();
    let object = claims.as_object_mut().expect("claims");
    for (name, value) in changes.as_object().expect("changes") {
        match value {
            Value::Null => object.remove(name),
            value => object.insert(name.clone(), value.clone()),
        };
    }
    claims
}

/// A provider: a key pair of the right kind, and its key set at the documented URL.
struct Provider {
    shape: Shape,
    variables: Vec<(String, String)>,
    pem: String,
    document: String,
    fetched: RefCell<Vec<String>>,
}

impl Provider {
    fn new(shape: Shape) -> Self {
        let pem = openssl_key(match shape.algorithm {
            "EdDSA" => &["ed25519"],
            "ES256" => &["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
            _ => &["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
        });
        let jwk = match shape.algorithm {
            "EdDSA" => {
                let x = last_bytes(&pem, 32);
                json!({"kty": "OKP", "crv": "Ed25519", "kid": "k1", "alg": "EdDSA", "x": x[0]})
            }
            "ES256" => {
                let point = last_bytes(&pem, 64);
                json!({"kty": "EC", "crv": "P-256", "kid": "k1", "alg": "ES256", "x": point[0], "y": point[1]})
            }
            _ => rsa_jwk(&pem, "k1"),
        };
        Self {
            variables: variables(shape.section),
            document: json!({ "keys": [jwk] }).to_string(),
            shape,
            pem,
            fetched: RefCell::default(),
        }
    }

    fn variable(&self, name: &str) -> &str {
        let found = self.variables.iter().find(|(other, _)| other == name);
        &found.expect(name).1
    }

    fn sign(&self, claims: &Value) -> String {
        let header = json!({"alg": self.shape.algorithm, "typ": self.shape.typ, "kid": "k1"});
        let times = json!({"iat": now(), "exp": now() + 60});
        let claims = changed(claims, &times).to_string();
        openssl_signed_as(
            &self.pem,
            self.shape.algorithm,
            &header.to_string(),
            &claims,
        )
    }

    /// Requests a token with these claims, and returns the status and the body.
    fn call(&self, claims: &Value) -> (u16, Value) {
        let pem = &key(Kind::Pkcs8, 2048).pem;
        let credentials = [
            ("jaas_app_id", APP_ID),
            ("jaas_key_id", KEY_ID),
            ("jaas_private_key", pem),
        ];
        let source = |name: &str| {
            let credential = credentials.iter().find(|(known, _)| *known == name);
            let variable = self.variables.iter().find(|(known, _)| known == name);
            let value = credential.map(|(_, value)| (*value).to_owned());
            Ok(value.or_else(|| variable.map(|(_, value)| value.clone())))
        };
        let config = Config::new(&source);
        assert_eq!(config.problems(), [], "{}", self.shape.section);
        let authorization = format!("Bearer {}", self.sign(claims));
        let headers = [
            ("content-type", "application/json"),
            ("authorization", &authorization),
        ];
        let outcome = service::handle(
            &config,
            &mut Request {
                method: "POST".to_owned(),
                target: "/api/jitsi-token".to_owned(),
                headers: headers.as_slice().into(),
                body: &br#"{"room":"guide","user_name":"By Request"}"#[..],
            },
            Environment {
                now: now().try_into().expect("after 1970"),
                random: &mut |bytes: &mut [u8]| bytes.fill(7),
                store: &Isolated,
                network: self,
                sleep: &|_| (),
            },
        );
        let body = serde_json::from_slice(&outcome.response.body).expect("JSON");
        (outcome.response.status, body)
    }

    fn user(&self, claims: &Value) -> Value {
        let (status, body) = self.call(claims);
        assert_eq!(status, 200, "{}: {body}", self.shape.section);
        let token = body["token"].as_str().expect("a token");
        Token::parse(token.to_owned()).user().clone()
    }
}

impl Network for Provider {
    fn get(&self, url: &str, _: FetchLimits) -> Result<Fetched, FetchError> {
        self.fetched.borrow_mut().push(url.to_owned());
        Ok(Fetched {
            status: 200,
            headers: [("content-type", "application/json")].into(),
            body: self.document.clone().into_bytes(),
        })
    }
}

/// Returns the end of a public key in chunks of 32 bytes.
fn last_bytes(pem: &str, count: usize) -> Vec<String> {
    let public = public_key(pem);
    let body: String = public.lines().filter(|l| !l.starts_with('-')).collect();
    let der = STANDARD.decode(body).expect("base64");
    let end = &der[der.len() - count..];
    end.chunks(32)
        .map(|piece| URL_SAFE_NO_PAD.encode(piece))
        .collect()
}

#[test]
fn the_variables_of_each_provider_fit_its_tokens() {
    let guide =
        std::fs::read_to_string(crate::harness::root().join("docs/auth.md")).expect("docs/auth.md");
    let listed = guide
        .lines()
        .find(|line| line.starts_with("- [Identity providers]"))
        .expect("the list of providers");
    let shapes = shapes();
    assert_eq!(listed.matches("](#").count(), shapes.len() + 1, "{listed}");
    for shape in shapes {
        let provider = Provider::new(shape);
        let Shape {
            section,
            claims,
            member,
            ..
        } = &provider.shape;

        let user = provider.user(claims);
        assert_eq!(user["id"], "u1", "{section}");
        assert_eq!(user["name"], provider.shape.name, "{section}");
        assert_eq!(
            user.get("email").and_then(Value::as_str),
            provider.shape.email,
            "{section}"
        );
        assert_eq!(user["moderator"], "true", "{section}");
        let url = provider.variable("auth_jwks_url");
        assert_eq!(*provider.fetched.borrow(), [url], "{section}");

        let user = provider.user(&changed(claims, member));
        assert_eq!(user["moderator"], "false", "{section}");
        assert_eq!(user["name"], provider.shape.name, "{section}");

        // The issuer and the audience must match exactly.
        for (name, variable) in [
            ("iss", "auth_issuer"),
            (provider.shape.audience, "auth_audience"),
        ] {
            let other = format!("{}x", provider.variable(variable));
            let (status, body) = provider.call(&changed(claims, &json!({ name: other })));
            assert_eq!(status, 401, "{section}, {name}: {body}");
        }

        let named = provider
            .variables
            .iter()
            .any(|(name, _)| name == "auth_required_claim");
        assert_eq!(provider.shape.stranger.is_some(), named, "{section}");
        if let Some(stranger) = &provider.shape.stranger {
            let (status, body) = provider.call(&changed(claims, stranger));
            assert_eq!(status, 403, "{section}: {body}");
            assert_eq!(body["error"], "Not a member of a group that may join");
        }
    }
}

/// The variants that the guide's lists mention.
#[test]
fn an_access_token_of_cognito_and_a_firebase_account_that_is_not_anonymous_fit_too() {
    let find = |section: &str| {
        let shape = shapes().into_iter().find(|shape| shape.section == section);
        Provider::new(shape.expect(section))
    };
    let mut cognito = find("Cognito");
    let access = changed(
        &cognito.shape.claims,
        &json!({
            "aud": null, "email": null, "cognito:username": null, "client_id": "YOUR-CLIENT-ID",
            "token_use": "access", "scope": "openid",
        }),
    );
    assert_eq!(cognito.call(&access).0, 401);
    let client_id = ("auth_audience_claim".to_owned(), "client_id".to_owned());
    cognito.variables.push(client_id);
    assert_eq!(cognito.user(&access)["name"], "By Request");

    let mut firebase = find("Firebase");
    for (variable, value) in [
        ("auth_required_claim", "firebase.sign_in_provider"),
        ("auth_required_values", "password, google.com"),
    ] {
        firebase
            .variables
            .push((variable.to_owned(), value.to_owned()));
    }
    for (provider, status) in [("password", 200), ("google.com", 200), ("anonymous", 403)] {
        let changes = json!({"firebase": {"sign_in_provider": provider}});
        let (given, body) = firebase.call(&changed(&firebase.shape.claims, &changes));
        assert_eq!(given, status, "{provider}: {body}");
    }
}

//! Tests of what an instance keeps between requests, and for how long.

use jwt_simple::prelude::{NoCustomClaims, RS256KeyPair, RSAPublicKeyLike};
use serde_json::json;

use super::*;
use crate::caller::{KeySource, VerificationKey};

#[test]
fn a_signer_is_kept_as_long_as_all_that_it_is_made_of_is_the_same() {
    let pairs = [(); 2].map(|()| RS256KeyPair::generate(2048).unwrap());
    let pems = pairs.each_ref().map(|pair| pair.to_pem().unwrap());
    let padded = format!("\n {} \n", pems[0]);
    let memo = Memo::default();
    let mut last: Option<Rc<Signer>> = None;
    let other_app = APP_ID.replace("1fc", "2fc");
    let (pem, other) = (pems[0].as_str(), pems[1].as_str());
    for (engine, app_id, key_id, pem, key, is_kept) in [
        ("jwt-simple", APP_ID, "a", pem, Some(0), false),
        ("jwt-simple", APP_ID, "a", pem, Some(0), true),
        ("jwt-simple", APP_ID, "a", &padded, Some(0), true),
        ("rs256", APP_ID, "a", pem, Some(0), false),
        ("rs256", APP_ID, "b", pem, Some(0), false),
        ("rs256", APP_ID, "b", pem, Some(0), true),
        ("rs256", &other_app, "b", pem, Some(0), false),
        ("rs256", &other_app, "b", other, Some(1), false),
        ("rs256", &other_app, "b", other, Some(1), true),
        // An invalid key fails each time, and drops the kept signer.
        ("rs256", &other_app, "b", "no key", None, false),
        ("rs256", &other_app, "b", "no key", None, false),
        ("rs256", &other_app, "b", "", None, false),
        ("rs256", &other_app, "b", other, Some(1), false),
        ("jwt-simple", &other_app, "b", other, Some(1), false),
    ] {
        let variables = [
            ("signing_engine", engine),
            ("jaas_app_id", app_id),
            ("jaas_key_id", key_id),
            ("jaas_private_key", pem),
        ];
        let context = format!("{engine} {app_id} {key_id} {key:?}");
        let source = source(&variables);
        let config = Config::remembering(&source, &memo);
        let signer = config.signer().ok();
        assert_eq!(signer.is_some(), key.is_some(), "{context}");
        assert_eq!(config.problems().is_empty(), key.is_some(), "{context}");
        let same = last.as_ref().zip(signer.as_ref());
        let same = same.is_some_and(|(last, signer)| Rc::ptr_eq(last, signer));
        assert_eq!(same, is_kept, "{context}");
        if let Some((signer, key)) = signer.as_ref().zip(key) {
            let claims = json!({ "sub": signer.app_id() });
            let random = &mut |bytes: &mut [u8]| bytes.fill(7);
            let token = signer.sign(&claims, random).unwrap();
            let public = pairs[key]
                .public_key()
                .with_key_id(&format!("{app_id}/{key_id}"));
            let verified = public.verify_token::<NoCustomClaims>(&token, None);
            assert_eq!(
                verified.unwrap().subject.as_deref(),
                Some(app_id),
                "{context}"
            );
        }
        last = signer;
    }
}

#[test]
fn a_key_of_the_login_is_kept_as_long_as_its_variable_is_the_same() {
    let pem = RS256KeyPair::generate(2048).unwrap().public_key().to_pem();
    let pem = pem.unwrap();
    let memo = Memo::default();
    let mut last: Option<Rc<VerificationKey>> = None;
    let (secret, other) = (
        "f3b1c9d27a64e8500f3b1c9d27a64e85",
        "a3b1c9d27a64e8500f3b1c9d27a64e85",
    );
    for (variable, text, is_right, is_kept) in [
        ("auth_hs256_secret", secret, true, false),
        ("auth_hs256_secret", secret, true, true),
        ("auth_hs256_secret", other, true, false),
        ("auth_public_key", &pem, true, false),
        ("auth_public_key", &pem, true, true),
        ("auth_jwks", &pem, false, false),
        ("auth_public_key", secret, false, false),
        ("auth_public_key", &pem, true, false),
    ] {
        let variables = [
            ("auth_mode", "required"),
            (variable, text),
            ("auth_issuer", "https://login.example"),
            ("auth_audience", "jaas"),
        ];
        let source = source(&variables);
        let config = Config::remembering(&source, &memo);
        let key = match config.0.login().value.as_ref().map(|login| &login.key) {
            Some(KeySource::Configured(key)) => Some(key.clone()),
            _ => None,
        };
        assert_eq!(key.is_some(), is_right, "{variable}");
        let same = last.as_ref().zip(key.as_ref());
        let same = same.is_some_and(|(last, key)| Rc::ptr_eq(last, key));
        assert_eq!(same, is_kept, "{variable}");
        last = key;
    }
}

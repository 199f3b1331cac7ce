//! Who is calling: the credential in `Authorization`, verified, and the identity that it proves.
//!
//! The credential is a JWT that the site's own login or its identity provider made. It is verified with exactly one
//! configured key, or one of a key set by `kid`; the algorithm follows from the key and never from the token. The JWT
//! Best Current Practices (RFC 8725) and Bearer Token Usage (RFC 6750) are the sources of the rules.
#![forbid(unsafe_code)]

use std::collections::HashSet;

use jwt_simple::prelude::{
    Duration, ECDSAP256PublicKeyLike, ES256PublicKey, Ed25519PublicKey, EdDSAPublicKeyLike,
    HS256Key, JWTClaims, MACLike, RS256PublicKey, RSAPublicKeyLike, UnixTimeStamp,
    VerificationOptions,
};
use jwt_simple::token::Token;
use serde::de::{DeserializeOwned, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::cors::{Headers, values};
use crate::pem_text;
use crate::room::RoomList;
use crate::token_request::{Avatar, Email, PersonalText};

/// The largest credential that is looked at, in bytes.
pub const MAX_CREDENTIAL_BYTES: usize = 8 * 1024;
/// How far the issuer's clock may be off, in seconds.
pub const TOLERANCE_SECONDS: u64 = 30;
/// The last instant at which times are compared, in seconds since 1970-01-01 UTC, in February 2106: jwt-simple keeps
/// seconds in 32 bits, and takes every later instant for this one.
pub const LATEST_INSTANT: u64 = u32::MAX as u64 - TOLERANCE_SECONDS;
/// The shortest HS256 secret, in bytes: as long as the hash (RFC 7518, section 3.2).
pub const MIN_SECRET_BYTES: usize = 32;

/// Who is calling.
#[derive(Debug)]
pub enum Caller {
    /// `auth_mode` is `none`: nobody is asked.
    Anyone,
    /// `auth_mode` is `optional`, and there is no credential.
    Guest,
    /// The credential proves who it is.
    Known(Identity),
}

/// What a credential proves.
#[derive(Debug)]
pub struct Identity {
    /// The claim `sub`.
    pub id: PersonalText,
    /// The claim `name`.
    pub name: Option<PersonalText>,
    /// The claim `email`.
    pub email: Option<Email>,
    /// The claim `picture`.
    pub avatar: Option<Avatar>,
    /// Whether the claim that the configuration names says so.
    pub moderator: bool,
    /// The claim `rooms`: the only rooms for this person.
    pub rooms: Option<RoomList>,
}

/// Why a caller is not let in. Tells nothing of the credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialError {
    /// None, where one is required.
    Absent,
    /// More than one `Authorization` header, or not `Bearer` and one token.
    Malformed,
    /// More than [`MAX_CREDENTIAL_BYTES`].
    TooLong,
    /// Not signed by the configured key, for this audience, by this issuer, at this time.
    Invalid,
    /// A claim of a wrong type, or a claim that is missing.
    Claim(&'static str),
}

impl CredentialError {
    /// The sentence that the caller reads.
    #[must_use]
    pub fn message(self) -> String {
        match self {
            Self::Absent => "Not logged in: send Authorization: Bearer with the credential of your login".into(),
            Self::Malformed => {
                "Malformed credential: send one header, Authorization: Bearer TOKEN".into()
            }
            Self::TooLong => format!(
                "The credential is too long: at most {MAX_CREDENTIAL_BYTES} bytes are read"
            ),
            Self::Invalid => {
                "The credential is not valid: it is expired, not yet valid, not for this service, or not signed by its login; log in again".into()
            }
            Self::Claim(name) => format!(
                "The credential's claim {name} is missing, repeated or of a wrong type"
            ),
        }
    }

    /// The value of `WWW-Authenticate` (RFC 6750, section 3): the error only where a credential was sent.
    #[must_use]
    pub fn challenge(self) -> &'static str {
        match self {
            Self::Absent => r#"Bearer realm="jaas-jwt""#,
            _ => r#"Bearer realm="jaas-jwt", error="invalid_token""#,
        }
    }
}

/// How callers are verified.
#[derive(Debug)]
pub struct Authentication {
    /// Whether a caller without a credential is refused rather than a guest.
    pub required: bool,
    /// The one key or key set.
    pub key: VerificationKey,
    /// The only `iss` that is accepted.
    pub issuer: String,
    /// The `aud` that must be named.
    pub audience: String,
    /// The path of the claim that makes a moderator.
    pub moderator_claim: Vec<String>,
    /// The values of that claim that make one, besides `true`.
    pub moderator_values: Vec<String>,
}

/// What verifies a credential.
pub enum VerificationKey {
    /// A shared secret: HS256.
    Secret(HS256Key),
    /// A public key.
    Public(PublicKey),
    /// Public keys by `kid`.
    Set(Vec<(String, PublicKey)>),
}

/// A public key; its type says which algorithm it verifies.
pub enum PublicKey {
    /// RSA: RS256. In a box, because it is much larger than the others.
    Rs256(Box<RS256PublicKey>),
    /// P-256: ES256.
    Es256(ES256PublicKey),
    /// Ed25519: EdDSA.
    EdDsa(Ed25519PublicKey),
}

impl std::fmt::Debug for VerificationKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[verification key elided]")
    }
}

impl VerificationKey {
    /// A shared secret, as text.
    ///
    /// # Errors
    /// The rest of a sentence that starts with the variable's name, as for the other two.
    pub fn from_secret(text: &str) -> Result<Self, &'static str> {
        if text.len() < MIN_SECRET_BYTES {
            return Err(
                "is shorter than 32 bytes, so that it can be guessed; make one with `openssl rand -base64 48`.",
            );
        }
        Ok(Self::Secret(HS256Key::from_bytes(text.as_bytes())))
    }

    /// A public key in PEM, in any of the shapes of [`pem_text`].
    ///
    /// # Errors
    /// A text that is no public key of a supported kind.
    pub fn from_pem(text: &str) -> Result<Self, &'static str> {
        let pem = pem_text::normalize(text).map_err(
            |_| "is not PEM; give the public key as `openssl pkey -in key.pem -pubout` prints it.",
        )?;
        if pem.contains("PRIVATE KEY") {
            return Err(
                "is a private key, which only the login may have; give the public key, `openssl pkey -in key.pem -pubout`.",
            );
        }
        let key = RS256PublicKey::from_pem(&pem)
            .map(|key| PublicKey::Rs256(Box::new(key)))
            .or_else(|_| ES256PublicKey::from_pem(&pem).map(PublicKey::Es256))
            .or_else(|_| Ed25519PublicKey::from_pem(&pem).map(PublicKey::EdDsa))
            .map_err(|_| {
                "is not a public key of a supported kind: RSA of 2048 to 4096 bits, P-256 or Ed25519; give it as `openssl pkey -in key.pem -pubout` prints it."
            })?;
        Ok(Self::Public(key))
    }

    /// A key set (RFC 7517, section 5). Keys for other purposes and of other kinds are passed over.
    ///
    /// # Errors
    /// A text that is no key set, or has no usable key.
    pub fn from_jwks(text: &str) -> Result<Self, &'static str> {
        #[derive(serde::Deserialize)]
        struct KeySet {
            keys: Vec<Value>,
        }
        let set: KeySet = serde_json::from_str(text).map_err(
            |_| "is not a JWKS document; give the whole JSON object with its member keys.",
        )?;
        let mut keys: Vec<(String, PublicKey)> = Vec::new();
        for jwk in &set.keys {
            let Some(kid) = jwk.get("kid").and_then(Value::as_str) else {
                continue;
            };
            let text = jwk.to_string();
            let key = RS256PublicKey::from_jwk(&text)
                .map(|key| PublicKey::Rs256(Box::new(key)))
                .or_else(|_| ES256PublicKey::from_jwk(&text).map(PublicKey::Es256))
                .or_else(|_| Ed25519PublicKey::from_jwk(&text).map(PublicKey::EdDsa));
            if let Ok(key) = key {
                if keys.iter().any(|(other, _)| other == kid) {
                    return Err("has two keys with the same kid; keep one of them.");
                }
                keys.push((kid.to_owned(), key));
            }
        }
        if keys.is_empty() {
            return Err(
                "has no public key with a kid that verifies RS256, ES256 or EdDSA; take the document from your provider's jwks_uri.",
            );
        }
        Ok(Self::Set(keys))
    }

    fn verify<C: DeserializeOwned>(
        &self,
        token: &str,
        options: VerificationOptions,
    ) -> Result<JWTClaims<C>, jwt_simple::Error> {
        let public = match self {
            Self::Secret(key) => return key.verify_token(token, Some(options)),
            Self::Public(key) => key,
            Self::Set(keys) => {
                let metadata = Token::decode_metadata(token)?;
                let (_, key) = keys
                    .iter()
                    .find(|(kid, _)| Some(kid.as_str()) == metadata.key_id())
                    .ok_or_else(|| jwt_simple::Error::msg("unknown kid"))?;
                key
            }
        };
        match public {
            PublicKey::Rs256(key) => key.verify_token(token, Some(options)),
            PublicKey::Es256(key) => key.verify_token(token, Some(options)),
            PublicKey::EdDsa(key) => key.verify_token(token, Some(options)),
        }
    }
}

impl Authentication {
    /// Finds out who is calling. `now` is in seconds since 1970-01-01 UTC.
    ///
    /// # Errors
    /// See [`CredentialError`].
    pub fn authenticate(&self, headers: &Headers, now: u64) -> Result<Caller, CredentialError> {
        let mut credentials = values(headers, "authorization");
        let Some(first) = credentials.next() else {
            return if self.required {
                Err(CredentialError::Absent)
            } else {
                Ok(Caller::Guest)
            };
        };
        if credentials.next().is_some() {
            return Err(CredentialError::Malformed);
        }
        let (scheme, token) = std::str::from_utf8(first)
            .ok()
            .and_then(|text| text.trim().split_once(' '))
            .ok_or(CredentialError::Malformed)?;
        let token = token.trim_start();
        if !scheme.eq_ignore_ascii_case("bearer") || token.contains(' ') {
            return Err(CredentialError::Malformed);
        }
        if token.len() > MAX_CREDENTIAL_BYTES {
            return Err(CredentialError::TooLong);
        }
        self.identify(token, now).map(Caller::Known)
    }

    fn identify(&self, token: &str, now: u64) -> Result<Identity, CredentialError> {
        // On a clock that is so far off nothing would ever expire.
        if now > LATEST_INSTANT {
            return Err(CredentialError::Invalid);
        }
        let options = VerificationOptions {
            artificial_time: Some(UnixTimeStamp::from_secs(now)),
            time_tolerance: Some(Duration::from_secs(TOLERANCE_SECONDS)),
            allowed_issuers: Some(HashSet::from([self.issuer.clone()])),
            allowed_audiences: Some(HashSet::from([self.audience.clone()])),
            max_token_length: Some(MAX_CREDENTIAL_BYTES),
            ..VerificationOptions::default()
        };
        let claims: JWTClaims<UniqueClaims> = self
            .key
            .verify(token, options)
            .map_err(|_| CredentialError::Invalid)?;
        if claims.expires_at.is_none() {
            return Err(CredentialError::Claim("exp"));
        }
        let UniqueClaims(custom) = claims.custom;
        let id = claims
            .subject
            .as_deref()
            .map(str::trim)
            .filter(|sub| !sub.is_empty())
            .and_then(|sub| PersonalText::parse(sub).ok())
            .ok_or(CredentialError::Claim("sub"))?;
        // A display name that cannot be shown is left out: it must not lock its owner out.
        Ok(Identity {
            id,
            name: text(&custom, "name")?.and_then(|text| PersonalText::parse(text).ok()),
            email: text(&custom, "email")?.and_then(|text| Email::parse(text).ok()),
            avatar: text(&custom, "picture")?.and_then(|text| Avatar::parse(text).ok()),
            moderator: self.is_moderator(&custom)?,
            rooms: rooms(&custom)?,
        })
    }

    /// Follows the path and reads what is there: true, one of the values, or a list that holds one of them.
    fn is_moderator(&self, claims: &Map<String, Value>) -> Result<bool, CredentialError> {
        let wrong = Err(CredentialError::Claim("for moderators"));
        let makes_moderator =
            |text: &str| text == "true" || self.moderator_values.iter().any(|value| value == text);
        // A provider may put a dot or a whole URL into one name: such a name is looked for first.
        let whole = self.moderator_claim.join(".");
        let mut found = claims.get(&whole);
        if found.is_none() {
            let mut object = claims;
            for (i, name) in self.moderator_claim.iter().enumerate() {
                match object.get(name) {
                    None | Some(Value::Null) => break,
                    Some(value) if i + 1 == self.moderator_claim.len() => found = Some(value),
                    Some(Value::Object(inner)) => object = inner,
                    Some(_) => return wrong,
                }
            }
        }
        match found {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(moderator)) => Ok(*moderator),
            Some(Value::String(text)) => Ok(makes_moderator(text)),
            Some(Value::Array(list)) => {
                let mut moderator = false;
                for value in list {
                    match value {
                        Value::String(text) => moderator |= self.moderator_values.contains(text),
                        _ => return wrong,
                    }
                }
                Ok(moderator)
            }
            Some(_) => wrong,
        }
    }
}

/// The text of a claim; `None` when it is absent or empty.
fn text<'a>(
    claims: &'a Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'a str>, CredentialError> {
    match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim()).filter(|text| !text.is_empty())),
        Some(_) => Err(CredentialError::Claim(name)),
    }
}

fn rooms(claims: &Map<String, Value>) -> Result<Option<RoomList>, CredentialError> {
    let wrong = CredentialError::Claim("rooms");
    match claims.get("rooms") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(list)) => {
            let names: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
            Ok(Some(RoomList::from_names(names.ok_or(wrong)?)))
        }
        Some(_) => Err(wrong),
    }
}

/// Claims of which none is repeated, at any depth: of two equal names every reader takes the one it likes (RFC 8725,
/// section 2.6), so a credential that has them says nothing.
struct UniqueClaims(Map<String, Value>);

impl<'de> serde::Deserialize<'de> for UniqueClaims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Unique::deserialize(deserializer)?.0 {
            Value::Object(claims) => Ok(Self(claims)),
            _ => Err(D::Error::custom("not an object")),
        }
    }
}

struct Unique(Value);

impl<'de> serde::Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct UniqueVisitor;
        impl<'de> Visitor<'de> for UniqueVisitor {
            type Value = Unique;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("JSON without repeated names")
            }
            fn visit_bool<E>(self, value: bool) -> Result<Unique, E> {
                Ok(Unique(value.into()))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Unique, E> {
                Ok(Unique(value.into()))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Unique, E> {
                Ok(Unique(value.into()))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Unique, E> {
                Ok(Unique(value.into()))
            }
            fn visit_str<E>(self, value: &str) -> Result<Unique, E> {
                Ok(Unique(value.into()))
            }
            fn visit_unit<E>(self) -> Result<Unique, E> {
                Ok(Unique(Value::Null))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Unique, A::Error> {
                let mut values = Vec::new();
                while let Some(Unique(value)) = list.next_element()? {
                    values.push(value);
                }
                Ok(Unique(values.into()))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Unique, A::Error> {
                let mut members = Map::new();
                while let Some((name, Unique(value))) = map.next_entry::<String, Unique>()? {
                    if members.insert(name, value).is_some() {
                        return Err(A::Error::custom("repeated name"));
                    }
                }
                Ok(Unique(members.into()))
            }
        }
        deserializer.deserialize_any(UniqueVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use jwt_simple::prelude::{
        ECDSAP256KeyPairLike, ES256KeyPair, Ed25519KeyPair, EdDSAKeyPairLike, RS256KeyPair,
        RSAKeyPairLike,
    };
    use serde_json::json;

    const NOW: u64 = 1_700_000_000;
    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn authentication(key: VerificationKey) -> Authentication {
        Authentication {
            required: true,
            key,
            issuer: "https://login.example".into(),
            audience: "jaas".into(),
            moderator_claim: vec!["moderator".into()],
            moderator_values: vec!["host".into()],
        }
    }

    fn with_secret() -> Authentication {
        authentication(VerificationKey::from_secret(SECRET).unwrap())
    }

    /// A payload as a login writes it, changed by `changes`; a change to `null` takes the claim away.
    fn payload(changes: Value) -> String {
        let mut claims = json!({
            "iss": "https://login.example", "aud": "jaas", "sub": "u1", "exp": NOW + 60,
        });
        for (name, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => claims.as_object_mut().unwrap().remove(name),
                value => claims
                    .as_object_mut()
                    .unwrap()
                    .insert(name.clone(), value.clone()),
            };
        }
        claims.to_string()
    }

    fn signing_input(header: &str, payload: &str) -> String {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}", encode(header), encode(payload))
    }

    /// A token of exactly these texts, signed HS256 with `secret`.
    fn signed(header: &str, payload: &str, secret: &[u8]) -> String {
        let input = signing_input(header, payload);
        let tag = hmac_sha256::HMAC::mac(input.as_bytes(), secret);
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(tag))
    }

    fn hs256(payload: &str) -> String {
        signed(r#"{"alg":"HS256","typ":"JWT"}"#, payload, SECRET.as_bytes())
    }

    fn call(authentication: &Authentication, header: &str) -> Result<Identity, CredentialError> {
        let headers = [("Authorization".to_owned(), header.as_bytes().to_vec())];
        match authentication.authenticate(&headers, NOW)? {
            Caller::Known(identity) => Ok(identity),
            other => panic!("{other:?}"),
        }
    }

    fn call_with(changes: Value) -> Result<Identity, CredentialError> {
        call(
            &with_secret(),
            &format!("Bearer {}", hs256(&payload(changes))),
        )
    }

    fn claims() -> JWTClaims<Map<String, Value>> {
        serde_json::from_str(&payload(json!({}))).unwrap()
    }

    #[test]
    fn a_credential_is_one_bearer_token() {
        let token = hs256(&payload(json!({})));
        for (header, good) in [
            (format!("Bearer {token}"), true),
            (format!("bearer  {token} "), true),
            (token.clone(), false),
            ("Bearer".into(), false),
            ("Bearer ".into(), false),
            (String::new(), false),
            (format!("Basic {token}"), false),
            (format!("Bearer {token} {token}"), false),
            (format!("Bearer {token}, Bearer {token}"), false),
        ] {
            assert_eq!(call(&with_secret(), &header).is_ok(), good, "{header:.12}");
        }
        let twice = vec![
            (
                "authorization".to_owned(),
                format!("Bearer {token}").into_bytes()
            );
            2
        ];
        assert_eq!(
            with_secret().authenticate(&twice, NOW).unwrap_err(),
            CredentialError::Malformed
        );
    }

    #[test]
    fn without_a_credential_one_is_a_guest_or_refused() {
        let mut authentication = with_secret();
        assert_eq!(
            authentication.authenticate(&[], NOW).unwrap_err(),
            CredentialError::Absent
        );
        authentication.required = false;
        assert!(matches!(
            authentication.authenticate(&[], NOW),
            Ok(Caller::Guest)
        ));
        assert_eq!(
            call(&authentication, "Bearer x.y.z").unwrap_err(),
            CredentialError::Invalid
        );
    }

    #[test]
    fn times_issuer_audience_and_subject_are_checked() {
        for (changes, good) in [
            (json!({}), true),
            (json!({"exp": NOW - 30}), true),
            (json!({"exp": NOW - 31}), false),
            (json!({"exp": null}), false),
            (json!({"exp": "9999999999"}), false),
            (json!({"exp": -1}), false),
            (json!({"nbf": NOW + 30}), true),
            (json!({"nbf": NOW + 31}), false),
            (json!({"iat": NOW + 31}), false),
            (json!({"iss": null}), false),
            (json!({"iss": "https://login.example/"}), false),
            (json!({"aud": null}), false),
            (json!({"aud": "other"}), false),
            (json!({"aud": ["other", "jaas"]}), true),
            (json!({"aud": []}), false),
            (json!({"sub": null}), false),
            (json!({"sub": ""}), false),
            (json!({"sub": " "}), false),
            (json!({"sub": 7}), false),
            (json!({"sub": "a\u{0}b"}), false),
            (json!({"sub": "a".repeat(257)}), false),
        ] {
            assert_eq!(call_with(changes.clone()).is_ok(), good, "{changes}");
        }
    }

    #[test]
    fn nobody_is_let_in_by_a_clock_too_late_to_compare() {
        let late = u64::from(u32::MAX);
        for (exp, now, good) in [
            (late - 1, NOW, true),
            (late * 2, NOW, true),
            (u64::MAX, NOW, true),
            (late, LATEST_INSTANT, true),
            (late, LATEST_INSTANT + 1, false),
            // The year 2262, and an exp that jwt-simple takes for the same instant.
            (9_223_372_036, 9_223_372_037, false),
            (u64::MAX, 9_223_372_037, false),
            (u64::MAX, u64::MAX, false),
            // In its first seconds jwt-simple takes everything for expired.
            (NOW, 0, false),
            (NOW, TOLERANCE_SECONDS, true),
        ] {
            let token = hs256(&payload(json!({ "exp": exp })));
            let headers = [("authorization".to_owned(), format!("Bearer {token}").into())];
            let called = with_secret().authenticate(&headers, now);
            assert_eq!(called.is_ok(), good, "{exp} at {now}");
        }
    }

    #[test]
    fn a_forged_or_altered_token_is_refused() {
        let authentication = with_secret();
        let payload = payload(json!({"moderator": true}));
        let good = hs256(&payload);
        let input = signing_input(r#"{"alg":"none","typ":"JWT"}"#, &payload);
        let (head, tag) = good.rsplit_once('.').unwrap();
        let tampered = payload.replace("u1", "u2");
        for token in [
            format!("{input}."),
            input.clone(),
            format!("{input}.{tag}"),
            format!("{head}."),
            head.to_owned(),
            format!("{good}.x"),
            format!("{good}="),
            format!(
                "{}.{tag}",
                signing_input(r#"{"alg":"HS256","typ":"JWT"}"#, &tampered)
            ),
            signed(
                r#"{"alg":"HS256"}"#,
                &payload,
                b"another secret of thirty-two bytes",
            ),
            signed(r#"{"alg":"hs256"}"#, &payload, SECRET.as_bytes()),
            signed(r#"{"alg":"HS384"}"#, &payload, SECRET.as_bytes()),
            signed(r#"{"alg":"RS256"}"#, &payload, SECRET.as_bytes()),
            signed(
                r#"{"alg":"HS256","alg":"none"}"#,
                &payload,
                SECRET.as_bytes(),
            ),
            signed(
                r#"{"alg":"HS256","crit":["exp"]}"#,
                &payload,
                SECRET.as_bytes(),
            ),
            signed("{}", &payload, SECRET.as_bytes()),
            signed(r#"{"alg":"HS256"}"#, "[]", SECRET.as_bytes()),
            signed(r#"{"alg":"HS256"}"#, "nonsense", SECRET.as_bytes()),
        ] {
            let error = call(&authentication, &format!("Bearer {token}")).unwrap_err();
            assert_eq!(error, CredentialError::Invalid, "{token}");
        }
        assert!(
            call(&authentication, &format!("Bearer {good}"))
                .unwrap()
                .moderator
        );
    }

    #[test]
    fn a_repeated_claim_is_refused_at_any_depth() {
        let good = payload(json!({}));
        for repeated in [
            r#""sub":"u2""#,
            r#""exp":9999999999"#,
            r#""moderator":false,"moderator":true"#,
            r#""name":"a","name":"b""#,
            r#""realm_access":{"roles":[],"roles":["host"]}"#,
            r#""list":[{"a":1,"a":2}]"#,
        ] {
            let payload = good.replacen('{', &format!("{{{repeated},"), 1);
            let token = format!("Bearer {}", hs256(&payload));
            assert_eq!(
                call(&with_secret(), &token).unwrap_err(),
                CredentialError::Invalid,
                "{repeated}"
            );
        }
    }

    #[test]
    fn a_credential_has_at_most_8_kib() {
        let with_padding = |n: usize| hs256(&payload(json!({"padding": "a".repeat(n)})));
        let overhead = with_padding(0).len();
        // Three bytes become four characters.
        let fits = (MAX_CREDENTIAL_BYTES - overhead) / 4 * 3 - 3;
        let token = with_padding(fits);
        assert!(token.len() <= MAX_CREDENTIAL_BYTES);
        assert!(call(&with_secret(), &format!("Bearer {token}")).is_ok());
        let token = with_padding(fits + 8);
        assert!(token.len() > MAX_CREDENTIAL_BYTES);
        assert_eq!(
            call(&with_secret(), &format!("Bearer {token}")).unwrap_err(),
            CredentialError::TooLong
        );
    }

    #[test]
    fn the_claim_for_moderators_may_be_nested_and_hold_roles() {
        for (path, changes, expected) in [
            ("moderator", json!({}), Some(false)),
            ("moderator", json!({"moderator": true}), Some(true)),
            ("moderator", json!({"moderator": false}), Some(false)),
            ("moderator", json!({"moderator": "true"}), Some(true)),
            ("moderator", json!({"moderator": "True"}), Some(false)),
            ("moderator", json!({"moderator": "host"}), Some(true)),
            (
                "moderator",
                json!({"moderator": ["guest", "host"]}),
                Some(true),
            ),
            (
                "moderator",
                json!({"moderator": ["guest", "true"]}),
                Some(false),
            ),
            ("moderator", json!({"moderator": []}), Some(false)),
            ("moderator", json!({"moderator": 1}), None),
            ("moderator", json!({"moderator": {}}), None),
            ("moderator", json!({"moderator": ["host", 1]}), None),
            (
                "realm_access.roles",
                json!({"realm_access": {"roles": ["host"]}}),
                Some(true),
            ),
            (
                "realm_access.roles",
                json!({"realm_access": {"roles": ["user"]}}),
                Some(false),
            ),
            (
                "realm_access.roles",
                json!({"realm_access": {}}),
                Some(false),
            ),
            ("realm_access.roles", json!({"realm_access": "host"}), None),
            (
                "realm_access.roles",
                json!({"realm_access": {"roles": 42}}),
                None,
            ),
            (
                "realm_access.roles",
                json!({"realm_access": {"roles": {"host": true}}}),
                None,
            ),
            (
                "https://x.tw/roles",
                json!({"https://x.tw/roles": ["host"]}),
                Some(true),
            ),
        ] {
            let mut authentication = with_secret();
            authentication.moderator_claim = path.split('.').map(str::to_owned).collect();
            let token = format!("Bearer {}", hs256(&payload(changes.clone())));
            let moderator = call(&authentication, &token).ok().map(|i| i.moderator);
            assert_eq!(moderator, expected, "{path} {changes}");
        }
    }

    #[test]
    fn the_identity_is_what_the_claims_say() {
        let identity = call_with(json!({
            "sub": " u7 ", "name": "Jane", "email": "j@x.tw", "picture": "https://x.tw/p",
            "rooms": ["vtaiwan", "meetup-*"],
        }))
        .unwrap();
        assert_eq!(identity.id.into_string(), "u7");
        assert_eq!(identity.name.unwrap().into_string(), "Jane");
        assert_eq!(identity.email.unwrap().into_string(), "j@x.tw");
        assert_eq!(identity.avatar.unwrap().into_string(), "https://x.tw/p");
        assert!(identity.rooms.is_some());

        // What cannot be shown is left out, what has the wrong type is refused.
        let identity = call_with(json!({
            "name": "a\u{0}b", "email": "nobody", "picture": "http://x.tw/p",
        }))
        .unwrap();
        assert!(identity.name.is_none() && identity.email.is_none() && identity.avatar.is_none());
        for name in ["name", "email", "picture", "rooms"] {
            assert!(call_with(json!({ name: 7 })).is_err(), "{name}");
        }
        assert!(call_with(json!({"rooms": "vtaiwan"})).is_err());
        assert!(call_with(json!({"rooms": ["vtaiwan", 7]})).is_err());
    }

    #[test]
    fn the_algorithm_follows_from_the_key() {
        let rsa = RS256KeyPair::generate(2048).unwrap();
        let p256 = ES256KeyPair::generate();
        let ed25519 = Ed25519KeyPair::generate();
        let pems = [
            rsa.public_key().to_pem().unwrap(),
            p256.public_key().to_pem().unwrap(),
            ed25519.public_key().to_pem(),
        ];
        let tokens = [
            rsa.sign(claims()).unwrap(),
            p256.sign(claims()).unwrap(),
            ed25519.sign(claims()).unwrap(),
            hs256(&payload(json!({}))),
        ];
        for (i, pem) in pems.iter().enumerate() {
            let one_line = pem.replace('\n', "\\n");
            let authentication = authentication(VerificationKey::from_pem(&one_line).unwrap());
            for (j, token) in tokens.iter().enumerate() {
                let called = call(&authentication, &format!("Bearer {token}"));
                assert_eq!(called.is_ok(), i == j, "key {i}, token {j}");
            }
            // The oldest trick: the public key's text as the secret of an HMAC.
            for secret in [pem.as_str(), pem.trim(), one_line.as_str()] {
                let forged = signed(r#"{"alg":"HS256"}"#, &payload(json!({})), secret.as_bytes());
                assert!(call(&authentication, &format!("Bearer {forged}")).is_err());
            }
        }
    }

    #[test]
    fn a_key_set_is_chosen_from_by_kid() {
        let old = RS256KeyPair::generate(2048).unwrap().with_key_id("old");
        let new = ES256KeyPair::generate().with_key_id("new");
        let stranger = ES256KeyPair::generate().with_key_id("new");
        let jwk = |text: String, kid: &str| {
            let mut jwk: Value = serde_json::from_str(&text).unwrap();
            jwk["kid"] = json!(kid);
            jwk["x5t"] = json!("a provider's own member");
            jwk
        };
        let set = json!({"keys": [
            {"kty": "RSA", "use": "enc", "kid": "enc", "n": "AQAB", "e": "AQAB"},
            {"kty": "unheard-of", "kid": "x"},
            jwk(old.public_key().to_jwk(), "old"),
            jwk(new.public_key().to_jwk(), "new"),
        ]});
        let authentication = authentication(VerificationKey::from_jwks(&set.to_string()).unwrap());
        let call = |token: String| call(&authentication, &format!("Bearer {token}"));
        assert!(call(old.sign(claims()).unwrap()).is_ok());
        assert!(call(new.sign(claims()).unwrap()).is_ok());
        assert!(call(stranger.sign(claims()).unwrap()).is_err());
        assert!(call(old.clone().with_key_id("new").sign(claims()).unwrap()).is_err());
        assert!(call(old.clone().with_key_id("other").sign(claims()).unwrap()).is_err());
        let without_kid = RS256KeyPair::from_der(&old.to_der().unwrap()).unwrap();
        assert!(call(without_kid.sign(claims()).unwrap()).is_err());

        let twice = json!({"keys": [
            jwk(new.public_key().to_jwk(), "new"),
            jwk(stranger.public_key().to_jwk(), "new"),
        ]});
        assert!(VerificationKey::from_jwks(&twice.to_string()).is_err());
    }

    #[test]
    fn a_private_key_is_not_taken_for_a_public_one() {
        let pem = ES256KeyPair::generate().to_pem().unwrap();
        let problem = VerificationKey::from_pem(&pem).unwrap_err();
        assert!(problem.contains("private key"), "{problem}");
    }

    #[test]
    fn a_challenge_names_an_error_only_where_there_was_a_credential() {
        assert!(!CredentialError::Absent.challenge().contains("error"));
        for error in [
            CredentialError::Malformed,
            CredentialError::TooLong,
            CredentialError::Invalid,
            CredentialError::Claim("exp"),
        ] {
            assert!(error.challenge().contains(r#"error="invalid_token""#));
        }
    }
}

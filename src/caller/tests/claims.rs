//! Tests of claims with configured names, of required groups, and of kinds of tokens.

use super::*;

fn paths(names: &[&str]) -> Vec<ClaimPath> {
    let path = |name: &&str| ClaimPath::new(name, "of the variable");
    names.iter().map(path).collect()
}

fn only(name: &str) -> ClaimPath {
    ClaimPath::new(name, "of the variable")
}

fn call_as(settings: &Settings, changes: &Value) -> Result<Identity, Error> {
    let token = hs256(&payload(changes.clone()));
    call(settings, &format!("Bearer {token}"))
}

#[test]
fn of_several_claims_the_first_that_is_there_is_the_name_or_the_picture() {
    let wrong = Err("the claim of the variable has a wrong type");
    for (names, changes, expected) in [
        (&["name"][..], json!({"name": "Ann"}), Ok(Some("Ann"))),
        (&["name"], json!({"nickname": "Ann"}), Ok(None)),
        (&[], json!({"name": "Ann"}), Ok(None)),
        (
            &["name", "preferred_username"],
            json!({"preferred_username": "ann"}),
            Ok(Some("ann")),
        ),
        (
            &["name", "preferred_username"],
            json!({"name": "Ann", "preferred_username": "ann"}),
            Ok(Some("Ann")),
        ),
        (
            &["name", "preferred_username"],
            json!({"name": " ", "preferred_username": "ann"}),
            Ok(Some("ann")),
        ),
        (&["name", "nickname"], json!({"nickname": 7}), wrong),
        (
            &["name", "nickname"],
            json!({"name": 7, "nickname": "Ann"}),
            wrong,
        ),
        (
            &["name", "nickname"],
            json!({"name": "Ann", "nickname": 7}),
            Ok(Some("Ann")),
        ),
        (
            &["user.full.name"],
            json!({"user": {"full": {"name": "Ann"}}}),
            Ok(Some("Ann")),
        ),
        (&["user.name"], json!({"user": {}}), Ok(None)),
        (&["user.name"], json!({"user": "Ann"}), wrong),
        (&["user.name"], json!({"user": {"name": ["Ann"]}}), wrong),
        (
            &["https://x.tw/name"],
            json!({"https://x.tw/name": "Ann"}),
            Ok(Some("Ann")),
        ),
        (
            &["x.name"],
            json!({"x.name": "whole", "x": {"name": "nested"}}),
            Ok(Some("whole")),
        ),
    ] {
        let mut settings = with_secret();
        settings.identity.name = paths(names);
        let name = call_as(&settings, &changes)
            .map(|identity| identity.name.map(crate::person::Name::into_string))
            .map_err(Error::reason);
        let name = name.as_ref().map(Option::as_deref);
        assert_eq!(
            name.map_err(String::as_str),
            expected,
            "{names:?} {changes}"
        );
    }

    let mut settings = with_secret();
    settings.identity.picture = paths(&["picture", "image"]);
    for (changes, expected) in [
        (
            json!({"image": "https://x.tw/i"}),
            Some(Some("https://x.tw/i")),
        ),
        (
            json!({"picture": "https://x.tw/p", "image": "https://x.tw/i"}),
            Some(Some("https://x.tw/p")),
        ),
        (json!({"image": 7}), None),
        (json!({}), Some(None)),
    ] {
        let avatar = call_as(&settings, &changes)
            .ok()
            .map(|identity| identity.avatar.map(crate::person::Avatar::into_string));
        let avatar = avatar.as_ref().map(Option::as_deref);
        assert_eq!(avatar, expected, "{changes}");
    }
}

#[test]
fn an_address_elsewhere_is_left_out_where_a_claim_beside_it_or_at_the_top_denies_it() {
    let address = json!("j@x.tw");
    for (path, changes, kept) in [
        (Some("mail"), json!({"mail": address}), true),
        (Some("mail"), json!({"email": address}), false),
        (None, json!({"email": address}), false),
        (
            Some("mail"),
            json!({"mail": address, "email_verified": false}),
            false,
        ),
        (
            Some("user.email"),
            json!({"user": {"email": address}}),
            true,
        ),
        (
            Some("user.email"),
            json!({"user": {"email": address, "emailVerified": true}}),
            true,
        ),
        (
            Some("user.email"),
            json!({"user": {"email": address, "emailVerified": false}}),
            false,
        ),
        (
            Some("user.email"),
            json!({"user": {"email": address, "email_verified": true}, "email_verified": false}),
            false,
        ),
    ] {
        let mut settings = with_secret();
        settings.identity.email = path.map(only);
        let email = call_as(&settings, &changes).unwrap().email;
        assert_eq!(email.is_some(), kept, "{path:?} {changes}");
    }
    let mut settings = with_secret();
    settings.identity.email = Some(only("mail"));
    assert_eq!(
        call_as(&settings, &json!({"mail": ["j@x.tw"]})).unwrap_err(),
        Error::Claim(Claim::Type("of the variable"))
    );
}

#[test]
fn an_id_that_is_not_in_sub_is_as_needed_as_sub() {
    let mut settings = with_secret();
    settings.identity.id = only("user.id");
    for (changes, expected) in [
        (json!({"user": {"id": "u7"}}), Ok("u7")),
        (json!({"user": {"id": "u7"}, "sub": null}), Ok("u7")),
        (
            json!({}),
            Err((Claim::NoId, "the claim of auth_id_claim is missing")),
        ),
        (
            json!({"user": {"id": " "}}),
            Err((Claim::EmptyId, "the claim of auth_id_claim is empty")),
        ),
        (
            json!({"user": {"id": "a".repeat(257)}}),
            Err((
                Claim::UnusableId,
                "the claim of auth_id_claim is too long, or has a control character or nothing visible",
            )),
        ),
        (
            json!({"user": {"id": 7}}),
            Err((
                Claim::Type("of the variable"),
                "the claim of the variable has a wrong type",
            )),
        ),
        (
            json!({"user": "u7"}),
            Err((
                Claim::Type("of the variable"),
                "the claim of the variable has a wrong type",
            )),
        ),
    ] {
        match (call_as(&settings, &changes), expected) {
            (Ok(identity), Ok(id)) => assert_eq!(identity.id.into_string(), id, "{changes}"),
            (Err(error), Err((claim, reason))) => {
                assert_eq!(error, Error::Claim(claim), "{changes}");
                assert_eq!(error.reason(), reason);
                assert!(!error.to_string().contains("sub"), "{error}");
            }
            (called, _) => panic!("{changes}: {called:?}"),
        }
    }
    // jwt-simple, which verifies the signature, accepts only text there.
    let numeric = call_as(&settings, &json!({"user": {"id": "u7"}, "sub": 7}));
    assert_eq!(
        numeric.unwrap_err(),
        Error::Invalid(Cause::ClaimType("sub"))
    );
}

#[test]
fn rooms_that_are_called_otherwise_are_as_strict_as_rooms() {
    let mut settings = with_secret();
    settings.identity.rooms = only("meet.rooms");
    for (changes, opens) in [
        (json!({}), Some(true)),
        (json!({"rooms": ["other"]}), Some(true)),
        (json!({"meet": {"rooms": ["r"]}}), Some(true)),
        (json!({"meet": {"rooms": ["other"]}}), Some(false)),
        (json!({"meet": {"rooms": []}}), Some(false)),
        (json!({"meet": {"rooms": null}}), Some(false)),
        (json!({"meet": {"rooms": "r"}}), None),
        (json!({"meet": {"rooms": ["r", 7]}}), None),
        (json!({"meet": ["r"]}), None),
    ] {
        let room = crate::room::Name::parse("r").unwrap();
        let opened = call_as(&settings, &changes)
            .ok()
            .map(|identity| identity.rooms.is_none_or(|rooms| rooms.contains(&room)));
        assert_eq!(opened, opens, "{changes}");
    }
}

#[test]
fn a_credential_names_one_of_the_audiences_in_the_claim_for_it() {
    let invalid = |cause: Cause| Some(Error::Invalid(cause));
    for (claim, changes, expected) in [
        ("aud", json!({"aud": "jaas"}), None),
        ("aud", json!({"aud": "site"}), None),
        ("aud", json!({"aud": ["other", "site"]}), None),
        (
            "aud",
            json!({"aud": "jaas, site"}),
            invalid(Cause::Audience),
        ),
        ("aud", json!({"aud": []}), invalid(Cause::Audience)),
        (
            "aud",
            json!({"aud": null, "client_id": "jaas"}),
            invalid(Cause::NoAudience),
        ),
        ("client_id", json!({"aud": null, "client_id": "site"}), None),
        (
            "client_id",
            json!({"client_id": "other"}),
            invalid(Cause::AudienceClaim),
        ),
        (
            "client_id",
            json!({"aud": "jaas"}),
            invalid(Cause::NoAudienceClaim),
        ),
        (
            "client_id",
            json!({"client_id": 7}),
            invalid(Cause::ClaimType("of the variable")),
        ),
        (
            "client_id",
            json!({"client_id": ["jaas", 7]}),
            invalid(Cause::ClaimType("of the variable")),
        ),
        (
            "client_id",
            json!({"client_id": {}}),
            invalid(Cause::ClaimType("of the variable")),
        ),
        (
            "ext.azp",
            json!({"ext": "jaas"}),
            invalid(Cause::ClaimType("of the variable")),
        ),
        ("ext.azp", json!({"ext": {"azp": "jaas"}}), None),
    ] {
        let mut settings = with_secret();
        settings.audience = ClaimValues {
            claim: only(claim),
            values: vec!["jaas".into(), "site".into()],
        };
        let error = call_as(&settings, &changes).err();
        assert_eq!(error, expected, "{claim} {changes}");
    }
    let mut settings = with_secret();
    settings.audience.claim = only("azp");
    let null = hs256(&payload_and("azp", &Value::Null));
    assert_eq!(
        call(&settings, &format!("Bearer {null}")).unwrap_err(),
        Error::Invalid(Cause::NoAudienceClaim)
    );
}

#[test]
fn only_members_of_a_required_group_may_join() {
    let stranger = Some(Error::NotMember(Group::Another));
    let nowhere = Some(Error::NotMember(Group::NoClaim));
    let wrong = Some(Error::Claim(Claim::Type("of the variable")));
    for (claim, changes, expected) in [
        ("groups", json!({"groups": "staff"}), None),
        ("groups", json!({"groups": ["guests", "true"]}), None),
        ("groups", json!({"groups": true}), None),
        ("groups", json!({"groups": false}), stranger),
        ("groups", json!({"groups": "Staff"}), stranger),
        ("groups", json!({"groups": "staff "}), stranger),
        ("groups", json!({"groups": "staff, guests"}), stranger),
        ("groups", json!({"groups": ["guests"]}), stranger),
        ("groups", json!({"groups": []}), stranger),
        ("groups", json!({"groups": ""}), stranger),
        ("groups", json!({}), nowhere),
        ("groups", json!({"groups": 7}), wrong),
        ("groups", json!({"groups": ["staff", 7]}), wrong),
        ("groups", json!({"groups": {"staff": true}}), wrong),
        ("realm.roles", json!({"realm": {"roles": ["staff"]}}), None),
        ("realm.roles", json!({"realm": {}}), nowhere),
        ("realm.roles", json!({"realm": ["staff"]}), wrong),
    ] {
        let mut settings = with_secret();
        settings.group = Some(ClaimValues {
            claim: only(claim),
            values: vec!["staff".into(), "true".into()],
        });
        let error = call_as(&settings, &changes).err();
        assert_eq!(error, expected, "{claim} {changes}");
        // Without a valid credential, the response reveals nothing about groups.
        let mut expired = changes.clone();
        expired["exp"] = json!(NOW - 60);
        assert_eq!(
            call_as(&settings, &expired).unwrap_err(),
            Error::Invalid(Cause::Expired)
        );
    }
    let error = Error::NotMember(Group::Another);
    assert_eq!(error.to_string(), "Not a member of a group that may join");
    assert_ne!(error.reason(), Error::NotMember(Group::NoClaim).reason());
}

#[test]
fn a_credential_is_a_jwt_or_an_access_token_and_no_other_kind() {
    for (typ, good) in [
        (json!(null), true),
        (json!("JWT"), true),
        (json!("jwt"), true),
        (json!("at+jwt"), true),
        (json!("AT+JWT"), true),
        (json!("application/at+jwt"), true),
        (json!("invitation+jwt"), false),
        (json!("logout+jwt"), false),
        (json!("dpop+jwt"), false),
        (json!("secevent+jwt"), false),
        (json!("application/logout+jwt"), false),
        (json!("+jwt"), false),
        (json!("xat+jwt"), false),
        (json!("JOSE"), false),
        (json!(""), false),
        (json!(7), false),
    ] {
        let header = match &typ {
            Value::Null => json!({"alg": "HS256"}),
            typ => json!({"alg": "HS256", "typ": typ}),
        };
        let token = signed(&header.to_string(), &payload(json!({})), SECRET.as_bytes());
        let error = call(&with_secret(), &format!("Bearer {token}")).err();
        assert_eq!(error.is_none(), good, "{typ}: {error:?}");
        if !good && typ.is_string() {
            assert_eq!(error, Some(Error::Invalid(Cause::WrongType)), "{typ}");
        }
    }
}

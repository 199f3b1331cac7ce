//! The claims that say who a person is, and what the person may.

use serde_json::{Map, Value};

use super::parts::{CredentialCheck, Outcome, kind, shown, shown_value};
use crate::context::Context;

/// The longest `sub`, in characters.
const MAX_SUBJECT: usize = 256;

/// What is wrong with the path of a claim.
const NO_OBJECT: &str = "its path leads through a claim that is no object.";

/// A person's id: its type is shown alone.
pub(super) fn subject(context: &Context, claims: &Map<String, Value>) -> CredentialCheck {
    const NAME: &str = "sub";
    let claim = context.text("auth_id_claim");
    let value = follow(claims, claim).ok().flatten();
    let fail = |message: &str| CredentialCheck::fail(NAME, message);
    let check = match value {
        None | Some(Value::Null) => fail("it is missing; let the login write the person's id."),
        Some(Value::String(id)) if id.trim().is_empty() => {
            fail("it is empty; let the login write the person's id.")
        }
        Some(Value::String(id))
            if id.chars().any(char::is_control) || id.chars().count() > MAX_SUBJECT =>
        {
            fail("it has control characters or more than 256 characters.")
        }
        Some(Value::String(_)) => CredentialCheck::ok(NAME),
        Some(_) => fail(
            "it must be a string (RFC 7519); let the login write a numeric id in quotes, as in String(user.id).",
        ),
    };
    let configured = match claim {
        "sub" => "a string".to_owned(),
        other => format!("{}: a string", shown(context, other)),
    };
    check
        .credential(value.map_or("none", kind))
        .configured(configured)
}

/// What may be left out: the check, the variable that names its claims, and what other logins call them.
pub(super) type Personal = (&'static str, &'static str, &'static [&'static str]);

pub(super) const PERSONAL: [Personal; 3] = [
    (
        "name",
        "auth_name_claim",
        &["preferred_username", "nickname", "username"],
    ),
    ("email", "auth_email_claim", &[]),
    ("picture", "auth_picture_claim", &["image", "avatar_url"]),
];

pub(super) fn personal(
    context: &Context,
    claims: &Map<String, Value>,
    (name, variable, others): &Personal,
) -> Option<CredentialCheck> {
    let paths = context.entries(variable);
    for path in &paths {
        match follow(claims, path) {
            Ok(None | Some(Value::Null)) => {}
            Ok(Some(Value::String(text))) if text.trim().is_empty() => {}
            Ok(Some(Value::String(_))) => return None,
            Ok(Some(other)) => {
                let check = CredentialCheck::fail(name, "it must be a string, or be left out.");
                return Some(check.credential(kind(other)).configured("a string"));
            }
            Err(()) => return Some(CredentialCheck::fail(name, NO_OBJECT)),
        }
    }
    let other = others
        .iter()
        .find(|other| claims.get(**other).is_some_and(Value::is_string))?;
    let message = format!("the login calls it {other}: name that in {variable}.");
    let check = CredentialCheck::note(name, message).credential("none");
    Some(check.configured(shown(context, paths.first()?)))
}

/// Who is in none of the groups that may join gets 403.
pub(super) fn group(context: &Context, claims: &Map<String, Value>) -> Option<CredentialCheck> {
    const NAME: &str = "group";
    let path = Some(context.text("auth_required_claim")).filter(|path| !path.is_empty())?;
    let values = context.entries("auth_required_values");
    let found = follow(claims, path);
    let flag = |text: &str| values.iter().any(|value| value == text);
    let check = match found {
        Err(()) => CredentialCheck::fail(NAME, NO_OBJECT),
        Ok(Some(Value::Bool(is))) if flag(&is.to_string()) => CredentialCheck::ok(NAME),
        Ok(value) if texts(value).into_iter().any(flag) => CredentialCheck::ok(NAME),
        Ok(_) => CredentialCheck::fail(
            NAME,
            "it has none of auth_required_values, so that the caller gets 403; add the group there, or the person to a group.",
        ),
    };
    let value = found.ok().flatten();
    let value = value.map_or_else(|| "none".to_owned(), |value| shown_value(context, value));
    let values: Vec<String> = values.iter().map(|value| shown(context, value)).collect();
    let configured = format!("{}: {}", shown(context, path), values.join(", "));
    Some(check.credential(value).configured(configured))
}

pub(super) fn moderator(context: &Context, claims: &Map<String, Value>) -> CredentialCheck {
    const NAME: &str = "moderator";
    let path = context.text("auth_moderator_claim");
    let values = context.entries("auth_moderator_values");
    let found = follow(claims, path);
    let check = match found {
        Err(()) => CredentialCheck::fail(NAME, NO_OBJECT),
        Ok(None | Some(Value::Null)) => {
            let names = claims.keys().take(30).map(|name| shown(context, name));
            let names = names.collect::<Vec<_>>().join(", ");
            let message = format!(
                "the claim is absent, so that the caller is a member; the credential has {names}."
            );
            CredentialCheck::note(NAME, message)
        }
        Ok(Some(value)) => match is_moderator(value, &values) {
            Some(true) => CredentialCheck::new(NAME, Outcome::Ok, "the caller is a moderator."),
            Some(false) => CredentialCheck::new(NAME, Outcome::Ok, "the caller is a member."),
            None => CredentialCheck::fail(
                NAME,
                format!(
                    "it is {}, and must be true, false, a string or a list of strings.",
                    kind(value)
                ),
            ),
        },
    };
    let value = found.ok().flatten();
    let value = value.map_or_else(|| "none".to_owned(), |value| shown_value(context, value));
    let values = values.iter().map(|value| shown(context, value));
    let values: Vec<String> = std::iter::once("true".to_owned()).chain(values).collect();
    let configured = format!("{}: {}", shown(context, path), values.join(", "));
    check.credential(value).configured(configured)
}

/// Whether a claim's value makes a moderator; `None` for a type that it cannot have.
fn is_moderator(value: &Value, values: &[String]) -> Option<bool> {
    match value {
        Value::Bool(is) => Some(*is),
        Value::String(text) => Some(text == "true" || values.contains(text)),
        Value::Array(list) => {
            let roles: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
            let is_listed = |role: &str| values.iter().any(|value| value == role);
            roles.map(|roles| roles.into_iter().any(is_listed))
        }
        _ => None,
    }
}

/// Follows the path of a claim; a claim whose whole name has dots comes first.
pub(super) fn follow<'a>(
    claims: &'a Map<String, Value>,
    path: &str,
) -> Result<Option<&'a Value>, ()> {
    if let Some(value) = claims.get(path) {
        return Ok(Some(value));
    }
    let mut object = claims;
    let mut names = path.split('.').peekable();
    while let Some(name) = names.next() {
        match object.get(name) {
            None => return Ok(None),
            Some(value) if names.peek().is_none() => return Ok(Some(value)),
            Some(Value::Null) => return Ok(None),
            Some(Value::Object(inner)) => object = inner,
            Some(_) => return Err(()),
        }
    }
    Ok(None)
}

pub(super) fn rooms(context: &Context, claims: &Map<String, Value>) -> CredentialCheck {
    const NAME: &str = "rooms";
    let Ok(value) = follow(claims, context.text("auth_rooms_claim")) else {
        return CredentialCheck::fail(NAME, NO_OBJECT);
    };
    match value {
        None => CredentialCheck::ok(NAME).credential("none").configured("every room of allowed_rooms"),
        Some(Value::Null) => CredentialCheck::note(
            NAME,
            "null opens no room: it is what Go, PHP and Python write for an empty list; leave the claim out to open all.",
        )
        .credential("null"),
        Some(Value::Array(list)) if list.iter().all(Value::is_string) => {
            let rooms = format!("a list of {}", list.len());
            match list.is_empty() {
                true => CredentialCheck::note(NAME, "an empty list opens no room; leave the claim out to open all."),
                false => CredentialCheck::ok(NAME),
            }
            .credential(rooms)
        }
        Some(other) => CredentialCheck::fail(NAME, "it must be a list of strings, or be left out.")
            .credential(match other {
                Value::Array(_) => "a list with other things than strings",
                other => kind(other),
            }),
    }
}

/// The texts of a claim that may be one text or a list of texts alone.
pub(super) fn texts(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(list)) => {
            let texts: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
            texts.unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

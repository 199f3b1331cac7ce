//! The identity that a credential proves.
#![forbid(unsafe_code)]

use serde_json::Value;

use super::claim_path::{ClaimPath, Claims, IdentityClaims};
use super::error::Claim;
use crate::person::{self, Avatar, Email, Id, Name};
use crate::role::Role;
use crate::room;
use crate::text::parse_bool;

/// The caller.
#[derive(Debug)]
pub enum Caller {
    /// `auth_mode` is `none`: no credential is read.
    Anyone,
    /// `auth_mode` is `optional`, and there is no credential.
    Guest,
    /// A person whom a verified credential identifies.
    Known(Identity),
}

/// The identity that a credential proves.
#[derive(Debug)]
pub struct Identity {
    /// The person's id.
    pub id: person::Id,
    /// The display name.
    pub name: Option<person::Name>,
    /// Whether the request may supply a name if the credential has none.
    pub name_by_request: bool,
    /// The e-mail address, unless the login marks it as not verified.
    pub email: Option<person::Email>,
    /// The picture.
    pub avatar: Option<person::Avatar>,
    /// The role, from the configured claim.
    pub role: Role,
    /// The rooms that the person may join; `None` if the credential does not restrict them.
    pub rooms: Option<room::List>,
}

/// Reads the identity from the claims.
///
/// Many languages write `null` for an absent value. It counts as absent if that grants nothing: no name, and no moderator
/// role. For rooms, `null` is the empty list, which Go, PHP and Python may serialise that way. A `null` `email_verified`
/// means that the address is not verified.
pub(super) fn read(claims: &Claims, names: &IdentityClaims) -> Result<Identity, Claim> {
    Ok(Identity {
        id: id(claims, &names.id)?,
        // A value that cannot be displayed is left out instead of locking the person out.
        name: first_text(claims, &names.name)?.and_then(|text| Name::parse(text).ok()),
        name_by_request: names.name_by_request,
        email: match &names.email {
            Some(path) => verified_email(claims, path)?.and_then(|text| Email::parse(text).ok()),
            None => None,
        },
        avatar: first_text(claims, &names.picture)?.and_then(|text| Avatar::parse(text).ok()),
        role: role(claims, names)?,
        rooms: rooms(claims, &names.rooms)?,
    })
}

fn id(claims: &Claims, path: &ClaimPath) -> Result<Id, Claim> {
    let by_default = path.is("sub");
    let wrong = |of_sub: Claim, of_another: Claim| if by_default { of_sub } else { of_another };
    let text = match find(claims, path)? {
        None | Some(Value::Null) => return Err(wrong(Claim::NoSubject, Claim::NoId)),
        Some(Value::String(text)) => text.trim(),
        Some(_) => return Err(Claim::Type(path.label())),
    };
    if text.is_empty() {
        return Err(wrong(Claim::EmptySubject, Claim::EmptyId));
    }
    Id::parse(text).map_err(|_| wrong(Claim::UnusableSubject, Claim::UnusableId))
}

fn find<'a>(claims: &'a Claims, path: &ClaimPath) -> Result<Option<&'a Value>, Claim> {
    path.find(claims).map_err(|_| Claim::Type(path.label()))
}

/// Returns the text of the first of these claims that is neither absent nor empty.
fn first_text<'a>(claims: &'a Claims, paths: &[ClaimPath]) -> Result<Option<&'a str>, Claim> {
    for path in paths {
        if let Some(value) = find(claims, path)?
            && let Some(text) = text(value, path)?
        {
            return Ok(Some(text));
        }
    }
    Ok(None)
}

/// Returns the text of a claim; `None` if it is `null` or empty.
fn text<'a>(value: &'a Value, path: &ClaimPath) -> Result<Option<&'a str>, Claim> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.trim()).filter(|text| !text.is_empty())),
        _ => Err(Claim::Type(path.label())),
    }
}

/// Returns the e-mail address, unless a claim at the top level or beside the address says that it is not verified.
fn verified_email<'a>(claims: &'a Claims, path: &ClaimPath) -> Result<Option<&'a str>, Claim> {
    let wrong = |_| Claim::Type(path.label());
    let Some((around, value)) = path.locate(claims).map_err(wrong)? else {
        return Ok(None);
    };
    let text = text(value, path)?;
    Ok(text.filter(|_| email_is_verified(claims) && email_is_verified(around)))
}

/// Whether nothing marks the address as not verified. Better Auth spells the claim of OpenID Connect in camel case, and some
/// providers write it as text.
fn email_is_verified(claims: &Claims) -> bool {
    ["email_verified", "emailVerified"]
        .into_iter()
        .filter_map(|name| claims.get(name))
        .all(|value| match value {
            Value::Bool(verified) => *verified,
            Value::String(text) => parse_bool(text) == Some(true),
            _ => false,
        })
}

/// Returns the role from its claim, which is a boolean, a text or a list of texts. Of several roles the highest counts.
fn role(claims: &Claims, names: &IdentityClaims) -> Result<Role, Claim> {
    let moderator = &names.moderator;
    let is_visitor = |text: &str| names.visitor_values.iter().any(|value| value == text);
    let lower = |is_visitor: bool| {
        if is_visitor {
            Role::Visitor
        } else {
            Role::Member
        }
    };
    let wrong = |_| Claim::Moderator;
    match moderator.claim.find(claims).map_err(wrong)? {
        None | Some(Value::Null) => Ok(Role::Member),
        Some(Value::Bool(is)) => Ok(Role::moderator(*is)),
        Some(Value::String(text)) if text == "true" || moderator.has(text) => Ok(Role::Moderator),
        Some(Value::String(text)) => Ok(lower(is_visitor(text))),
        Some(Value::Array(list)) => match moderator.has_one_of(list) {
            Some(true) => Ok(Role::Moderator),
            Some(false) => Ok(lower(list.iter().filter_map(Value::as_str).any(is_visitor))),
            None => Err(Claim::Moderator),
        },
        Some(_) => Err(Claim::Moderator),
    }
}

fn rooms(claims: &Claims, path: &ClaimPath) -> Result<Option<room::List>, Claim> {
    let wrong = Claim::Type(path.label());
    match find(claims, path)? {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(room::List::from_names([]))),
        Some(Value::Array(list)) => {
            let names: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
            Ok(Some(room::List::from_names(names.ok_or(wrong)?)))
        }
        Some(_) => Err(wrong),
    }
}

//! The configured locations of claims in a credential.
#![forbid(unsafe_code)]

use serde_json::{Map, Value};

/// The claims of a credential, or the members of an object in them.
pub(super) type Claims = Map<String, Value>;

/// The name of a claim, with dots between the names of nested claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimPath {
    name: String,
    label: &'static str,
}

/// The error of a path through a value that is not an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotAnObject;

/// The object that contains a claim, and the claim's value.
pub(super) type Found<'a> = (&'a Claims, &'a Value);

impl ClaimPath {
    /// Creates a path. Messages show `label` in its place: the claim's name if that is a registered claim or the default,
    /// otherwise `of` and the variable that holds the path.
    #[must_use]
    pub fn new(name: &str, label: &'static str) -> Self {
        Self {
            name: name.to_owned(),
            label,
        }
    }

    /// Returns the label that messages show for the path.
    pub(super) const fn label(&self) -> &'static str {
        self.label
    }

    /// Whether the path is the registered claim with this name.
    pub(super) fn is(&self, registered: &str) -> bool {
        self.name == registered
    }

    /// Returns the value of the claim, if it is present.
    pub(super) fn find<'a>(&self, claims: &'a Claims) -> Result<Option<&'a Value>, NotAnObject> {
        Ok(self.locate(claims)?.map(|(_, value)| value))
    }

    /// Returns the claim and the object that contains it, if the claim is present.
    pub(super) fn locate<'a>(&self, claims: &'a Claims) -> Result<Option<Found<'a>>, NotAnObject> {
        // A provider may use a dot or a whole URL as a name, so the whole path is first looked up as one name.
        if let Some(value) = claims.get(&self.name) {
            return Ok(Some((claims, value)));
        }
        let Some((objects, last)) = self.name.rsplit_once('.') else {
            return Ok(None);
        };
        let mut object = claims;
        for name in objects.split('.') {
            match object.get(name) {
                None => return Ok(None),
                // A claim within `null` counts as `null`.
                Some(null @ Value::Null) => return Ok(Some((object, null))),
                Some(Value::Object(inner)) => object = inner,
                Some(_) => return Err(NotAnObject),
            }
        }
        Ok(object.get(last).map(|value| (object, value)))
    }
}

/// A claim, and the values of it that are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimValues {
    /// The claim: a text or a list of texts.
    pub claim: ClaimPath,
    /// The accepted values, compared case-sensitively.
    pub values: Vec<String>,
}

impl ClaimValues {
    /// Whether a text is an accepted value.
    pub(super) fn has(&self, text: &str) -> bool {
        self.values.iter().any(|value| value == text)
    }

    /// Whether a list contains an accepted value; `None` if it contains anything other than texts.
    pub(super) fn has_one_of(&self, list: &[Value]) -> Option<bool> {
        list.iter().try_fold(false, |found, value| {
            value.as_str().map(|text| found || self.has(text))
        })
    }
}

/// The claims that identify a person.
#[derive(Debug, Clone)]
pub struct IdentityClaims {
    /// The person's id.
    pub id: ClaimPath,
    /// The display name: the first of these claims that is present and not empty.
    pub name: Vec<ClaimPath>,
    /// The picture: the first of these claims that is present and not empty.
    pub picture: Vec<ClaimPath>,
    /// The e-mail address; `None` leaves it out of the token.
    pub email: Option<ClaimPath>,
    /// The rooms that the person may join.
    pub rooms: ClaimPath,
    /// The claim for roles, and the values besides `true` that make a moderator.
    pub moderator: ClaimValues,
    /// The values of the same claim that make a visitor.
    pub visitor_values: Vec<String>,
    /// Whether the request may supply a name if the credential has none. Nothing vouches for such a name.
    pub name_by_request: bool,
}

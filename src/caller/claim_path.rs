//! Where the claims are that a credential is read for, as the configuration names them.
#![forbid(unsafe_code)]

use serde_json::{Map, Value};

/// Claims as their object has them.
pub(super) type Claims = Map<String, Value>;

/// A claim's name, with dots for nested ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimPath {
    name: String,
    label: &'static str,
}

/// A path that leads through something that is not an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotAnObject;

/// A claim, and the object that it is a member of.
pub(super) type Found<'a> = (&'a Claims, &'a Value);

impl ClaimPath {
    /// A path. The label stands for it in messages: the claim's registered name where the path is that, otherwise `of`
    /// and the variable that holds the path.
    #[must_use]
    pub fn new(name: &str, label: &'static str) -> Self {
        Self {
            name: name.to_owned(),
            label,
        }
    }

    /// What stands for the path in messages.
    pub(super) const fn label(&self) -> &'static str {
        self.label
    }

    /// Whether the path is the registered claim of this name.
    pub(super) fn is(&self, registered: &str) -> bool {
        self.name == registered
    }

    /// The claim.
    pub(super) fn find<'a>(&self, claims: &'a Claims) -> Result<Option<&'a Value>, NotAnObject> {
        Ok(self.locate(claims)?.map(|(_, value)| value))
    }

    /// The claim, and what is around it.
    pub(super) fn locate<'a>(&self, claims: &'a Claims) -> Result<Option<Found<'a>>, NotAnObject> {
        // A provider may put a dot or a whole URL into one name: such a name is looked for first.
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
                // What is in nothing is nothing, too.
                Some(null @ Value::Null) => return Ok(Some((object, null))),
                Some(Value::Object(inner)) => object = inner,
                Some(_) => return Err(NotAnObject),
            }
        }
        Ok(object.get(last).map(|value| (object, value)))
    }
}

/// A claim, and the values of it that count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimValues {
    /// The claim: one text, or a list of texts.
    pub claim: ClaimPath,
    /// The values, case-sensitively.
    pub values: Vec<String>,
}

impl ClaimValues {
    /// Whether a text is one of the values.
    pub(super) fn has(&self, text: &str) -> bool {
        self.values.iter().any(|value| value == text)
    }

    /// Whether a list holds one of the values; `None` where it holds anything but texts.
    pub(super) fn has_one_of(&self, list: &[Value]) -> Option<bool> {
        list.iter().try_fold(false, |found, value| {
            value.as_str().map(|text| found || self.has(text))
        })
    }
}

/// The claims that say who a person is.
#[derive(Debug, Clone)]
pub struct IdentityClaims {
    /// The id.
    pub id: ClaimPath,
    /// The display name: the first that is there.
    pub name: Vec<ClaimPath>,
    /// The picture: the first that is there.
    pub picture: Vec<ClaimPath>,
    /// The e-mail address; `None`: it stays out of the token.
    pub email: Option<ClaimPath>,
    /// The only rooms for this person.
    pub rooms: ClaimPath,
    /// What makes a moderator, besides `true`.
    pub moderator: ClaimValues,
    /// The values of that claim that make a visitor.
    pub visitor_values: Vec<String>,
    /// Whether a request may name a person for whom the credential has no name. A name proves nothing.
    pub name_by_request: bool,
}

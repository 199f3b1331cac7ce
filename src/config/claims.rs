//! The variables that name claims of the credential.
#![forbid(unsafe_code)]

use super::reader::Reader;
use super::variable::{self, Variable};
use crate::caller::{ClaimPath, ClaimValues, IdentityClaims};

/// Reads the audience claim, and the values of which the credential must have one.
pub(super) fn read_audience(reader: &mut Reader<'_>) -> Option<ClaimValues> {
    let values = read_audiences(reader);
    let claim = read_path(
        reader,
        variable::AUTH_AUDIENCE_CLAIM,
        "of auth_audience_claim",
    );
    Some(ClaimValues {
        claim: claim?,
        values: values?,
    })
}

/// Reads the group claim and the values of which a member has one; `Some(None)` if membership is not restricted.
pub(super) fn read_group(reader: &mut Reader<'_>) -> Option<Option<ClaimValues>> {
    let claim = reader.text(variable::AUTH_REQUIRED_CLAIM);
    let values = reader.texts(variable::AUTH_REQUIRED_VALUES);
    let (claim, values) = (claim?, values?);
    let half = match (claim.is_empty(), values.is_empty()) {
        (true, true) => return Some(None),
        (false, false) => {
            let claim = path(
                reader,
                &claim,
                variable::AUTH_REQUIRED_CLAIM,
                "of auth_required_claim",
            );
            return claim.map(|claim| Some(ClaimValues { claim, values }));
        }
        (true, false) => (
            variable::AUTH_REQUIRED_CLAIM,
            variable::AUTH_REQUIRED_VALUES,
        ),
        (false, true) => (
            variable::AUTH_REQUIRED_VALUES,
            variable::AUTH_REQUIRED_CLAIM,
        ),
    };
    reader.problem(
        half.0,
        format!(
            "is empty and {} is not; set both, so that only who has one of the values may join, or empty both.",
            half.1.name
        ),
    );
    None
}

pub(super) fn read_identity(reader: &mut Reader<'_>) -> Option<IdentityClaims> {
    let moderator_claim = read_path(reader, variable::AUTH_MODERATOR_CLAIM, "for moderators");
    let moderator_values = reader.texts(variable::AUTH_MODERATOR_VALUES);
    let visitor_values = reader.texts(variable::AUTH_VISITOR_VALUES);
    let both = |values: &[String]| {
        let moderators = moderator_values.as_deref().unwrap_or_default();
        values.iter().any(|value| moderators.contains(value))
    };
    if visitor_values.as_deref().is_some_and(both) {
        reader.problem(
            variable::AUTH_VISITOR_VALUES,
            "has a value that auth_moderator_values has too; leave it in one of them.",
        );
    }
    let id = read_path(reader, variable::AUTH_ID_CLAIM, "of auth_id_claim");
    let name = read_paths(reader, variable::AUTH_NAME_CLAIM, "of auth_name_claim");
    let picture = read_paths(
        reader,
        variable::AUTH_PICTURE_CLAIM,
        "of auth_picture_claim",
    );
    let email = match reader.text(variable::AUTH_EMAIL_CLAIM) {
        Some(text) if text.is_empty() => Some(None),
        Some(text) => path(
            reader,
            &text,
            variable::AUTH_EMAIL_CLAIM,
            "of auth_email_claim",
        )
        .map(Some),
        None => None,
    };
    let rooms = read_path(reader, variable::AUTH_ROOMS_CLAIM, "of auth_rooms_claim");
    let name_by_request = reader.switch(variable::AUTH_REQUEST_NAME, false);
    Some(IdentityClaims {
        id: id?,
        name: name?,
        picture: picture?,
        email: email?,
        rooms: rooms?,
        moderator: ClaimValues {
            claim: moderator_claim?,
            values: moderator_values?,
        },
        visitor_values: visitor_values?,
        name_by_request,
    })
}

/// Parses the name of a single claim. A list is a problem: it would be taken for one claim, which no credential has.
fn path(
    reader: &mut Reader<'_>,
    text: &str,
    variable: Variable,
    configured: &'static str,
) -> Option<ClaimPath> {
    if text.contains([',', '\n', '\r']) {
        reader.problem(variable, SEVERAL);
        return None;
    }
    Some(labelled(text, variable, configured))
}

const SEVERAL: &str = "has a comma or a line break, and takes the name of one claim; set it to one name, with dots for a claim within another.";

/// Creates a claim path. Messages show `configured` instead of the claim's name, unless the name is the default.
fn labelled(text: &str, variable: Variable, configured: &'static str) -> ClaimPath {
    let label = variable
        .default
        .filter(|default| *default == text)
        .unwrap_or(configured);
    ClaimPath::new(text, label)
}

fn read_path(
    reader: &mut Reader<'_>,
    variable: Variable,
    configured: &'static str,
) -> Option<ClaimPath> {
    let text = read_text(reader, variable)?;
    path(reader, &text, variable, configured)
}

/// Reads the names of claims, of which the first that is present counts. Empty if the variable is empty.
fn read_paths(
    reader: &mut Reader<'_>,
    variable: Variable,
    configured: &'static str,
) -> Option<Vec<ClaimPath>> {
    let texts = reader.texts(variable)?;
    Some(
        texts
            .iter()
            .map(|text| labelled(text, variable, configured))
            .collect(),
    )
}

const EMPTY: &str =
    "is empty, and auth_mode asks for credentials; set it to the value that your login writes.";

pub(super) fn read_text(reader: &mut Reader<'_>, variable: Variable) -> Option<String> {
    reader.parsed(variable, |text| match text {
        "" => Err(EMPTY),
        text => Ok(text.to_owned()),
    })
}

fn read_audiences(reader: &mut Reader<'_>) -> Option<Vec<String>> {
    let values = reader.texts(variable::AUTH_AUDIENCE)?;
    if values.is_empty() {
        reader.problem(variable::AUTH_AUDIENCE, EMPTY);
        return None;
    }
    Some(values)
}

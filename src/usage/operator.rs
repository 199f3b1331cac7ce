//! Authenticates the operator, who may read the ledger.
#![forbid(unsafe_code)]

use super::error::Error;
use crate::http::Headers;
use crate::secret::Secret;

/// Checks that a request has the operator's token.
///
/// # Errors
/// [`Error::NotOperator`].
pub fn check_operator(headers: &Headers, token: &Secret<String>) -> Result<(), Error> {
    let mut values = headers.get_all("authorization");
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(Error::NotOperator);
    };
    // The scheme is case-insensitive (RFC 9110, section 11.1).
    let (scheme, sent) = value.split_at_checked("Bearer ".len()).unwrap_or_default();
    let is_operator = ct_codecs::verify(sent, token.expose().as_bytes());
    if scheme.eq_ignore_ascii_case(b"Bearer ") && is_operator {
        Ok(())
    } else {
        Err(Error::NotOperator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operator_is_who_sends_the_token() {
        let token = Secret::new("s3cret".to_owned());
        for (values, expected) in [
            (&["Bearer s3cret"][..], true),
            (&["bearer s3cret"], true),
            (&["Bearer  s3cret"], false),
            (&["Bearer s3cret "], false),
            (&["Bearer s3cre"], false),
            (&["Bearer"], false),
            (&["s3cret"], false),
            (&["Basic s3cret"], false),
            (&[""], false),
            (&[], false),
            (&["Bearer s3cret", "Bearer s3cret"], false),
        ] {
            let headers: Vec<_> = values
                .iter()
                .map(|value| ("Authorization", *value))
                .collect();
            let checked = check_operator(&Headers::from(&headers[..]), &token);
            assert_eq!(checked.is_ok(), expected, "{values:?}");
        }
    }
}

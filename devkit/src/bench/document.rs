//! Puts results into a document that a person has written the rest of.

use anyhow::{Context, Result};

/// The line before the generated part.
pub const BEGIN: &str = "<!-- The part below is written by `cargo dev bench --write`. -->";
/// The line after it.
pub const END: &str = "<!-- The part above is written by `cargo dev bench --write`. -->";

/// The document with another generated part.
///
/// # Errors
/// It does not have each of the two lines once, in their order.
pub fn with_part(document: &str, part: &str) -> Result<String> {
    let once = |marker: &str| {
        document
            .split_once(marker)
            .filter(|(_, after)| !after.contains(marker))
            .with_context(|| format!("the document does not have one line {marker}"))
    };
    let (before, _) = once(BEGIN)?;
    let (until, after) = once(END)?;
    let (before_is_first, part) = (before.len() < until.len(), part.trim_matches('\n'));
    before_is_first
        .then(|| format!("{before}{BEGIN}\n\n{part}\n\n{END}{after}"))
        .context("the document's two lines are in the wrong order")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_lines_is_replaced() {
        let document = format!("# A\n\n{BEGIN}\nold\n{END}\n\nafter\n");
        let new = with_part(&document, "new\n").unwrap();
        assert_eq!(new, format!("# A\n\n{BEGIN}\n\nnew\n\n{END}\n\nafter\n"));
        assert_eq!(with_part(&new, "new").unwrap(), new);
    }

    #[test]
    fn a_document_without_its_lines_is_left_alone() {
        for document in [
            "",
            BEGIN,
            &format!("{END}\n{BEGIN}"),
            &format!("{BEGIN}{BEGIN}{END}"),
        ] {
            assert!(with_part(document, "new").is_err(), "{document}");
        }
    }
}

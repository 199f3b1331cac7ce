//! Writes the generated part of docs/performance.md, and its chart.

use std::fs;

use anyhow::{Context, Result};
use devkit::os::project::{Project, shown, write_atomic};
use devkit::os::report;

/// The line before the generated part of docs/performance.md.
const BEGIN: &str = "<!-- The part below is written by `cargo dev bench --write`. -->";
/// The line after it.
const END: &str = "<!-- The part above is written by `cargo dev bench --write`. -->";

/// Writes docs/performance.md and docs/performance.svg.
///
/// # Errors
/// Fails if the page lacks the lines around the generated part, or if a file cannot be read or written.
pub fn write(project: &Project, text: &str, svg: &str) -> Result<()> {
    let page = project.root().join("docs/performance.md");
    let old =
        fs::read_to_string(&page).with_context(|| format!("{} cannot be read", shown(&page)))?;
    let new = with_part(&old, text).with_context(|| format!("in {}", shown(&page)))?;
    let picture = page.with_extension("svg");
    write_atomic(&page, new.as_bytes())?;
    write_atomic(&picture, svg.as_bytes())?;
    let (page, picture) = (shown(&page), shown(&picture));
    report::step(&format!("Written: {page} and {picture}"));
    Ok(())
}

/// Returns the document with its generated part replaced.
fn with_part(document: &str, part: &str) -> Result<String> {
    let (before, rest) = document.split_once(BEGIN).context(BEGIN)?;
    let (_, after) = rest.split_once(END).context(END)?;
    let part = part.trim_matches('\n');
    Ok(format!("{before}{BEGIN}\n\n{part}\n\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_lines_is_replaced() {
        let document = format!("# A\n\n{BEGIN}\nold\n{END}\n\nafter\n");
        let new = with_part(&document, "new\n").unwrap();
        assert_eq!(new, format!("# A\n\n{BEGIN}\n\nnew\n\n{END}\n\nafter\n"));
        assert!(with_part(&format!("{END}\n{BEGIN}"), "new").is_err());
        let page = include_str!("../../../docs/performance.md");
        assert!(with_part(page, "new").is_ok());
    }
}

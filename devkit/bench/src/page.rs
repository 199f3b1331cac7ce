//! The results for a person: tables that read well in a terminal and as Markdown, and a picture.

use std::fmt;
use std::fs;
use std::iter;

use anyhow::{Context, Result, anyhow};
use devkit::os::project::{Project, shown, write_whole};
use devkit::os::report;
use plotters::drawing::DrawingAreaErrorKind;
use plotters::prelude::*;

/// The line before the part of docs/performance.md that is written here.
const BEGIN: &str = "<!-- The part below is written by `cargo dev bench --write`. -->";
/// The line after it.
const END: &str = "<!-- The part above is written by `cargo dev bench --write`. -->";

/// Colours that people who see colours differently tell apart too (Okabe and Ito's), dark enough for a white page.
const COLOURS: [RGBColor; 7] = [
    RGBColor(0xb3, 0x47, 0x00),
    RGBColor(0x00, 0x5f, 0x9e),
    RGBColor(0x00, 0x7a, 0x56),
    RGBColor(0x8f, 0x3a, 0x73),
    RGBColor(0x5c, 0x5c, 0x00),
    RGBColor(0x44, 0x44, 0x44),
    RGBColor(0x00, 0x00, 0x00),
];

/// A line of the picture: its name, and what a token takes over the length of the key.
pub type Line = (String, Vec<(i32, f64)>);

/// Writes docs/performance.md and docs/performance.svg.
///
/// # Errors
/// The page has no place for the results, or one of the two cannot be written.
pub fn write(project: &Project, text: &str, lines: &[Line]) -> Result<()> {
    let page = project.root().join("docs/performance.md");
    let old =
        fs::read_to_string(&page).with_context(|| format!("{} cannot be read", shown(&page)))?;
    let new = with_part(&old, text).with_context(|| format!("in {}", shown(&page)))?;
    write_whole(&page, new.as_bytes())?;
    let picture = project.root().join("docs/performance.svg");
    let svg = draw(lines).map_err(|error| anyhow!("the picture cannot be drawn: {error}"))?;
    write_whole(&picture, svg.as_bytes())?;
    report::step(&format!(
        "Written: {} and {}",
        shown(&page),
        shown(&picture)
    ));
    Ok(())
}

/// The document with other results.
fn with_part(document: &str, part: &str) -> Result<String> {
    let (before, rest) = document.split_once(BEGIN).context(BEGIN)?;
    let (_, after) = rest.split_once(END).context(END)?;
    let part = part.trim_matches('\n');
    Ok(format!("{before}{BEGIN}\n\n{part}\n\n{END}{after}"))
}

/// A table: its first column is text, the others are numbers.
pub struct Table {
    pub heading: String,
    /// The names of the columns, between bars.
    pub head: &'static str,
    pub rows: Vec<(String, Vec<f64>)>,
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = vec![self.head.split('|').map(str::to_owned).collect::<Vec<_>>()];
        lines.extend(self.rows.iter().map(|(title, values)| {
            let values = values.iter().copied().map(number);
            iter::once(title.clone()).chain(values).collect()
        }));
        let widths: Vec<usize> = (0..lines[0].len())
            .map(|column| lines.iter().map(|line| line[column].chars().count()).max())
            .map(|widest| widest.unwrap_or_default().max(3))
            .collect();
        let rule = widths
            .iter()
            .map(|width| format!("{}:", "-".repeat(width - 1)));
        lines.insert(1, rule.collect());
        lines[1][0] = "-".repeat(widths[0]);
        writeln!(f, "\n### {}\n", self.heading)?;
        for line in lines {
            write!(f, "| {:<1$} ", line[0], widths[0])?;
            for (cell, width) in line.iter().zip(&widths).skip(1) {
                write!(f, "| {cell:>width$} ")?;
            }
            writeln!(f, "|")?;
        }
        Ok(())
    }
}

/// A number with three significant digits, as far as they stand after the point; a dash where it is none.
fn number(value: f64) -> String {
    let decimals = match value.abs() {
        size if size.is_nan() => return "–".to_owned(),
        size if size < 1.0 => 3,
        size if size < 10.0 => 2,
        size if size < 100.0 => 1,
        _ => 0,
    };
    format!("{value:.decimals$}")
}

fn draw(lines: &[Line]) -> Result<String, DrawingAreaErrorKind<std::io::Error>> {
    let values = lines.iter().flat_map(|(_, points)| points);
    let (low, high) = values.fold((f64::INFINITY, 0.1_f64), |(low, high), &(_, value)| {
        (low.min(value), high.max(value))
    });
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (760, 460)).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption("CPU time per token", ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(60)
            .build_cartesian_2d(1900..4900, (low.min(high) * 0.7..high * 1.5).log_scale())?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .x_labels(6)
            .x_desc("RSA key (bits)")
            .y_desc("CPU time of the server per token (ms, logarithmic)")
            .label_style(("sans-serif", 13))
            .draw()?;
        for (number, (name, points)) in lines.iter().enumerate() {
            let colour = COLOURS[number % COLOURS.len()];
            chart.draw_series(LineSeries::new(points.clone(), colour.stroke_width(2)))?;
            // Lines differ by marker and by the name at their end, not by colour alone.
            let of = |&point: &(i32, f64)| match number % 3 {
                0 => Circle::new(point, 4, colour.filled()).into_dyn(),
                1 => TriangleMarker::new(point, 6, colour.filled()).into_dyn(),
                _ => Cross::new(point, 4, colour.stroke_width(2)).into_dyn(),
            };
            chart.draw_series(points.iter().map(of))?;
            if let Some(&end) = points.last() {
                let style = ("sans-serif", 13).into_font().color(&colour);
                chart.draw_series([
                    EmptyElement::at(end) + Text::new(name.clone(), (10, -6), style)
                ])?;
            }
        }
        area.present()?;
    }
    Ok(svg)
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

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let table = Table {
            heading: "T".to_owned(),
            head: "build|ms",
            rows: vec![
                ("plain".to_owned(), vec![10.25]),
                ("native, é".to_owned(), vec![f64::NAN]),
            ],
        };
        assert_eq!(
            table.to_string(),
            "\n### T\n\n\
             | build     |   ms |\n\
             | --------- | ---: |\n\
             | plain     | 10.2 |\n\
             | native, é |    – |\n"
        );
    }

    #[test]
    fn numbers_have_three_digits() {
        for (value, text) in [
            (0.0, "0.000"),
            (0.1234, "0.123"),
            (1.234, "1.23"),
            (-12.34, "-12.3"),
            (1234.4, "1234"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn every_line_with_a_point_is_drawn_and_named() {
        let lines = [
            ("plain".to_owned(), vec![(2048, 11.0), (4096, 76.0)]),
            ("nothing".to_owned(), Vec::new()),
        ];
        let svg = draw(&lines).unwrap();
        assert!(svg.contains("plain") && !svg.contains("nothing"), "{svg}");
        assert!(svg.contains("RSA key (bits)"), "{svg}");
    }
}

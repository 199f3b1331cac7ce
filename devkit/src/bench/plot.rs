//! A plot as SVG: a few lines over a few positions, the vertical axis logarithmic.
//!
//! It has a background of its own and follows the reader's choice of light or dark, so that it can be read wherever it
//! is shown. Lines differ by marker and by name at their end, not by colour alone.

use std::fmt::Write as _;

/// A line of the plot.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// Its points, from left to right; a position may have none.
    pub values: Vec<Option<f64>>,
}

/// What the plot shows.
#[derive(Debug, Clone)]
pub struct Plot<'a> {
    /// The heading.
    pub title: &'a str,
    /// What the horizontal axis counts, with its unit.
    pub horizontal: &'a str,
    /// What the vertical axis counts, with its unit.
    pub vertical: &'a str,
    /// The positions on the horizontal axis.
    pub positions: &'a [u16],
    /// The lines; positive values only.
    pub lines: &'a [Line],
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 460.0;
/// The rectangle between the axes.
const LEFT: f64 = 74.0;
const RIGHT: f64 = 600.0;
const TOP: f64 = 52.0;
const BOTTOM: f64 = 400.0;
/// The least distance between two names at the ends of lines.
const NAME_HEIGHT: f64 = 18.0;

/// Colours in light and in dark, told apart by people who see colours differently too (Okabe and Ito's).
const COLOURS: [(&str, &str); 6] = [
    ("#b34700", "#ff9a4d"),
    ("#005f9e", "#56b4e9"),
    ("#007a56", "#2fd0a0"),
    ("#8f3a73", "#e59ac8"),
    ("#5c5c00", "#e8dc4a"),
    ("#444444", "#c4c4c4"),
];

const STYLE: &str = "
    .paper { fill: #ffffff } .ink { fill: #24292f } .grid { stroke: #d8dee4 } .axis { stroke: #57606a }
    text { font: 13px system-ui, -apple-system, 'Segoe UI', sans-serif } .title { font-size: 16px; font-weight: 600 }
    .line { fill: none; stroke-width: 2 }";

const DARK: &str = "
    .paper { fill: #0d1117 } .ink { fill: #e6edf3 } .grid { stroke: #30363d } .axis { stroke: #8b949e }";

impl Plot<'_> {
    /// Draws it. `None` where there is no point.
    #[must_use]
    pub fn svg(&self) -> Option<String> {
        let values = self
            .lines
            .iter()
            .flat_map(|line| line.values.iter().flatten());
        let (low, high) = values.fold((f64::INFINITY, 0.0_f64), |(low, high), &value| {
            (low.min(value), high.max(value))
        });
        let scale = Scale::over(low, high)?;
        let mut svg = String::new();
        let out = &mut svg;
        // Writing into a string does not fail.
        let _ = self.frame(out, &scale);
        let _ = self.draw_lines(out, &scale);
        svg.push_str("</svg>\n");
        Some(svg)
    }

    fn frame(&self, out: &mut String, scale: &Scale) -> std::fmt::Result {
        let (title, horizontal, vertical) = (
            escaped(self.title),
            escaped(self.horizontal),
            escaped(self.vertical),
        );
        writeln!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-labelledby=\"title\">"
        )?;
        writeln!(out, "<title id=\"title\">{title}</title>")?;
        let colours = |of: fn(&(&'static str, &'static str)) -> &'static str| {
            let rules = COLOURS.iter().enumerate().map(|(number, pair)| {
                let colour = of(pair);
                format!("\n    .s{number} {{ stroke: {colour} }} .f{number} {{ fill: {colour} }}")
            });
            rules.collect::<String>()
        };
        writeln!(
            out,
            "<style>{STYLE}{}\n  @media (prefers-color-scheme: dark) {{{DARK}{}\n  }}\n</style>",
            colours(|pair| pair.0),
            colours(|pair| pair.1)
        )?;
        writeln!(
            out,
            "<rect class=\"paper\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"6\"/>"
        )?;
        writeln!(
            out,
            "<text class=\"ink title\" x=\"{LEFT}\" y=\"30\">{title}</text>"
        )?;
        for tick in scale.ticks() {
            let y = scale.y(tick);
            writeln!(out, "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{RIGHT}\"/>")?;
            writeln!(
                out,
                "<text class=\"ink\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{tick}</text>",
                LEFT - 8.0,
                y + 4.5
            )?;
        }
        for (number, position) in self.positions.iter().enumerate() {
            let x = self.x(number);
            writeln!(out, "<path class=\"axis\" d=\"M{x:.1} {BOTTOM}v6\"/>")?;
            writeln!(
                out,
                "<text class=\"ink\" x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{position}</text>",
                BOTTOM + 22.0
            )?;
        }
        writeln!(
            out,
            "<path class=\"axis\" fill=\"none\" d=\"M{LEFT} {TOP}V{BOTTOM}H{RIGHT}\"/>"
        )?;
        let (middle_x, middle_y) = ((LEFT + RIGHT) / 2.0, (TOP + BOTTOM) / 2.0);
        writeln!(
            out,
            "<text class=\"ink\" x=\"{middle_x}\" y=\"{}\" text-anchor=\"middle\">{horizontal}</text>",
            HEIGHT - 14.0
        )?;
        writeln!(
            out,
            "<text class=\"ink\" transform=\"translate(22 {middle_y}) rotate(-90)\" text-anchor=\"middle\">{vertical}</text>"
        )
    }

    fn draw_lines(&self, out: &mut String, scale: &Scale) -> std::fmt::Result {
        let ends: Vec<f64> = self
            .lines
            .iter()
            .map(|line| {
                let last = line.values.iter().rev().flatten().next();
                last.map_or(BOTTOM, |&value| scale.y(value))
            })
            .collect();
        let names = apart(&ends, NAME_HEIGHT);
        for (number, (line, name_y)) in self.lines.iter().zip(names).enumerate() {
            let colour = number % COLOURS.len();
            let points: Vec<(f64, f64)> = line
                .values
                .iter()
                .enumerate()
                .filter_map(|(position, value)| Some((self.x(position), scale.y((*value)?))))
                .collect();
            let Some(&(end_x, end_y)) = points.last() else {
                continue;
            };
            let path: Vec<String> = points
                .iter()
                .map(|(x, y)| format!("{x:.1} {y:.1}"))
                .collect();
            writeln!(
                out,
                "<path class=\"line s{colour}\" d=\"M{}\"/>",
                path.join("L")
            )?;
            for (x, y) in &points {
                writeln!(
                    out,
                    "<path class=\"f{colour}\" d=\"{}\"/>",
                    marker(number, *x, *y)
                )?;
            }
            let label_x = RIGHT + 22.0;
            writeln!(
                out,
                "<path class=\"line s{colour}\" stroke-opacity=\"0.5\" d=\"M{:.1} {end_y:.1}L{:.1} {name_y:.1}\"/>",
                end_x + 6.0,
                label_x - 4.0
            )?;
            writeln!(
                out,
                "<text class=\"f{colour}\" x=\"{label_x}\" y=\"{:.1}\">{}</text>",
                name_y + 4.5,
                escaped(&line.name)
            )?;
        }
        Ok(())
    }

    fn x(&self, position: usize) -> f64 {
        let steps = self.positions.len().saturating_sub(1).max(1) as f64;
        let margin = 30.0;
        LEFT + margin + (RIGHT - LEFT - 2.0 * margin) * position as f64 / steps
    }
}

/// A closed path around a point; one shape per line.
fn marker(line: usize, x: f64, y: f64) -> String {
    match line % 3 {
        0 => format!(
            "M{:.1} {:.1}a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0z",
            x - 4.5,
            y
        ),
        1 => format!("M{:.1} {:.1}h8v8h-8z", x - 4.0, y - 4.0),
        _ => format!("M{:.1} {:.1}l5.5 9.5h-11z", x, y - 6.0),
    }
}

/// A logarithmic scale between two of the numbers 1, 2, 5, 10, 20, …
#[derive(Debug, Clone, Copy, PartialEq)]
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    /// One that holds both values; `None` where they are not positive.
    fn over(low: f64, high: f64) -> Option<Self> {
        if !(low > 0.0 && high >= low && high.is_finite()) {
            return None;
        }
        let steps: Vec<f64> = steps().collect();
        let below = steps.iter().rev().find(|&&step| step <= low)?;
        let above = steps.iter().find(|&&step| step >= high && step > *below)?;
        Some(Self {
            low: *below,
            high: *above,
        })
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        let (low, high) = (self.low, self.high);
        steps().filter(move |step| (low..=high).contains(step))
    }

    fn y(&self, value: f64) -> f64 {
        let part = (value / self.low).ln() / (self.high / self.low).ln();
        BOTTOM - (BOTTOM - TOP) * part
    }
}

/// 0.001, 0.002, 0.005, 0.01, … 500000: exact decimals, because they are written down.
fn steps() -> impl Iterator<Item = f64> {
    (-3..=5).flat_map(|exponent: i32| {
        [1.0, 2.0, 5.0].map(|digit| {
            if exponent < 0 {
                digit / 10_f64.powi(-exponent)
            } else {
                digit * 10_f64.powi(exponent)
            }
        })
    })
}

/// Moves positions apart until neighbours are `distance` from each other, in their order, downwards from the highest.
fn apart(positions: &[f64], distance: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..positions.len()).collect();
    order.sort_by(|&a, &b| positions[a].total_cmp(&positions[b]));
    let mut moved = positions.to_vec();
    for pair in order.windows(2) {
        moved[pair[1]] = moved[pair[1]].max(moved[pair[0]] + distance);
    }
    moved
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_holds_all_values_between_round_numbers() {
        let scale = Scale::over(0.37, 76.0).unwrap();
        assert_eq!((scale.low, scale.high), (0.2, 100.0));
        let ticks: Vec<String> = scale.ticks().map(|tick| tick.to_string()).collect();
        assert_eq!(ticks.join(" "), "0.2 0.5 1 2 5 10 20 50 100");
        assert_eq!(scale.y(0.2), BOTTOM);
        assert_eq!(scale.y(100.0), TOP);
        assert!(scale.y(76.0) < scale.y(0.37));
    }

    #[test]
    fn a_scale_needs_positive_numbers_and_has_a_height() {
        assert_eq!(Scale::over(0.0, 1.0), None);
        assert_eq!(Scale::over(f64::INFINITY, 0.0), None);
        let scale = Scale::over(2.0, 2.0).unwrap();
        assert!(scale.high > scale.low);
    }

    #[test]
    fn names_do_not_overlap() {
        assert_eq!(apart(&[100.0, 95.0, 300.0], 18.0), [113.0, 95.0, 300.0]);
    }

    #[test]
    fn every_line_with_a_point_is_drawn_and_named() {
        let lines = [
            Line {
                name: "plain <&>".into(),
                values: vec![Some(11.0), None, Some(76.0)],
            },
            Line {
                name: "nothing".into(),
                values: vec![None, None, None],
            },
        ];
        let plot = Plot {
            title: "T",
            horizontal: "bits",
            vertical: "ms",
            positions: &[2048, 3072, 4096],
            lines: &lines,
        };
        let svg = plot.svg().unwrap();
        assert!(svg.contains("plain &lt;&amp;>") && !svg.contains("nothing"));
        assert!(svg.contains(">4096<") && svg.contains(">bits<") && svg.contains(">ms<"));
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        assert_eq!(Plot { lines: &[], ..plot }.svg(), None);
    }
}

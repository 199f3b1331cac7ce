//! Draws the results as a chart: CPU time per token over key length.

use anyhow::{Result, anyhow};
use plotters::drawing::DrawingAreaErrorKind;
use plotters::prelude::*;

use crate::requests::{Measured, TOKEN};
use crate::server::{BITS, ENGINES};

/// A colour for each build and for the peer, from Okabe and Ito's palette for colour-blind readers, darkened for a white
/// page.
const COLOURS: [RGBColor; 5] = [
    RGBColor(0xb3, 0x47, 0x00),
    RGBColor(0x00, 0x5f, 0x9e),
    RGBColor(0x00, 0x7a, 0x56),
    RGBColor(0x8f, 0x3a, 0x73),
    RGBColor(0x00, 0x00, 0x00),
];

/// A line of the chart: its name and its measured points.
type Line = (String, Vec<(i32, f64)>);

/// Draws a line for each build with each engine, as SVG.
///
/// # Errors
/// Fails if the drawing library does.
pub fn draw(servers: &[Measured]) -> Result<String> {
    // The servers of one kind are adjacent.
    let lines = servers.chunks(BITS.len()).map(|servers| {
        let points = servers
            .iter()
            .map(|it| (it.server.bits.into(), it.cpu_ms(TOKEN)));
        let points = points.filter(|(_, value)| value.is_finite()).collect();
        (servers[0].server.name.clone(), points)
    });
    let svg = chart(&lines.collect::<Vec<_>>());
    svg.map_err(|error| anyhow!("the picture cannot be drawn: {error}"))
}

fn chart(lines: &[Line]) -> Result<String, DrawingAreaErrorKind<std::io::Error>> {
    let values = lines.iter().flat_map(|(_, points)| points);
    let (low, high) = values.fold((f64::INFINITY, 0.1_f64), |(low, high), &(_, value)| {
        (low.min(value), high.max(value))
    });
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, (760, 460)).into_drawing_area();
    area.fill(&WHITE)?;
    // The legend is to the right of the longest key.
    let mut chart = ChartBuilder::on(&area)
        .caption("CPU time per token", ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d(1900..5500, (low.min(high) * 0.7..high * 1.5).log_scale())?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(6)
        .x_desc("RSA key (bits)")
        .y_desc("CPU time of the server per token (ms, logarithmic)")
        .label_style(("sans-serif", 13))
        .draw()?;
    for (number, (name, points)) in lines.iter().enumerate() {
        if points.is_empty() {
            continue;
        }
        // Colours distinguish builds; filled and hollow points distinguish the engines of a build.
        let style = ShapeStyle {
            color: COLOURS[number / ENGINES.len() % COLOURS.len()].into(),
            filled: number % ENGINES.len() == 0,
            stroke_width: 2,
        };
        let line = LineSeries::new(points.iter().copied(), style).point_size(4);
        let drawn = chart.draw_series(line)?;
        drawn.label(name).legend(move |place| {
            EmptyElement::at(place)
                + PathElement::new([(0, 0), (24, 0)], style)
                + Circle::new((12, 0), 4, style)
        });
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::MiddleRight)
        .label_font(("sans-serif", 13))
        .draw()?;
    area.present()?;
    drop((chart, area));
    Ok(svg)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_with_a_point_is_drawn_and_named() {
        let lines = [
            ("plain".to_owned(), vec![(2048, 11.0), (4096, 76.0)]),
            ("nothing".to_owned(), Vec::new()),
        ];
        let svg = chart(&lines).unwrap();
        assert!(svg.contains("plain") && !svg.contains("nothing"), "{svg}");
        assert!(svg.contains("RSA key (bits)"), "{svg}");
    }
}

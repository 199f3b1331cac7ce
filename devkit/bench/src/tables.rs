//! Formats the results as tables that are legible in a terminal and valid Markdown.

use crate::requests::{Measured, TOKEN, UNSIGNED};
use crate::server::BITS;

/// The first cell of a row, and its numbers.
type Row = (String, Vec<f64>);

/// Returns the results as three tables.
pub fn of(servers: &[Measured], host: &str) -> String {
    let tokens = table(
        &format!("Tokens: CPU time of the server, {host}"),
        "server, key|token ms|unsigned ms|signature ms|signature, of plain|token, of node-jose",
        &servers
            .iter()
            .map(|it| token(it, servers))
            .collect::<Vec<_>>(),
    );
    let requests = table(
        &format!("Requests over kept-alive connections: {host}"),
        "server, key, request|CPU ms|per second|p50 ms|p99 ms",
        &servers.iter().flat_map(requests).collect::<Vec<_>>(),
    );
    let with_one_key = servers.iter().filter(|it| it.server.bits == BITS[0]);
    let starts = table(
        &format!("Size, start and memory: {host}, {} bits", BITS[0]),
        "server|component KiB|first token ms|memory at start MiB|highest MiB",
        &with_one_key.map(start).collect::<Vec<_>>(),
    );
    [tokens, requests, starts].concat()
}

/// Returns the row of a server's tokens, with ratios to other servers with the same key length.
fn token(measured: &Measured, servers: &[Measured]) -> Row {
    let bits = measured.server.bits;
    let of = |name, value: fn(&Measured) -> f64| {
        let mut servers = servers.iter();
        let other = servers.find(|it| it.server.name == name && it.server.bits == bits);
        value(measured) / other.map_or(f64::NAN, value)
    };
    let token = |it: &Measured| it.cpu_ms(TOKEN);
    let signature = |it: &Measured| it.cpu_ms(TOKEN) - it.cpu_ms(UNSIGNED);
    let values = vec![
        token(measured),
        measured.cpu_ms(UNSIGNED),
        signature(measured),
        of("plain", signature),
        of("node-jose", token),
    ];
    (with_key(measured), values)
}

fn requests(measured: &Measured) -> impl Iterator<Item = Row> {
    measured.loads().map(|(load, values)| {
        let title = format!("{}, {}", with_key(measured), load.title());
        (title, values.to_vec())
    })
}

fn start(measured: &Measured) -> Row {
    let server = &measured.server;
    let values = vec![
        server.size,
        measured.first_token_ms,
        measured.at_start,
        server.usage().map_or(f64::NAN, |usage| usage.peak),
    ];
    (server.name.clone(), values)
}

fn with_key(measured: &Measured) -> String {
    format!("{}, {} bits", measured.server.name, measured.server.bits)
}

/// Formats a table below a heading. `head` contains the column names, separated by `|`, which must be as wide as the numbers.
fn table(heading: &str, head: &str, rows: &[Row]) -> String {
    let (first, others) = head.split_once('|').unwrap_or((head, ""));
    let others: Vec<&str> = others.split('|').collect();
    let titles = rows.iter().map(|(title, _)| title.chars().count());
    let width = titles.max().unwrap_or_default().max(first.len());
    let mut text = format!("\n### {heading}\n\n| {first:width$} |");
    text.extend(others.iter().map(|name| format!(" {name} |")));
    text += &format!("\n| {:-<width$} |", "");
    text.extend(
        others
            .iter()
            .map(|name| format!(" {:->1$} |", ":", name.len())),
    );
    for (title, values) in rows {
        text += &format!("\n| {title:width$} |");
        let cells = others.iter().zip(values);
        text.extend(cells.map(|(name, value)| format!(" {:>1$} |", number(*value), name.len())));
    }
    text + "\n"
}

/// Formats a number with three significant digits, but without dropping integer digits. `NaN` becomes a dash.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stand_below_each_other() {
        let rows = [
            ("plain".to_owned(), vec![10.25]),
            ("native, é".to_owned(), vec![f64::NAN]),
        ];
        assert_eq!(
            table("T", "build|p50 ms", &rows),
            "\n### T\n\n\
             | build     | p50 ms |\n\
             | --------- | -----: |\n\
             | plain     |   10.2 |\n\
             | native, é |      – |\n"
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
}

use crate::{Align, Column, Table};

/// How a table is made into text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// What stands between two columns.
    pub gap: String,
    /// Whether titles, and a line below them, come first.
    pub heading: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            gap: "  ".to_string(),
            heading: true,
        }
    }
}

/// Make text of a table: one line a row, without a line feed after the last.
pub fn render(table: &Table, options: &Options) -> String {
    let widths: Vec<usize> = (0..table.columns().len())
        .map(|index| width_of(table, index, options))
        .collect();
    let mut lines = Vec::new();
    if options.heading {
        let titles: Vec<&str> = table.columns().iter().map(Column::title).collect();
        lines.push(line(table, &widths, &titles, options));
        lines.push(rule(&widths, options));
    }
    for row in table.rows() {
        let cells: Vec<&str> = row.iter().map(String::as_str).collect();
        lines.push(line(table, &widths, &cells, options));
    }
    lines.join("\n")
}

/// How wide a column has to be for everything in it.
fn width_of(table: &Table, index: usize, options: &Options) -> usize {
    let column = &table.columns()[index];
    let title = if options.heading {
        length(&column.title)
    } else {
        0
    };
    table
        .cells(index)
        .map(length)
        .chain([title, column.min_width])
        .max()
        .unwrap_or(0)
}

fn line(table: &Table, widths: &[usize], cells: &[&str], options: &Options) -> String {
    let padded: Vec<String> = table
        .columns()
        .iter()
        .zip(cells)
        .zip(widths)
        .map(|((column, cell), &width)| pad(cell, width, column.align))
        .collect();
    padded.join(&options.gap).trim_end().to_string()
}

fn rule(widths: &[usize], options: &Options) -> String {
    let dashes: Vec<String> = widths.iter().map(|&width| "-".repeat(width)).collect();
    dashes.join(&options.gap).trim_end().to_string()
}

/// Put spaces around a text until it is this wide; a text that is wider stays as it is.
pub(crate) fn pad(text: &str, width: usize, align: Align) -> String {
    let spaces = width.saturating_sub(length(text));
    let (before, after) = match align {
        Align::Left => (0, spaces),
        Align::Right => (spaces, 0),
        Align::Center => (spaces / 2, spaces - spaces / 2),
    };
    format!("{}{}{}", " ".repeat(before), text, " ".repeat(after))
}

pub(crate) fn length(text: &str) -> usize {
    text.chars().count()
}

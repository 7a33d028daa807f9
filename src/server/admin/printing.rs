//! How values are printed for people: times, tables, and lines of fields.

use serde_json::Value;
use time::OffsetDateTime;

use crate::protocol::Millis;

/// Formats a time as in RFC 3339, in UTC.
pub(super) fn moment(at: Millis) -> String {
    let at = OffsetDateTime::from_unix_timestamp(at / 1_000).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (date, (hour, minute, second)) = (at.date(), at.time().as_hms());
    format!("{:04}-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", date.year(), u8::from(date.month()), date.day())
}

/// Formats a value for people. Control characters are removed, so that text of users cannot control the terminal.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => text.chars().filter(|c| !c.is_control()).collect(),
        other => other.to_string(),
    }
}

pub(super) fn lines(value: &Value, fields: &[&str]) -> String {
    let line = |field: &&str| format!("{:<12} {}\n", field.replace('_', " "), plain(&value[*field]));
    fields.iter().map(line).collect()
}

/// A table in which each column is as wide as its widest value.
pub(super) fn table(columns: &[(&str, &str)], rows: &[Value]) -> String {
    let cells: Vec<Vec<String>> =
        rows.iter().map(|row| columns.iter().map(|(_, field)| plain(&row[*field])).collect()).collect();
    let heads: Vec<String> = columns.iter().map(|(head, _)| (*head).to_owned()).collect();
    let width = |column: usize| {
        let all = cells.iter().chain([&heads]).map(|row| row[column].chars().count());
        all.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let mut text = String::new();
    for row in [&heads].into_iter().chain(&cells) {
        let padded: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}", width = *width)).collect();
        text.push_str(padded.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_table_is_as_wide_as_what_is_in_it_and_nothing_in_it_steers_the_terminal() {
        let rows = [json!({ "a": "long one", "b": true }), json!({ "a": "x\u{1b}[2J", "b": null })];
        assert_eq!(table(&[("A", "a"), ("B", "b")], &rows), "A         B\nlong one  yes\nx[2J      -\n");
        assert_eq!(table(&[("A", "a")], &[]), "A\n");
    }

    #[test]
    fn a_moment_is_said_in_utc() {
        assert_eq!(moment(0), "1970-01-01T00:00:00Z");
        assert_eq!(moment(1_795_259_559_623), "2026-11-21T11:12:39Z");
    }
}

//! Comma-separated values, after RFC 4180.

use crate::{Column, Error, Table};

/// Read a table: titles in the first record, one row in each that follows.
///
/// Records end with a line feed, with or without a carriage return before it. Fields in double quotes may hold commas, line
/// ends and, doubled, double quotes. Fails with [`Error::Csv`].
pub fn read(text: &str) -> Result<Table, Error> {
    let mut records = Records::new(text);
    let (_, titles) = records.next().ok_or(Error::Csv {
        line: 1,
        reason: "there are no titles",
    })??;
    let mut table = Table::new(titles.into_iter().map(Column::new).collect());
    for record in records {
        let (line, fields) = record?;
        table.push(fields).map_err(|_| Error::Csv {
            line,
            reason: "the record has another number of fields than the first",
        })?;
    }
    Ok(table)
}

/// The records of a text, each with the line that it begins on.
struct Records<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Records<'a> {
    fn new(text: &'a str) -> Self {
        Records {
            rest: text,
            line: 1,
        }
    }

    /// Read one field, and say whether it is the last of its record.
    fn field(&mut self) -> Result<(String, bool), Error> {
        let field = if self.rest.starts_with('"') {
            self.quoted()?
        } else {
            let end = self.rest.find([',', '\n']).unwrap_or(self.rest.len());
            let field = &self.rest[..end];
            self.rest = &self.rest[end..];
            if self.rest.starts_with(',') {
                field
            } else {
                field.strip_suffix('\r').unwrap_or(field)
            }
            .to_string()
        };
        if let Some(rest) = self.rest.strip_prefix(',') {
            self.rest = rest;
            return Ok((field, false));
        }
        let rest = self.rest.strip_prefix('\r').unwrap_or(self.rest);
        match rest.strip_prefix('\n') {
            Some(rest) => {
                self.rest = rest;
                self.line += 1;
                Ok((field, true))
            }
            None if rest.is_empty() => {
                self.rest = rest;
                Ok((field, true))
            }
            None => Err(self.error("something follows a closing quote")),
        }
    }

    fn quoted(&mut self) -> Result<String, Error> {
        let mut field = String::new();
        let mut characters = self.rest.char_indices().skip(1).peekable();
        while let Some((offset, character)) = characters.next() {
            if character != '"' {
                field.push(character);
            } else if characters.peek().map(|&(_, next)| next) == Some('"') {
                characters.next();
                field.push('"');
            } else {
                self.rest = &self.rest[offset + 1..];
                self.line += field.matches('\n').count();
                return Ok(field);
            }
        }
        Err(self.error("a quote is not closed"))
    }

    fn error(&self, reason: &'static str) -> Error {
        Error::Csv {
            line: self.line,
            reason,
        }
    }
}

impl Iterator for Records<'_> {
    type Item = Result<(usize, Vec<String>), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let line = self.line;
        let mut fields = Vec::new();
        loop {
            match self.field() {
                Ok((field, last)) => {
                    fields.push(field);
                    if last {
                        return Some(Ok((line, fields)));
                    }
                }
                Err(error) => {
                    self.rest = "";
                    return Some(Err(error));
                }
            }
        }
    }
}

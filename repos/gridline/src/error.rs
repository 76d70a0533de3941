use std::fmt;

/// What can be wrong with a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// A row has another number of cells than the table has columns.
    Cells { expected: usize, found: usize },
    /// No column has this title.
    NoColumn(String),
    /// The text, from this line on (counted from one), is no comma-separated values.
    Csv { line: usize, reason: &'static str },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Cells { expected, found } => {
                write!(f, "a row needs {expected} cells, not {found}")
            }
            Error::NoColumn(title) => write!(f, "there is no column {title:?}"),
            Error::Csv { line, reason } => write!(f, "line {line}: {reason}"),
        }
    }
}

impl std::error::Error for Error {}

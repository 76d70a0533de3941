use crate::{Column, Error};

/// Columns, and rows with one cell for each of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(columns: Vec<Column>) -> Self {
        Table {
            columns,
            rows: Vec::new(),
        }
    }

    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    pub fn rows(&self) -> &[Vec<String>] {
        &self.rows
    }

    /// Add a row at the end; fails with [`Error::Cells`] where it has too many cells or too few.
    pub fn push<I>(&mut self, cells: I) -> Result<(), Error>
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let row: Vec<String> = cells.into_iter().map(Into::into).collect();
        if row.len() != self.columns.len() {
            return Err(Error::Cells {
                expected: self.columns.len(),
                found: row.len(),
            });
        }
        self.rows.push(row);
        Ok(())
    }

    /// The place of the column with this title, the first where there are several; fails with [`Error::NoColumn`].
    pub fn position(&self, title: &str) -> Result<usize, Error> {
        self.columns
            .iter()
            .position(|column| column.title == title)
            .ok_or_else(|| Error::NoColumn(title.to_string()))
    }

    /// Change how a column is aligned, looked up as by [`Table::position`].
    pub fn set_column(
        &mut self,
        title: &str,
        change: impl FnOnce(Column) -> Column,
    ) -> Result<(), Error> {
        let index = self.position(title)?;
        self.columns[index] = change(self.columns[index].clone());
        Ok(())
    }

    /// The cells of one column, from the first row to the last.
    pub(crate) fn cells(&self, index: usize) -> impl Iterator<Item = &str> {
        self.rows.iter().map(move |row| row[index].as_str())
    }
}

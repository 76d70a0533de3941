/// Where the text of a cell stands when the column is wider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Align {
    #[default]
    Left,
    Right,
    /// In the middle; a space that cannot be halved goes to the right.
    Center,
}

/// What a table has to know about one of its columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub(crate) title: String,
    pub(crate) align: Align,
    pub(crate) min_width: usize,
}

impl Column {
    /// A column with this title, aligned left.
    pub fn new(title: impl Into<String>) -> Self {
        Column {
            title: title.into(),
            align: Align::Left,
            min_width: 0,
        }
    }

    /// The same column, aligned otherwise.
    pub fn align(mut self, align: Align) -> Self {
        self.align = align;
        self
    }

    /// The same column, at least this many characters wide.
    pub fn min_width(mut self, width: usize) -> Self {
        self.min_width = width;
        self
    }

    pub fn title(&self) -> &str {
        &self.title
    }
}

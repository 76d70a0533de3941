//! Tables of text, for terminals and files.

mod column;
pub mod csv;
mod error;
mod render;
mod table;

pub use column::{Align, Column};
pub use error::Error;
pub use render::{render, Options};
pub use table::Table;

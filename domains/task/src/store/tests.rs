//! Lists on a real database.

mod lists;
mod pages;

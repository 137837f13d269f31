//! The use-cases on a real database: what they store, what they emit, and what they leave alone.

mod await_user;
mod categories;
mod forget_users;
mod tasks;

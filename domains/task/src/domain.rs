//! The rules of tasks and categories. Rule: pure. Nothing here waits, reads a database, a request or a clock; instants
//! and ids are arguments.

mod actor;
mod category;
mod edit;
mod facts;
mod labels;
mod shown;
mod status;
mod task;
#[cfg(test)]
pub(crate) mod testing;
mod text;

pub(crate) use actor::Actor;
pub(crate) use category::{Category, CategoryEdit, Color, ColorError, NewCategory};
pub(crate) use edit::{Edit, EditError, Edited};
pub(crate) use labels::{LabelError, Labels, LabelsError};
pub(crate) use status::{InvalidTransition, allowed_after};
pub(crate) use task::{Completion, NewTask, Task};
pub(crate) use text::{CategoryName, Description, TextError, Title};

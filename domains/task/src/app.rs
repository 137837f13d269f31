//! What the domain does: one use-case a file, named by its verb. A use-case is a function over a transaction that it
//! neither begins nor commits.

mod await_user;
mod complete_task;
mod create_category;
mod create_task;
mod delete_category;
mod delete_task;
mod forget_users;
mod references;
mod reopen_task;
mod update_category;
mod update_task;

pub(crate) use await_user::await_user;
pub(crate) use complete_task::{CompleteTask, CompleteTaskError, complete_task};
pub(crate) use create_category::{CreateCategory, CreateCategoryError, create_category};
pub(crate) use create_task::{CreateTask, CreateTaskError, create_task};
pub(crate) use delete_category::{DeleteCategory, DeleteCategoryError, delete_category};
pub(crate) use delete_task::{DeleteTask, DeleteTaskError, delete_task};
pub(crate) use forget_users::forget_users;
pub(crate) use references::ReferenceError;
pub(crate) use reopen_task::{ReopenTask, ReopenTaskError, reopen_task};
pub(crate) use update_category::{UpdateCategory, UpdateCategoryError, update_category};
pub(crate) use update_task::{UpdateTask, UpdateTaskError, update_task};

#[cfg(test)]
mod tests;

//! The rows. Functions over a transaction or a reader; entities stay inside.

mod categories;
mod category_row;
mod erasures;
mod label_row;
mod living;
mod task_filter;
mod task_list;
mod task_row;
mod tasks;
mod user_row;
mod users;

pub(crate) use categories::{
    delete_category_if_empty, delete_empty_categories, get_category, get_category_for_update, has_category,
    insert_category, is_taken_category_name, list_categories, update_category,
};
pub(crate) use erasures::{Erasure, finish_erasure, next_erasure, request_erasure};
pub(crate) use living::living;
pub(crate) use task_filter::TaskFilter;
pub(crate) use task_list::{list_tasks, task_sorts};
pub(crate) use tasks::{delete, get, get_for_update, insert, replace_labels, tasks_to_forget, update};
pub(crate) use users::{is_active_user, is_known_user, note_deleted_user, note_user};

#[cfg(test)]
mod tests;

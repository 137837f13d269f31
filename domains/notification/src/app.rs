//! The use-cases. Rule: each is a function over a transaction; it neither begins nor commits.

mod await_recipient;
mod create_notification;
mod delete_notification;
mod forget_recipient;
mod mark_notifications;
mod send_notification;
mod tell;
mod update_notification;

pub(crate) use await_recipient::await_recipient;
pub(crate) use create_notification::{CreateNotification, CreateNotificationError, create_notification};
pub(crate) use delete_notification::{DeleteNotification, DeleteNotificationError, delete_notification};
pub(crate) use forget_recipient::{erase_next, forget_recipient};
pub(crate) use mark_notifications::{MarkNotifications, Marked, mark_notifications};
pub(crate) use send_notification::{SendNotification, SendNotificationError, send_notification};
pub(crate) use tell::{Told, tell};
pub(crate) use update_notification::{UpdateNotification, UpdateNotificationError, update_notification};

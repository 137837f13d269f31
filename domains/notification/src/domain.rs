//! The rules of notifications. Pure: no database, no HTTP, no clock.

mod channel;
mod content;
mod delivery;
mod notification;
mod recipient;
mod state;
mod texts;

pub(crate) use channel::Channel;
pub(crate) use content::{ActionUrl, Body, Category, Content, TextRule, Title};
pub(crate) use delivery::{Delivery, DeliveryState};
pub(crate) use notification::{AlreadySent, New, NotSent, Notification, SourceEvent};
pub(crate) use recipient::{Profile, Standing};
pub(crate) use state::State;
pub(crate) use texts::{access_revoked, assigned, completed, password_changed, welcome};

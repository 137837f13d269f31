//! POST /api/v1/notifications

use super::Service;
use super::rules::UnsupportedChannel;
use super::view::{self, NotificationView, location};
use crate::app::{CreateNotification, CreateNotificationError, await_recipient, create_notification};
use crate::domain::{ActionUrl, Body as Text, Category, Channel, Content, Title};
use actix_web::HttpResponse;
use actix_web::web::Data;
use contracts::UserId;
use schemars::{JsonSchema, json_schema};
use serde::Deserialize;
use serde_json::json;
use web::openapi::Operation;
use web::{Answer, Body, Call, Caller, FieldError, FieldErrors, NoParams, Params, Problem, ProblemCode};

/// A notification to oneself; an administrator writes to anybody.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CreateNotification")]
pub(super) struct CreateBody {
    recipient_id: UserId,
    #[schemars(with = "Title")]
    title: String,
    #[schemars(with = "Option<Text>")]
    body: Option<String>,
    /// What the recipient sorts by.
    #[schemars(with = "Option<Category>")]
    category: Option<String>,
    #[schemars(with = "Option<Channels>")]
    channels: Option<Vec<String>>,
    /// Where a click leads: a path of this system or a web address.
    #[schemars(with = "Option<ActionUrl>")]
    action_url: Option<String>,
    /// Whether it is sent at once; otherwise it stays a draft.
    send: Option<bool>,
}

/// One or more, none of them twice.
struct Channels;

web::schemas! {
    Channels => json_schema!({
        "type": "array",
        "items": { "type": "string", "enum": Channel::ALL.map(Channel::as_str) },
        "minItems": 1,
        "uniqueItems": true,
    });
}

/// For the document.
pub(super) fn operation() -> Operation {
    Operation::new("createNotification", "Writes a notification, and sends it if that is wished")
        .tag("notifications")
        .signed_in()
        .body::<CreateBody>(|| {
            json!({ "recipient_id": "019b76da-a800-7172-980b-52245ebc6f81", "title": "Lunch at noon", "send": true })
        })
        .keyed()
        .created::<NotificationView<'_>>(view::example)
        .problems(&[ProblemCode::InsufficientScope, ProblemCode::UnknownUser])
}

pub(super) async fn create(
    service: Data<Service>,
    call: Call,
    _: Params<NoParams>,
    Body(body): Body<CreateBody>,
) -> Result<HttpResponse, Problem> {
    let command = body.into_command(&call.caller)?;
    if command.recipient != command.by {
        await_recipient(service.db.reader(), command.recipient).await?;
    }
    web::command(&service.db, &call, &command, create_notification, |made| {
        Answer::created(&location(made.id), made.version, &NotificationView::from(made))
    })
    .await
}

impl CreateBody {
    fn into_command(self, caller: &Caller) -> Result<CreateNotification, Problem> {
        if self.recipient_id != caller.user_id && !caller.is_admin() {
            return Err(Problem::new(ProblemCode::InsufficientScope).detail("only administrators write to others"));
        }
        let mut errors = FieldErrors::new();
        let title = errors.check("/title", Title::parse(&self.title));
        let body = errors.check_optional("/body", self.body.as_deref(), Text::parse);
        let category = errors.check_optional("/category", self.category.as_deref(), Category::parse);
        let action_url = errors.check_optional("/action_url", self.action_url.as_deref(), ActionUrl::parse);
        let channels = channels(self.channels, &mut errors);
        let Some(title) = title.filter(|_| errors.is_empty()) else { return Err(errors.into_problem()) };
        Ok(CreateNotification {
            by: caller.user_id,
            recipient: self.recipient_id,
            content: Content { category, title, body, action_url },
            channels,
            send: self.send.unwrap_or_default(),
        })
    }
}

fn channels(raw: Option<Vec<String>>, errors: &mut FieldErrors) -> Vec<Channel> {
    let Some(raw) = raw else { return vec![Channel::InApp] };
    if raw.is_empty() {
        errors.add("/channels", "too_short", "must name a channel, or be left out");
    }
    let mut channels = Vec::new();
    for (index, name) in raw.iter().enumerate() {
        let pointer = format!("/channels/{index}");
        match errors.check(&pointer, Channel::from_name(name).ok_or(UnsupportedChannel)) {
            Some(channel) if channels.contains(&channel) => {
                errors.add(&pointer, "duplicate", "must not be named twice");
            }
            channel => channels.extend(channel),
        }
    }
    channels
}

impl From<CreateNotificationError> for Problem {
    fn from(error: CreateNotificationError) -> Self {
        match error {
            CreateNotificationError::UnknownUser => {
                let detail = "is not the id of a user";
                let error = FieldError::new("/recipient_id", ProblemCode::UnknownUser.as_str(), detail);
                Self::new(ProblemCode::UnknownUser).detail(format!("`recipient_id` {detail}")).error(error)
            }
            CreateNotificationError::Db(error) => error.into(),
        }
    }
}

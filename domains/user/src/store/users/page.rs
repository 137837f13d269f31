//! The list of accounts, for administrators.

use super::super::entity::user::{Column, Entity};
use super::user;
use crate::domain::User;
use contracts::user::Role;
use db::{DbError, Reader};
use schemars::JsonSchema;
use sea_orm::sea_query::LikeExpr;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter};
use serde::Deserialize;
use web::{AnyOf, Instant, Keyset, Page, Paging, Phrase, Problem};

/// What a client may ask for. It is the query string's own form, because each field is one condition.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filters {
    /// A part of the username, of the address or of the name.
    q: Option<Phrase>,
    /// With one of these roles.
    role: Option<AnyOf<Role>>,
    /// Whether they may sign in.
    is_active: Option<bool>,
    /// Made later.
    created_after: Option<Instant>,
    /// Made earlier.
    created_before: Option<Instant>,
}

/// The names compare in lower case: usernames are, and of an e-mail address the canonical form is sorted by.
const SORTABLE: &[(&str, Column)] = &[
    ("created_at", Column::CreatedAt),
    ("updated_at", Column::UpdatedAt),
    ("username", Column::Username),
    ("email", Column::EmailCanonical),
];

/// What a client may sort by.
pub(crate) fn sorts() -> impl Iterator<Item = &'static str> {
    SORTABLE.iter().map(|(name, _)| *name)
}

const ESCAPE: char = '\\';

pub(crate) async fn page(reader: &Reader, filters: &Filters, paging: &Paging) -> Result<Page<User>, Problem> {
    let keyset: Keyset<Entity> = paging.keyset(SORTABLE, "-created_at", Column::Id)?;
    let rows = reader.all(keyset.select(Entity::find().filter(filters.condition()))).await?;
    let Page { items, next_cursor } = keyset.page(rows, user)?;
    Ok(Page { items: items.into_iter().collect::<Result<_, DbError>>()?, next_cursor })
}

impl Filters {
    fn condition(&self) -> Condition {
        Condition::all()
            .add_option(self.q.as_ref().map(|Phrase(q)| Column::SearchText.like(containing(q))))
            .add_option(self.role.as_ref().map(|roles| roles.condition(Column::Role, |role| role.as_str())))
            .add_option(self.is_active.map(|active| Column::IsActive.eq(active)))
            .add_option(self.created_after.map(|instant| Column::CreatedAt.gt(instant.0)))
            .add_option(self.created_before.map(|instant| Column::CreatedAt.lt(instant.0)))
    }
}

/// A pattern for the text itself: its signs mean nothing.
fn containing(text: &str) -> LikeExpr {
    let mut pattern = String::from("%");
    for c in text.to_lowercase().chars() {
        if matches!(c, '%' | '_' | ESCAPE) {
            pattern.push(ESCAPE);
        }
        pattern.push(c);
    }
    pattern.push('%');
    LikeExpr::new(pattern).escape(ESCAPE)
}

//! A category: a drawer of one user's tasks. Rule: it publishes nothing, so it has a version and no stream.

use super::{CategoryName, Description};
use chrono::{DateTime, Utc};
use contracts::{CategoryId, UserId};
use schemars::json_schema;

/// A drawer with a name that is unique for its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Category {
    pub(crate) id: CategoryId,
    pub(crate) owner_id: UserId,
    pub(crate) name: CategoryName,
    pub(crate) color: Option<Color>,
    pub(crate) description: Option<Description>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) version: i64,
}

/// What a category is made from.
#[derive(Debug, Clone)]
pub(crate) struct NewCategory {
    pub(crate) name: CategoryName,
    pub(crate) color: Option<Color>,
    pub(crate) description: Option<Description>,
}

/// The wanted values; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct CategoryEdit {
    pub(crate) name: Option<CategoryName>,
    pub(crate) color: Option<Option<Color>>,
    pub(crate) description: Option<Option<Description>>,
}

impl Category {
    pub(crate) fn new(id: CategoryId, new: NewCategory, owner: UserId, now: DateTime<Utc>) -> Self {
        Self {
            id,
            owner_id: owner,
            name: new.name,
            color: new.color,
            description: new.description,
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }

    /// Applies the wanted values. False: they were there already.
    pub(crate) fn edit(&mut self, edit: &CategoryEdit, now: DateTime<Utc>) -> bool {
        let mut after = self.clone();
        if let Some(name) = &edit.name {
            after.name.clone_from(name);
        }
        if let Some(color) = &edit.color {
            after.color.clone_from(color);
        }
        if let Some(description) = &edit.description {
            after.description.clone_from(description);
        }
        let changed = after != *self;
        if changed {
            after.updated_at = now;
            *self = after;
        }
        changed
    }
}

/// `#rgb`, `#rrggbb`, or a name such as `berry_red`: safe to put into a style sheet as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Color(String);

web::schemas! {
    Color => json_schema!({
        "type": "string",
        "pattern": "^(?:#[0-9A-Fa-f]{3}|#[0-9A-Fa-f]{6}|[A-Za-z_-]{1,30})$",
    });
}

/// A text that is neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be #rgb, #rrggbb or a name of 1 to 30 letters, `_` and `-`")]
pub(crate) struct ColorError;

impl Color {
    /// Checks what came from outside.
    pub(crate) fn parse(raw: String) -> Result<Self, ColorError> {
        let fits = match raw.strip_prefix('#') {
            Some(hex) => matches!(hex.len(), 3 | 6) && hex.bytes().all(|b| b.is_ascii_hexdigit()),
            None => {
                (1..=30).contains(&raw.len()) && raw.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_' || b == b'-')
            }
        };
        if fits { Ok(Self(raw)) } else { Err(ColorError) }
    }

    /// Takes back what was checked before it was stored.
    pub(crate) const fn stored(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::testing::{anna, later, now};
    use uuid::Uuid;

    fn category() -> Category {
        let new = NewCategory { name: CategoryName::stored("Home".to_owned()), color: None, description: None };
        Category::new(CategoryId(Uuid::from_u128(7)), new, anna().id, now())
    }

    #[test]
    fn the_same_values_again_are_no_change() {
        let mut category = category();
        let same = CategoryEdit { name: Some(CategoryName::stored("Home".to_owned())), ..CategoryEdit::default() };
        assert!(!category.edit(&same, later()));
        assert_eq!(category.updated_at, now());
        let other = CategoryEdit { color: Some(Some(Color::stored("red".to_owned()))), ..CategoryEdit::default() };
        assert!(category.edit(&other, later()));
        assert_eq!((category.updated_at, category.name.as_str()), (later(), "Home"));
    }

    #[test]
    fn a_color_cannot_break_out_of_a_style_sheet() {
        for good in ["#fff", "#A1b2C3", "red", "berry_red"] {
            assert!(Color::parse(good.to_owned()).is_ok(), "{good}");
        }
        for bad in ["", "#", "#ff", "#ggg", "#fffffff", "red;x", "url(x)", "rot grün", &"a".repeat(31)] {
            assert_eq!(Color::parse(bad.to_owned()), Err(ColorError), "{bad}");
        }
    }
}

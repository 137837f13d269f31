//! A list in the order of one id, put together from several tables or from several processes. Rule: its cursor says
//! nothing but the id of the last item, so that each of them finds its own place by it.

use super::{Page, Paging, cursor};
use crate::problem::{Problem, ProblemCode};
use serde_json::Value;
use uuid::Uuid;

impl Paging {
    /// The item behind which the page starts, in a list that has no other order.
    ///
    /// # Errors
    /// 400 `invalid_cursor`, `cursor_mismatch`.
    pub fn behind(&self) -> Result<Option<Uuid>, Problem> {
        let Some(text) = &self.cursor else { return Ok(None) };
        match cursor::decode(&self.filters, text)?.as_slice() {
            [Value::String(id)] => id.parse().map(Some).map_err(|_| cursor::refusal()),
            _ => Err(cursor::refusal()),
        }
    }

    /// The page of these items, which are in order and of which there may be more than it holds; `more` says that there
    /// are further ones elsewhere.
    ///
    /// # Errors
    /// 500 when the last item has no id.
    pub fn page<T>(&self, mut items: Vec<T>, more: bool, id: impl Fn(&T) -> Option<Uuid>) -> Result<Page<T>, Problem> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = more || items.len() > limit;
        items.truncate(limit);
        let last = items.last().filter(|_| more);
        let next_cursor = last.map(|last| self.cursor_behind(id(last))).transpose()?;
        Ok(Page { items, next_cursor })
    }

    fn cursor_behind(&self, id: Option<Uuid>) -> Result<String, Problem> {
        let id = id.ok_or_else(|| Problem::new(ProblemCode::Internal))?;
        let cursor = cursor::encode(&self.filters, vec![Value::from(id.to_string())]);
        cursor.map_err(|error| Problem::new(ProblemCode::Internal).caused_by(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paging(list: &str, cursor: Option<String>) -> Paging {
        let cursor = cursor.map(|cursor| ("cursor".to_owned(), cursor));
        let limit = ("limit".to_owned(), "2".to_owned());
        Paging::read(list, [limit].into_iter().chain(cursor).collect(), &[]).unwrap()
    }

    #[test]
    fn a_cursor_is_the_last_item_and_good_for_its_list_alone() {
        let ids: Vec<Uuid> = (1..=3).map(Uuid::from_u128).collect();
        let page = paging("events", None).page(ids.clone(), false, |id| Some(*id)).unwrap();
        assert_eq!(page.items, ids[..2]);
        let next = page.next_cursor.clone();
        assert_eq!(paging("events", next.clone()).behind().unwrap(), Some(ids[1]));
        assert_eq!(paging("others", next).behind().unwrap_err().code(), ProblemCode::CursorMismatch);
        let last = paging("events", None).page(ids[..2].to_vec(), false, |id| Some(*id)).unwrap();
        assert_eq!(last.next_cursor, None);
        let elsewhere = paging("events", None).page(ids[..2].to_vec(), true, |id| Some(*id)).unwrap();
        assert_eq!(elsewhere.next_cursor, page.next_cursor);
        let broken = paging("events", Some("nonsense".to_owned())).behind();
        assert_eq!(broken.unwrap_err().code(), ProblemCode::InvalidCursor);
    }
}

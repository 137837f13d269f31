//! The statement behind a page. Rule: null sorts last in both directions and the id breaks ties, the same on every
//! database; a cursor's content only ever becomes bound values.

use super::{Page, Paging, cursor, order, value};
use crate::problem::{Problem, ProblemCode};
use aws_lc_rs::digest::{Context, SHA256};
use sea_orm::sea_query::{NullOrdering, Order, Value};
use sea_orm::{ColumnTrait, Condition, EntityTrait, Iden, ModelTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use serde_json::Value as Json;

/// An order over the rows of `E`, and the place in it where the page starts.
#[derive(Debug)]
pub struct Keyset<E: EntityTrait> {
    keys: Vec<Key<E>>,
    limit: u64,
    /// The values of the keys in the last row of the page before; `None` inside is null.
    after: Option<Vec<Option<Value>>>,
    fingerprint: Vec<u8>,
}

#[derive(Debug)]
struct Key<E: EntityTrait> {
    column: E::Column,
    order: Order,
    nullable: bool,
}

impl Paging {
    /// For a list that the client may sort: `sortable` has the names and columns, `default` is a sort such as
    /// `-created_at`, `id` breaks ties.
    ///
    /// # Errors
    /// 400 `invalid_sort`, `invalid_cursor`, `cursor_mismatch`.
    pub fn keyset<E: EntityTrait>(
        &self,
        sortable: &[(&str, E::Column)],
        default: &str,
        id: E::Column,
    ) -> Result<Keyset<E>, Problem>
    where
        E::Column: Copy,
    {
        let keys = order::parse(self.sort.as_deref().unwrap_or(default), sortable)?;
        Keyset::new(self, keys, id)
    }

    /// For a list with one order only, which [`crate::Listing`] reads.
    ///
    /// # Errors
    /// 400 `invalid_cursor`, `cursor_mismatch`.
    pub fn ordered_by<E: EntityTrait>(
        &self,
        column: E::Column,
        order: Order,
        id: E::Column,
    ) -> Result<Keyset<E>, Problem> {
        Keyset::new(self, vec![(column, order)], id)
    }
}

impl<E: EntityTrait> Keyset<E> {
    fn new(paging: &Paging, keys: Vec<(E::Column, Order)>, id: E::Column) -> Result<Self, Problem> {
        let last = keys.last().map_or(Order::Asc, |(_, order)| order.clone());
        let nullable = |column: E::Column| column.def().is_null();
        let mut keys: Vec<Key<E>> =
            keys.into_iter().map(|(column, order)| Key { column, order, nullable: nullable(column) }).collect();
        keys.push(Key { column: id, order: last, nullable: false });
        let fingerprint = fingerprint(&paging.filters, &keys);
        let mut keyset = Self { keys, limit: paging.limit, after: None, fingerprint };
        if let Some(text) = &paging.cursor {
            let values = cursor::decode(&keyset.fingerprint, text)?;
            keyset.after = Some(keyset.read(&values).ok_or_else(cursor::refusal)?);
        }
        Ok(keyset)
    }

    fn read(&self, values: &[Json]) -> Option<Vec<Option<Value>>> {
        if values.len() != self.keys.len() {
            return None;
        }
        let read = |(key, json): (&Key<E>, &Json)| match json {
            Json::Null => key.nullable.then_some(None),
            json => value::from_json(json, &E::Model::get_value_type(key.column)).map(Some),
        };
        self.keys.iter().zip(values).map(read).collect()
    }

    /// The statement for this page: order, start and size are added to the filters of `select`. One row more is read
    /// than is shown, to know whether there is a next page.
    #[must_use]
    pub fn select(&self, select: Select<E>) -> Select<E> {
        let mut select = select.limit(self.limit + 1);
        if let Some(after) = &self.after {
            select = select.filter(self.behind(after));
        }
        for key in &self.keys {
            select = if key.nullable {
                select.order_by_with_nulls(key.column, key.order.clone(), NullOrdering::Last)
            } else {
                select.order_by(key.column, key.order.clone())
            };
        }
        select
    }

    /// The page of the rows that [`Keyset::select`] found.
    ///
    /// # Errors
    /// 500 when a sort column is of a type that cannot travel in a cursor.
    pub fn page<V>(&self, mut rows: Vec<E::Model>, view: impl FnMut(E::Model) -> V) -> Result<Page<V>, Problem> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().filter(|_| more);
        let next_cursor = last.map(|row| self.cursor(row)).transpose()?;
        Ok(Page { items: rows.into_iter().map(view).collect(), next_cursor })
    }

    fn cursor(&self, row: &E::Model) -> Result<String, Problem> {
        let values = self.keys.iter().map(|key| value::to_json(&row.get(key.column))).collect::<Option<Vec<_>>>();
        let values = values.ok_or_else(|| Problem::new(ProblemCode::Internal))?;
        cursor::encode(&self.fingerprint, values).map_err(|error| Problem::new(ProblemCode::Internal).caused_by(&error))
    }

    /// The rows behind these values: equal in the first keys and behind in the next one, for each number of keys.
    fn behind(&self, after: &[Option<Value>]) -> Condition {
        let mut any = Condition::any();
        let mut equal = Condition::all();
        for (key, value) in self.keys.iter().zip(after) {
            if let Some(behind) = key.behind(value.as_ref()) {
                any = any.add(equal.clone().add(behind));
            }
            equal = equal.add(key.equal(value.as_ref()));
        }
        // Said once more for the first key, because an index can be entered by a range and not by an OR.
        match (self.keys.first(), after.first()) {
            (Some(key), Some(Some(value))) if !key.nullable => {
                let bound = match key.order {
                    Order::Desc => key.column.lte(value.clone()),
                    _ => key.column.gte(value.clone()),
                };
                Condition::all().add(bound).add(any)
            }
            _ => any,
        }
    }
}

impl<E: EntityTrait> Key<E> {
    fn equal(&self, value: Option<&Value>) -> Condition {
        Condition::all().add(value.map_or_else(|| self.column.is_null(), |value| self.column.eq(value.clone())))
    }

    /// Nothing of this key is behind null.
    fn behind(&self, value: Option<&Value>) -> Option<Condition> {
        let value = value?.clone();
        let behind = match self.order {
            Order::Desc => self.column.lt(value),
            _ => self.column.gt(value),
        };
        let behind = Condition::any().add(behind);
        Some(if self.nullable { behind.add(self.column.is_null()) } else { behind })
    }
}

fn fingerprint<E: EntityTrait>(filters: &[u8], keys: &[Key<E>]) -> Vec<u8> {
    let mut context = Context::new(&SHA256);
    context.update(filters);
    for key in keys {
        let order = if matches!(key.order, Order::Desc) { "-" } else { "+" };
        context.update(order.as_bytes());
        context.update(key.column.to_string().as_bytes());
    }
    context.finish().as_ref().to_vec()
}

//! Rows that are not entities: counts, sums, keys. Rule: the caller's type says what is decoded.

use crate::error::DbError;
use sea_orm::sea_query::{ColumnType, Value, ValueType};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, Iterable, TryIntoModel};

/// A tuple of plain values, in the order of the selected columns.
pub trait FromRow: Sized + Send + 'static {
    /// The column types, in order.
    fn columns() -> Vec<ColumnType>;

    /// Takes the values of one row.
    ///
    /// # Errors
    /// [`DbError::Decode`] when a value does not fit.
    fn from_values(values: Vec<Value>) -> Result<Self, DbError>;
}

/// The types of an entity's columns, in the order in which a select names them.
pub(crate) fn entity_columns<E: EntityTrait>() -> Vec<ColumnType> {
    E::Column::iter().map(|column| column.def().get_column_type().clone()).collect()
}

/// An entity from the values of its columns.
///
/// # Errors
/// [`DbError::Decode`] when a value does not fit.
pub(crate) fn model<E>(values: Vec<Value>) -> Result<E::Model, DbError>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel>,
    E::ActiveModel: TryIntoModel<E::Model>,
{
    let mut row = <E::ActiveModel as ActiveModelTrait>::default();
    for (column, value) in E::Column::iter().zip(values) {
        row.try_set(column, value).map_err(|error| DbError::Decode(error.to_string()))?;
    }
    row.try_into_model().map_err(|error| DbError::Decode(error.to_string()))
}

/// Takes the next value as a `T`.
fn take<T: ValueType>(values: &mut impl Iterator<Item = Value>) -> Result<T, DbError> {
    let value = values.next().ok_or_else(|| DbError::Decode("a row is too short".to_owned()))?;
    T::try_from(value).map_err(|_| DbError::Decode(format!("a value is not a {}", T::type_name())))
}

macro_rules! tuple {
    ($($name:ident),+) => {
        impl<$($name: ValueType + Send + 'static),+> FromRow for ($($name,)+) {
            fn columns() -> Vec<ColumnType> {
                vec![$($name::column_type()),+]
            }

            fn from_values(values: Vec<Value>) -> Result<Self, DbError> {
                let mut values = values.into_iter();
                Ok(($(take::<$name>(&mut values)?,)+))
            }
        }
    };
}

tuple!(A);
tuple!(A, B);
tuple!(A, B, C);
tuple!(A, B, C, D);
tuple!(A, B, C, D, E);
tuple!(A, B, C, D, E, F);

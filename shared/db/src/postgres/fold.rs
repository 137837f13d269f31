//! Several statements as one, which is its own transaction: the server then answers once where it would answer BEGIN, each
//! statement and COMMIT. Rule: only rows that are new, each in a table of its own. The parts of one statement do not see each
//! other, and nobody says in which order they run (PostgreSQL, section 7.8.4, "Data-Modifying Statements in WITH"). A plain
//! INSERT changes a row or fails; so nothing has to be counted.

use sea_orm::Statement;
use sea_orm::sea_query::Values;
use std::fmt::Write;

/// What stands between a table's columns and its new rows.
const VALUES: &str = " VALUES ";
/// Parameters of a statement; the protocol counts to 65,535.
const PARAMETERS: usize = 32_768;

/// Statements as one; none where that could mean something else. With several members, whose texts are the same, the rows
/// of all stand in it.
pub(super) fn fold(members: &[&[Statement]]) -> Option<Statement> {
    let (first, others) = members.split_first()?;
    let tables: Vec<&str> = first.iter().map(|statement| table(&statement.sql)).collect::<Option<_>>()?;
    let distinct = tables.iter().enumerate().all(|(place, table)| !tables.iter().take(place).any(|one| one == table));
    if !distinct || !others.iter().all(|other| is_alike(first, other)) {
        return None;
    }
    let length: usize = first.iter().map(|statement| statement.sql.len() + 40).sum();
    let (mut sql, mut values) = (String::with_capacity(length * members.len()), Vec::new());
    for (place, statement) in first.iter().enumerate() {
        let is_last = place + 1 == first.len();
        match (place, is_last) {
            (_, true) => {}
            (0, false) => write!(sql, "WITH part_{place} AS (").ok()?,
            (_, false) => write!(sql, ", part_{place} AS (").ok()?,
        }
        let (head, rows) = statement.sql.split_once(VALUES)?;
        sql.push_str(if place > 0 && is_last { " " } else { "" });
        sql.push_str(head);
        for (nth, member) in members.iter().enumerate() {
            sql.push_str(if nth == 0 { VALUES } else { ", " });
            renumber(&mut sql, rows, values.len())?;
            let own = member.get(place)?;
            values.extend(own.values.iter().flat_map(|values| values.0.iter().cloned()));
        }
        sql.push_str(if is_last { "" } else { ")" });
    }
    let db_backend = first.first()?.db_backend;
    let fits = values.len() <= PARAMETERS;
    fits.then_some(Statement { sql, values: Some(Values(values)), db_backend })
}

/// Whether two sequences of statements differ in their values alone.
pub(super) fn is_alike(one: &[Statement], other: &[Statement]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.sql == other.sql)
}

/// The table that a plain INSERT puts its rows into, as it is written there.
fn table(sql: &str) -> Option<&str> {
    let plain = !sql.contains(" ON CONFLICT ") && !sql.contains(" RETURNING ");
    sql.strip_prefix("INSERT INTO ").filter(|_| plain)?.split_once(" (").map(|(table, _)| table)
}

/// Writes `sql` with parameters whose numbers are `by` higher; none where a dollar may be something else.
fn renumber(folded: &mut String, sql: &str, by: usize) -> Option<()> {
    if sql.contains('\'') {
        return None;
    }
    let mut parts = sql.split('$');
    folded.push_str(parts.next()?);
    for part in parts {
        let behind = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        let (number, rest) = part.split_at(behind);
        let number: usize = number.parse().ok()?;
        write!(folded, "${}{rest}", number + by).ok()?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sea_orm::DbBackend;

    fn statement(sql: &str, values: &[i64]) -> Statement {
        Statement::from_sql_and_values(DbBackend::Postgres, sql, values.iter().map(|value| (*value).into()))
    }

    #[test]
    fn new_rows_of_several_tables_are_one_statement() {
        let row = statement(r#"INSERT INTO "task" ("id", "n") VALUES ($1, $2)"#, &[1, 2]);
        let event = statement(r#"INSERT INTO "outbox" ("id", "n", "m") VALUES ($1, $2, $1)"#, &[3, 4]);
        let folded = fold(&[&[row, event]]).unwrap();
        assert_eq!(
            folded.sql,
            "WITH part_0 AS (INSERT INTO \"task\" (\"id\", \"n\") VALUES ($1, $2)) \
             INSERT INTO \"outbox\" (\"id\", \"n\", \"m\") VALUES ($3, $4, $3)"
        );
        assert_eq!(folded.values.unwrap().0, [1_i64, 2, 3, 4].map(Into::into));
    }

    #[test]
    fn the_rows_of_several_members_are_one_statement() {
        let member = |n: i64| {
            let row = statement(r#"INSERT INTO "task" ("id", "n") VALUES ($1, $2)"#, &[n, n + 1]);
            [row, statement(r#"INSERT INTO "label" ("id") VALUES ($1), ($2)"#, &[n + 2, n + 3])]
        };
        let (one, other) = (member(10), member(20));
        let folded = fold(&[&one, &other]).unwrap();
        assert_eq!(
            folded.sql,
            "WITH part_0 AS (INSERT INTO \"task\" (\"id\", \"n\") VALUES ($1, $2), ($3, $4)) \
             INSERT INTO \"label\" (\"id\") VALUES ($5), ($6), ($7), ($8)"
        );
        assert_eq!(folded.values.unwrap().0, [10_i64, 11, 20, 21, 12, 13, 22, 23].map(Into::into));
        let alone = statement(r#"INSERT INTO "task" ("id", "n") VALUES ($1, $2)"#, &[1, 2]);
        assert!(fold(&[&one, &[alone]]).is_none(), "another sequence of statements");
    }

    #[test]
    fn what_may_need_an_order_or_mean_something_else_is_not_folded() {
        let new = |table: &str| statement(&format!(r#"INSERT INTO "{table}" ("id") VALUES ($1)"#), &[1]);
        for other in [
            new("task"),
            statement(r#"UPDATE "label" SET "n" = $1"#, &[1]),
            statement(r#"INSERT INTO "label" ("id") VALUES ($1) ON CONFLICT DO NOTHING"#, &[1]),
            statement(r#"INSERT INTO "label" ("id") VALUES ($1 || '$1')"#, &[1]),
            statement(r#"INSERT INTO "label" ("id") VALUES ($x)"#, &[]),
        ] {
            assert!(fold(&[&[new("task"), other.clone()]]).is_none(), "{other:?}");
        }
        assert!(fold(&[]).is_none() && fold(&[&[]]).is_none());
    }
}

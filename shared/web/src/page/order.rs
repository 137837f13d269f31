//! `sort=-priority,due_at`. Rule: columns come from a whitelist only.

use crate::problem::{Problem, ProblemCode};
use sea_orm::sea_query::Order;

/// The sort keys that a text names, in order.
pub(super) fn parse<C: Copy>(text: &str, sortable: &[(&str, C)]) -> Result<Vec<(C, Order)>, Problem> {
    let mut seen = Vec::new();
    let mut keys = Vec::new();
    for part in text.split(',') {
        let (name, order) = part.strip_prefix('-').map_or((part, Order::Asc), |name| (name, Order::Desc));
        let known = sortable.iter().find(|(sortable, _)| *sortable == name);
        let Some((_, column)) = known.filter(|_| !seen.contains(&name)) else {
            return Err(refusal(sortable));
        };
        seen.push(name);
        keys.push((*column, order));
    }
    Ok(keys)
}

fn refusal<C>(sortable: &[(&str, C)]) -> Problem {
    let allowed: Vec<&str> = sortable.iter().map(|(name, _)| *name).collect();
    Problem::new(ProblemCode::InvalidSort)
        .detail("`sort` must be a list of different fields, each with an optional minus sign")
        .with("allowed", allowed)
}

//! Statements over any number of rows in few texts: a connection prepares each text and remembers it.

/// The same values, the last of them repeated up to a power of two: to be looked for in a list.
pub(crate) fn padded<T: Clone>(mut values: Vec<T>) -> Vec<T> {
    if let Some(last) = values.last().cloned() {
        values.resize(values.len().next_power_of_two(), last);
    }
    values
}

/// The same values in portions whose lengths are powers of two, the longest first: to be inserted together.
pub(crate) fn portions<T>(values: Vec<T>) -> Vec<Vec<T>> {
    let mut portions = Vec::new();
    let mut rest = values.into_iter();
    while rest.len() > 0 {
        let longest = 1 << rest.len().ilog2();
        portions.push(rest.by_ref().take(longest).collect());
    }
    portions
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn lists_of_any_length_have_few_lengths() {
        assert_eq!(padded(vec![1]), [1]);
        assert_eq!(padded(vec![1, 2, 3]), [1, 2, 3, 3]);
        assert!(padded(Vec::<i64>::new()).is_empty());
        let lengths: HashSet<usize> = (1..=256).map(|n| padded(vec![0; n]).len()).collect();
        assert_eq!(lengths.len(), 9);
    }

    #[test]
    fn portions_hold_everything_once_and_have_few_lengths() {
        assert_eq!(portions(vec![1, 2, 3, 4, 5, 6, 7]), [vec![1, 2, 3, 4], vec![5, 6], vec![7]]);
        assert!(portions(Vec::<i64>::new()).is_empty());
        let lengths: HashSet<usize> =
            (1..=256).flat_map(|n| portions(vec![0; n])).map(|portion| portion.len()).collect();
        assert_eq!(lengths.len(), 9);
    }
}

//! Changes of rows that are not written yet, one for each row: what a later change makes of an
//! earlier one is known without asking the database. Not here: writing them.

use std::collections::BTreeMap;

use crate::readmodel::sql::Cell;

/// What is to become of one row.
#[derive(Debug, Clone, PartialEq)]
enum Fate {
    Put(Vec<Cell>),
    Set(BTreeMap<usize, Cell>),
    Delete,
}

/// The changes of one table.
#[derive(Debug, Default)]
pub(super) struct Pending {
    rows: BTreeMap<Vec<Cell>, Fate>,
}

/// The same, sorted by what is to be done. All rows are different ones, so the order is no matter.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    pub(super) deleted: Vec<Vec<Cell>>,
    pub(super) put: Vec<Vec<Cell>>,
    /// By the columns that are set: the key, then the values.
    pub(super) set: BTreeMap<Vec<usize>, Vec<Vec<Cell>>>,
}

impl Pending {
    pub(super) fn put(&mut self, key: Vec<Cell>, row: Vec<Cell>) {
        self.rows.insert(key, Fate::Put(row));
    }

    pub(super) fn delete(&mut self, key: Vec<Cell>) {
        self.rows.insert(key, Fate::Delete);
    }

    pub(super) fn set(&mut self, key: Vec<Cell>, values: Vec<(usize, Cell)>) {
        match self.rows.entry(key).or_insert_with(|| Fate::Set(BTreeMap::new())) {
            Fate::Put(row) => {
                for (column, value) in values {
                    row[column] = value;
                }
            }
            Fate::Set(set) => set.extend(values),
            // A row that is not there.
            Fate::Delete => {}
        }
    }

    pub(super) fn take(&mut self) -> Sorted {
        let mut sorted = Sorted::default();
        for (key, fate) in std::mem::take(&mut self.rows) {
            match fate {
                Fate::Put(row) => sorted.put.push(row),
                Fate::Delete => sorted.deleted.push(key),
                Fate::Set(values) => {
                    let (columns, values): (Vec<_>, Vec<_>) = values.into_iter().unzip();
                    if !columns.is_empty() {
                        let row = key.into_iter().chain(values).collect();
                        sorted.set.entry(columns).or_default().push(row);
                    }
                }
            }
        }
        sorted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(key: i64, value: i64) -> Vec<Cell> {
        vec![Cell::Int(key), Cell::Int(value)]
    }

    fn key(key: i64) -> Vec<Cell> {
        vec![Cell::Int(key)]
    }

    #[test]
    fn later_changes_of_a_row_take_the_place_of_earlier_ones() {
        let mut pending = Pending::default();
        pending.put(key(1), row(1, 1));
        pending.set(key(1), vec![(1, Cell::Int(2))]);
        pending.set(key(2), vec![(1, Cell::Int(1))]);
        pending.set(key(2), vec![(1, Cell::Int(3))]);
        pending.put(key(3), row(3, 1));
        pending.delete(key(3));
        pending.set(key(3), vec![(1, Cell::Int(9))]);
        pending.delete(key(4));
        pending.put(key(4), row(4, 4));
        pending.set(key(5), Vec::new());
        let sorted = pending.take();
        assert_eq!(sorted.put, [row(1, 2), row(4, 4)]);
        assert_eq!(sorted.set, BTreeMap::from([(vec![1], vec![row(2, 3)])]));
        assert_eq!(sorted.deleted, [key(3)]);
        assert_eq!(pending.take().put, [] as [Vec<Cell>; 0]);
    }
}

//! Who runs in one turn, as what the store has says. Not here: running them.

use kit::Position;

use crate::readmodel::{
    generation::{Generation, Lineage},
    succession::Holder,
};

/// Generations no further apart than this many positions are fed as one.
pub(super) const CLOSE: u64 = 2_000;

/// What runs in one turn.
pub(super) struct Cast {
    pub(super) fed: Vec<Generation>,
    pub(super) filled: Option<Generation>,
    /// The current generation and the one that is to take over, if they are fed as one.
    pub(super) compared: Option<(i64, i64)>,
    /// Filled for newer code, without anything to be close to.
    pub(super) succeeding: Option<(i64, Position)>,
}

impl Cast {
    /// Who runs: generations of this code only, for other code folds other documents.
    pub(super) fn of(holder: &Holder, lineage: &Lineage, alone: bool) -> Self {
        let of = |number, position| holder.generation(number, position);
        let mut cast = Self { fed: Vec::new(), filled: None, compared: None, succeeding: None };
        let filling = lineage.plan.filling.as_ref().filter(|filling| filling.failed.is_none());
        let filling = filling.and_then(|filling| lineage.row(filling.generation));
        let filling = filling.filter(|row| row.version == holder.version);
        let Some(current) = lineage.current_row() else { return cast };
        if current.version != holder.version {
            if let Some(row) = filling {
                cast.fed.push(of(row.generation, row.position));
                cast.succeeding = Some((row.generation, row.complete_at));
            }
            return cast;
        }
        cast.fed.push(of(current.generation, current.position));
        for row in &lineage.rows {
            let companion = row.generation != current.generation
                && row.version == holder.version
                && row.position.0.abs_diff(current.position.0) <= CLOSE;
            if companion && !alone {
                cast.fed.push(of(row.generation, row.position));
            }
        }
        if let Some(row) = filling {
            if cast.fed.iter().any(|generation| generation.number == row.generation) {
                cast.compared = Some((current.generation, row.generation));
            } else {
                cast.filled = Some(of(row.generation, row.position));
            }
        }
        cast
    }

    pub(super) fn fed_numbers(&self) -> Vec<i64> {
        self.fed.iter().map(|generation| generation.number).collect()
    }
}

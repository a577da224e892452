//! The generations of a projection's rows as the store has them: which one answers, how far each
//! has come, and what is planned. Not here: how they come and go.

use kit::Position;
use serde::{Deserialize, Serialize};

use super::{
    sql::{Param, Tx},
    store::Tables,
};

/// The rows that one owner writes.
#[derive(Debug, Clone)]
pub(crate) struct Generation {
    pub(super) projection: &'static str,
    pub(super) number: i64,
    pub(super) tables: Tables,
    pub(super) epoch: i64,
    /// Everything up to here is in the rows.
    pub(crate) position: Position,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct CheckpointRow {
    pub(super) generation: i64,
    pub(super) position: Position,
    /// The version of the code that folded the rows.
    pub(super) version: u32,
    /// The end of the log when the generation was begun: before it, rows are missing.
    pub(super) complete_at: Position,
}

impl CheckpointRow {
    pub(super) fn is_whole(&self) -> bool {
        self.position >= self.complete_at
    }
}

/// What is to become of the generations. It survives every owner.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    /// The last request that was acted on.
    pub(super) request: Option<String>,
    /// The generation that is being filled to take over.
    pub(super) filling: Option<Filling>,
    /// How the last request, or the last change of the code, ended.
    pub(super) outcome: Option<Outcome>,
}

/// A generation that is being filled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Filling {
    pub(super) generation: i64,
    /// Switch even if the rows differ.
    pub(super) accept: bool,
    /// Why it cannot be filled any further.
    pub(super) failed: Option<String>,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The request; none for a change that the code brought along.
    pub request: Option<String>,
    /// Whether it was carried out.
    pub done: bool,
    /// What was done, or why not.
    pub told: String,
    /// Keys whose rows differ between the generations: the first of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differing: Vec<String>,
}

/// All generations of one projection.
#[derive(Debug, Clone)]
pub(crate) struct Lineage {
    /// The one that queries read.
    pub(super) current: i64,
    pub(super) plan: Plan,
    /// By number.
    pub(super) rows: Vec<CheckpointRow>,
}

impl Lineage {
    pub(super) fn row(&self, generation: i64) -> Option<&CheckpointRow> {
        self.rows.iter().find(|row| row.generation == generation)
    }

    /// The generation that queries read.
    pub(super) fn current_row(&self) -> Option<&CheckpointRow> {
        self.row(self.current)
    }

    /// The generation that is being filled.
    pub(super) fn filling_row(&self) -> Option<&CheckpointRow> {
        self.plan.filling.as_ref().and_then(|filling| self.row(filling.generation))
    }

    /// The newest generation of `version` but the current one.
    pub(super) fn spare(&self, version: u32) -> Option<&CheckpointRow> {
        let spare = |row: &&CheckpointRow| row.version == version && row.generation != self.current;
        self.rows.iter().rev().find(spare)
    }

    pub(super) fn next_number(&self) -> i64 {
        self.rows.last().map_or(1, |row| row.generation + 1)
    }
}

type Columns = (i64, i64, i64, i64, i64, String);

/// What the store has of `projection`, if it has ever run on it.
pub(super) async fn lineage(tx: &mut Tx, projection: &str) -> sqlx::Result<Option<Lineage>> {
    let rows: Vec<Columns> = tx
        .all(
            "SELECT c.generation, c.position, c.version, c.complete_at, p.generation, p.plan
             FROM projections p JOIN checkpoints c ON c.projection = p.projection
             WHERE p.projection = $1 ORDER BY c.generation",
            &[Param::Text(projection)],
        )
        .await?;
    let Some((.., current, plan)) = rows.first() else { return Ok(None) };
    let plan = serde_json::from_str(plan).map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
    let row = |(generation, position, version, complete_at, ..): &Columns| CheckpointRow {
        generation: *generation,
        position: Position(position.cast_unsigned()),
        version: u32::try_from(*version).unwrap_or(u32::MAX),
        complete_at: Position(complete_at.cast_unsigned()),
    };
    Ok(Some(Lineage { current: *current, plan, rows: rows.iter().map(row).collect() }))
}

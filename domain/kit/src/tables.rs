//! Projections into tables: for readers who join, count and compare across keys, which a document
//! for each key cannot answer.
//!
//! An event yields changes of rows, and a query is a `SELECT`. Both are values: tables, columns,
//! indexes, free statements and queries are declared as constants, so that whatever names a table
//! is known before anything runs, and what comes from events or readers is only ever a parameter.
//! Not here: databases, batches, generations.

mod change;
mod query;
mod schema;
mod value;

pub use change::{Change, Statement};
pub use query::{Param, Query, Reading};
pub use schema::{Column, Table, Type, View};
pub use value::{Decimal, Value};

use crate::{EventSet, Recorded};

/// A read model in tables: how an event changes rows, and what may be asked about them.
///
/// Rows follow from the events alone. Nothing here may depend on the time, on chance, or on what
/// other projections have stored: a rebuild must give the same rows.
///
/// ```
/// use kit::{
///     EventSet, Recorded, TableProjection,
///     tables::{Change, Column, Param, Query, Table},
/// };
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
/// # pub struct LampLit { pub room: String, pub lumens: u32 }
/// # kit::events! { /// What happens to a lamp.
/// #     pub enum LampEvent for "lamp" { "lamp-lit" => LampLit: 1 } }
///
/// const LAMPS: Table = Table {
///     name: "lamps",
///     columns: &[Column::text("lamp"), Column::text("room"), Column::int("lumens")],
///     key: &["lamp"],
///     indexes: &[&["room"]],
/// };
///
/// struct Light;
///
/// impl TableProjection for Light {
///     const NAME: &'static str = "light";
///     const VERSION: u32 = 1;
///     const TABLES: &'static [Table] = &[LAMPS];
///     const QUERIES: &'static [Query] = &[Query {
///         name: "by-room",
///         params: &[Param::int("at_least").or_none()],
///         sql: "SELECT room, sum(lumens) AS lumens FROM {lamps}
///               WHERE $1 IS NULL OR lumens >= $1 GROUP BY room",
///         columns: &[Column::text("room"), Column::int("lumens")],
///         order: &["room"],
///     }];
///     type When = LampEvent;
///
///     fn changes(event: &Recorded<LampEvent>) -> serde_json::Result<Vec<Change>> {
///         let LampEvent::LampLit(lit) = &event.event;
///         Ok(vec![LAMPS.put([
///             ("lamp", event.aggregate_id.as_str().into()),
///             ("room", lit.room.as_str().into()),
///             ("lumens", lit.lumens.into()),
///         ])])
///     }
/// }
/// ```
pub trait TableProjection: Send + Sync + 'static {
    /// The projection's name in kebab case. Part of the wire: `query.<name>.…`, and its checkpoint.
    const NAME: &'static str;
    /// Number of the code; raise it when the same events give other rows, or a table changes.
    const VERSION: u32;
    /// The tables. Nothing else writes to them.
    const TABLES: &'static [Table];
    /// What other programs read by name, beside the tables.
    const VIEWS: &'static [View] = &[];
    /// The free statements that events may carry out.
    const STATEMENTS: &'static [Statement] = &[];
    /// What readers may ask.
    const QUERIES: &'static [Query];
    /// The events it reads.
    type When: EventSet;

    /// What `event` changes, in order; nothing, if it is not told of here.
    ///
    /// # Errors
    /// If a value has no JSON form. The event is set aside then, and its key waits.
    fn changes(event: &Recorded<Self::When>) -> serde_json::Result<Vec<Change>>;
}

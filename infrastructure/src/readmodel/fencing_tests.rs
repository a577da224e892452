//! Rows and their checkpoint: one owner at a time, each event once.

use std::time::Duration;

use kit::{Position, Projection, Recorded, Version};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use test_postgres::Postgres;
use tokio::time::timeout;
use uuid::Uuid;

use super::{
    AnyProjection, Touch,
    batch::ApplyError,
    comparison::compare,
    generation::Generation,
    store::Store,
    succession::{Change, TakeOverError},
};
use crate::{
    envelope::{NewEvent, decode, encode},
    handler::Source,
    store::StreamKey,
};

/// Only a comparison that never finds both at one position takes so long.
const LIMIT: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Ticked {}

kit::events! {
    /// What a clock does.
    pub enum ClockEvent for "clock" { "ticked" => Ticked: 1 }
}

struct Ticks;

impl Projection for Ticks {
    const NAME: &'static str = "ticks";
    const VERSION: u32 = 1;
    type When = ClockEvent;
    type Document = u64;

    fn key(event: &Recorded<ClockEvent>) -> Option<String> {
        Some(event.aggregate_id.to_string())
    }

    fn fold(count: &mut u64, _: &Recorded<ClockEvent>) {
        *count += 1;
    }
}

/// The tick that stands at `position`.
fn tick(position: u64) -> Touch {
    let key = StreamKey { aggregate: "clock".into(), id: "tower".parse().unwrap() };
    let event = NewEvent {
        id: Uuid::now_v7(),
        kind: <ClockEvent as kit::Event>::KINDS[0],
        version: Version(position),
        time: kit::scenario::noon(),
        data: b"{}".to_vec(),
    };
    let metadata = kit::Metadata {
        command_id: Uuid::now_v7().into(),
        command_hash: String::new(),
        correlation_id: "c".to_owned(),
        causation_id: None,
        user_id: None,
        session_id: None,
        request_id: None,
        hops: 0,
        traceparent: None,
    };
    let body = encode(&key, [(&event, &metadata)]).unwrap();
    let element = &decode(&body).unwrap()[0];
    let source = Source { aggregate: "clock", element, position: Position(position), index: 0 };
    AnyProjection::touch(&Ticks, &source).unwrap().unwrap()
}

/// A new store; the folder, if it is a file.
async fn sqlite() -> Option<(Store, Option<TempDir>)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/read-models.sqlite");
    Some((Store::open(&path.as_path().into()).await.unwrap(), Some(folder)))
}

/// None where PostgreSQL is not installed.
async fn postgres() -> Option<(Store, Option<TempDir>)> {
    if !test_postgres::is_installed() {
        return None;
    }
    let url = tokio::task::spawn_blocking(|| Postgres::shared().database()).await.unwrap();
    Some((Store::open(&url.parse().unwrap()).await.unwrap(), None))
}

async fn apply(
    store: &Store,
    generation: &mut Generation,
    positions: std::ops::RangeInclusive<u64>,
) -> Result<(), ApplyError> {
    let to = Position(*positions.end());
    let touches: Vec<_> = positions.map(tick).collect();
    store.apply(std::slice::from_mut(generation), &Ticks, (&touches, &[], &[]), to).await
}

/// The only generation, in the hands of `epoch`.
async fn own(store: &Store, epoch: u64, last: Position) -> Result<Generation, TakeOverError> {
    let (holder, lineage) = store.take_over(&Ticks, epoch, last).await?;
    let row = lineage.current_row().unwrap();
    Ok(holder.generation(row.generation, row.position))
}

async fn ticks(store: &Store) -> (u64, Option<String>) {
    let mut snapshot = store.snapshot("ticks").await.unwrap().unwrap();
    let document = snapshot.get("tower").await.unwrap();
    (snapshot.position.0, document.map(|document| document.get().to_owned()))
}

async fn a_former_owner_cannot_write_rows(store: Store) {
    let mut former = own(&store, 5, Position(9)).await.unwrap();
    apply(&store, &mut former, 1..=3).await.unwrap();
    let mut owner = own(&store, 6, Position(9)).await.unwrap();
    assert_eq!(owner.position, Position(3));
    assert!(matches!(apply(&store, &mut former, 4..=6).await, Err(ApplyError::Fenced)));
    assert_eq!(ticks(&store).await, (3, Some("3".to_owned())));
    apply(&store, &mut owner, 4..=5).await.unwrap();
    assert_eq!(ticks(&store).await, (5, Some("5".to_owned())));
    let late = own(&store, 5, Position(9)).await;
    assert!(matches!(late, Err(TakeOverError::Fenced)));
}

async fn the_same_batch_is_not_applied_twice(store: Store) {
    let mut owner = own(&store, 5, Position(9)).await.unwrap();
    let mut unaware = owner.clone();
    apply(&store, &mut owner, 1..=3).await.unwrap();
    assert!(matches!(apply(&store, &mut unaware, 1..=3).await, Err(ApplyError::Fenced)));
    assert_eq!(ticks(&store).await, (3, Some("3".to_owned())));
}

async fn a_checkpoint_past_the_end_of_the_log_is_refused(store: Store) {
    let mut owner = own(&store, 5, Position(9)).await.unwrap();
    apply(&store, &mut owner, 1..=3).await.unwrap();
    let shorter = own(&store, 6, Position(2)).await;
    assert!(matches!(shorter, Err(TakeOverError::Behind(_))), "{shorter:?}");
}

async fn a_former_owner_changes_no_generation(store: Store) {
    let (former, lineage) = store.take_over(&Ticks, 5, Position(9)).await.unwrap();
    store.take_over(&Ticks, 6, Position(9)).await.unwrap();
    for change in [
        Change::Nothing,
        Change::Begin { number: 2, complete_at: Position(9) },
        Change::Switch(2),
        Change::Drop(1),
    ] {
        let changed = former.change(change, &lineage.plan).await;
        assert!(matches!(changed, Err(TakeOverError::Fenced)), "{change:?}: {changed:?}");
    }
    let now = former.lineage().await.unwrap();
    assert_eq!((now.current, now.rows.len()), (1, 1));
}

async fn a_batch_is_applied_to_each_generation_that_lacks_it(store: Store) {
    let (holder, lineage) = store.take_over(&Ticks, 5, Position(9)).await.unwrap();
    let mut first = holder.generation(1, Position::ZERO);
    apply(&store, &mut first, 1..=3).await.unwrap();
    let begin = Change::Begin { number: 2, complete_at: Position(3) };
    holder.change(begin, &lineage.plan).await.unwrap();
    let mut both = [first, holder.generation(2, Position::ZERO)];
    let touches: Vec<_> = (1..=5).map(tick).collect();
    store.apply(&mut both, &Ticks, (&touches, &[], &[]), Position(5)).await.unwrap();
    let found = timeout(LIMIT, compare(&store, ("ticks", None), (1, 2))).await.unwrap().unwrap();
    assert!(found.is_equal() && found.position == Position(5), "{found:?}");
    assert_eq!(ticks(&store).await, (5, Some("5".to_owned())));
    holder.change(Change::Switch(2), &lineage.plan).await.unwrap();
    assert_eq!(ticks(&store).await, (5, Some("5".to_owned())));
}

/// The same promises, whatever the database.
mod on {
    macro_rules! on {
        ($database:ident: $($promise:ident),*) => {
            mod $database {
                $(
                    #[tokio::test]
                    async fn $promise() {
                        let Some((store, _folder)) = super::super::$database().await else {
                            return;
                        };
                        super::super::$promise(store).await;
                    }
                )*
            }
        };
    }
    macro_rules! promises {
        ($($promise:ident),* $(,)?) => {
            on!(sqlite: $($promise),*);
            on!(postgres: $($promise),*);
        };
    }
    promises! {
        a_former_owner_cannot_write_rows,
        the_same_batch_is_not_applied_twice,
        a_checkpoint_past_the_end_of_the_log_is_refused,
        a_former_owner_changes_no_generation,
        a_batch_is_applied_to_each_generation_that_lacks_it,
    }
}

//! Proof from the log that rows have every event once and hold what their fold gives.
//!
//! The log is read by a tool, once: what each stretch of it should add up to is counted from the
//! stored commits themselves, and the same events are folded into a scratch file. Then one snapshot
//! of the live store is taken at one position, and sums and rows are compared with it. The live
//! rows are only ever read. Not here: mending; a rebuild does that.

mod audit;
mod findings;
mod gaps;
mod held;
mod view;

use std::{path::PathBuf, time::Instant};

use kit::Position;
use serde::Serialize;

use self::{audit::Audit, held::while_held, view::View};
use super::{
    StoreLocation,
    comparison::{Found, Place, Sources, differences},
};
use crate::{composition::Composition, problem::Problem};

pub use findings::{Gap, Unfolded, Verdict};

/// A snapshot is held while so many positions, or fewer, are still folded.
const NEAR: u64 = 2_000;

/// What is to be verified.
#[derive(Debug, Clone)]
pub struct Verification {
    /// The projection.
    pub projection: String,
    /// Which generation of its rows; the one that queries read, if none is named.
    pub generation: Option<i64>,
    /// Where the rows are.
    pub store: StoreLocation,
    /// A file that does not exist yet, for the rows that they are compared with.
    pub scratch: PathBuf,
}

/// How far a verification is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Verifying {
    /// Everything up to here is read.
    pub position: Position,
    /// Where the rows stood when that was looked at last.
    pub target: Position,
    /// Positions a second.
    pub rate: u64,
    /// Seconds until it arrives there, if that can be told.
    pub seconds_left: Option<u64>,
}

impl Verifying {
    fn since(begun: Instant, position: Position, target: Position) -> Self {
        let seconds = begun.elapsed().as_secs_f64().max(0.001);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a rate for people"
        )]
        let rate = (position.0 as f64 / seconds) as u64;
        let seconds_left = target.0.saturating_sub(position.0).checked_div(rate);
        Self { position, target, rate, seconds_left }
    }
}

/// Verifies what `asked` names, and says how far it is by `told`. Dropping it ends it.
///
/// # Errors
/// `not-found` if there is no such projection or generation, `conflict` if other code folded its
/// rows, `store-elsewhere` if they are not the log's, `unavailable` if a part does not answer.
pub async fn verify(
    client: &async_nats::Client,
    composition: &Composition,
    asked: &Verification,
    told: impl Fn(Verifying) + Send + Sync,
) -> Result<Verdict, Problem> {
    // Its steps hold much, which a caller's future need not.
    Box::pin(verdict(client, composition, asked, &told)).await
}

async fn verdict(
    client: &async_nats::Client,
    composition: &Composition,
    asked: &Verification,
    told: &(impl Fn(Verifying) + Send + Sync),
) -> Result<Verdict, Problem> {
    let mut audit = Audit::open(client, composition, asked).await?;
    let (mut view, mut apart) = (audit.look().await?, u64::MAX);
    // As long as that brings it closer by half, the log is read without holding a snapshot.
    let mut view = loop {
        let now = view.position.0.saturating_sub(audit.position().0);
        if now <= NEAR || now > apart / 2 {
            break view;
        }
        let debts = view.debts().await?;
        let to = view.position;
        drop(view);
        audit.read(to, debts, told).await?;
        apart = now;
        view = audit.look().await?;
        if view.position < to {
            let detail = "the generation was dropped and begun again meanwhile";
            return Err(Problem::conflict(detail));
        }
    };
    let debts = view.debts().await?;
    let waiting = debts.len() as u64;
    let to = view.position;
    while_held(&mut view.tx, audit.read(to, debts, told)).await?;
    let gaps = gaps::compare(&mut view, audit.expected()).await?;
    let rows = compared(&mut view, &audit).await?;
    let View { generation, position, counted_after, .. } = view;
    let mut named = Vec::with_capacity(gaps.first.len());
    for gap in &gaps.first {
        named.push(Gap::new(gap, audit.place(gap).await?, position));
    }
    let (unfolded, unfolded_in_all) = audit.unfolded();
    Ok(Verdict {
        verified: asked.projection.clone(),
        generation,
        position,
        counted_from: findings::counted_from(counted_after),
        events: gaps.events,
        rows: rows.rows(),
        waiting,
        gaps: named,
        gaps_in_all: gaps.all,
        differing: rows.differing,
        differing_in_all: rows.all,
        unfolded,
        unfolded_in_all,
    })
}

/// The rows of the view beside those of the scratch file.
async fn compared(view: &mut View, audit: &Audit) -> Result<Found, Problem> {
    let (scratch, words) = (audit.scratch(), view.words);
    let away = |error: sqlx::Error| Problem::unavailable(format!("rows cannot be read: {error}"));
    let folded = &scratch.store().database;
    let mut tx = folded.read().await.map_err(away)?;
    let places = (
        &Place::new(view.projection, view.generation, words),
        &Place::new(view.projection, scratch.generation().number, folded.words()),
    );
    let sources = Sources::Two(&mut view.tx, &mut tx);
    differences(scratch.declared(), places, sources).await.map_err(away)
}

//! How a turn ends in another state of the generations: what is written, and what is told.

use super::{Conductor, Turn, cast::Cast};
use crate::readmodel::{
    comparison::Comparison,
    decision::decide,
    generation::{Lineage, Outcome, Plan},
    requests::GenerationRequest,
    succession::{Change, TakeOverError},
};

impl Conductor {
    pub(super) async fn failed(
        &self,
        lineage: &Lineage,
        reason: String,
    ) -> Result<Turn, TakeOverError> {
        let name = self.info.name;
        tracing::error!(handler = name, "the generation that is filled has stopped: {reason}");
        let mut plan = lineage.plan.clone();
        if let Some(filling) = &mut plan.filling {
            filling.failed = Some(reason.clone());
        }
        plan.outcome = Some(Outcome::new(plan.request.as_deref(), false, reason));
        self.holder.change(Change::Nothing, &plan).await.map(|_| Turn::Again)
    }

    pub(super) async fn compared(
        &self,
        lineage: &Lineage,
        found: &Comparison,
    ) -> Result<Turn, TakeOverError> {
        let Some(filling) = &lineage.plan.filling else { return Ok(Turn::Again) };
        let (from, to) = (lineage.current, filling.generation);
        let Comparison { position, rows, digests, differing } = found;
        let (change, outcome) = if found.is_equal() || filling.accept {
            let told = format!(
                "generation {to} answers now, with {} rows at {position} (digest {}), generation \
                 {from} had {} ({})",
                rows.1, digests.1, rows.0, digests.0
            );
            (Change::Switch(to), Outcome::new(lineage.plan.request.as_deref(), true, told))
        } else {
            let told = format!(
                "generation {to} has {} rows at {position} (digest {}), generation {from} {} ({}), \
                 and goes on answering; `--accept` lets generation {to} take over",
                rows.1, digests.1, rows.0, digests.0
            );
            (Change::Nothing, Outcome::new(lineage.plan.request.as_deref(), false, told))
        };
        let outcome = Outcome { differing: differing.clone(), ..outcome };
        self.conclude(change, lineage, outcome).await
    }

    /// The current generation has stopped, and the one that is filled has passed it.
    pub(super) async fn passed(&self, lineage: &Lineage, why: &str) -> Result<Turn, TakeOverError> {
        let Some(filling) = &lineage.plan.filling else { return Ok(Turn::Again) };
        let (from, to) = (lineage.current, filling.generation);
        if !filling.accept {
            let reason = format!(
                "generation {from} has halted, so that generation {to} cannot be compared with \
                 it; `--accept` lets it take over ({why})"
            );
            return self.failed(lineage, reason).await;
        }
        let told = format!("generation {to} answers now; generation {from} has halted: {why}");
        let outcome = Outcome::new(lineage.plan.request.as_deref(), true, told);
        self.conclude(Change::Switch(to), lineage, outcome).await
    }

    /// Newer code has caught up with where the log was when it came.
    pub(super) async fn succeeded(
        &self,
        lineage: &Lineage,
        number: i64,
    ) -> Result<Turn, TakeOverError> {
        let told = format!(
            "generation {number}, folded by version {} of the code, answers now; generation {} is \
             kept for the older program",
            self.holder.version, lineage.current
        );
        let outcome = Outcome::new(lineage.plan.request.as_deref(), true, told);
        self.conclude(Change::Succeed(number), lineage, outcome).await
    }

    pub(super) async fn requested(
        &self,
        lineage: &Lineage,
        cast: &Cast,
        request: GenerationRequest,
    ) -> Result<Turn, TakeOverError> {
        let last = self.log.last().await;
        let last = last.map_err(|error| TakeOverError::Unfit(error.to_string()))?;
        let fed = cast.fed_numbers();
        let (change, plan) = decide(lineage, &fed, self.holder.version, last, &request);
        let GenerationRequest { by, action, .. } = &request;
        tracing::info!(handler = self.info.name, by, ?action, ?change, "a request");
        self.holder.change(change, &plan).await.map(|_| Turn::Again)
    }

    pub(super) async fn conclude(
        &self,
        change: Change,
        lineage: &Lineage,
        outcome: Outcome,
    ) -> Result<Turn, TakeOverError> {
        tracing::info!(handler = self.info.name, done = outcome.done, "{}", outcome.told);
        let plan =
            Plan { filling: None, outcome: Some(outcome), request: lineage.plan.request.clone() };
        self.holder.change(change, &plan).await.map(|_| Turn::Again)
    }
}

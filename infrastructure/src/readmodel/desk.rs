//! Where an owner reads what tools ask for and writes how far it is. Requests are acted on once:
//! the store remembers the last one. Not here: what is decided.

use std::time::Instant;

use super::{
    generation::Lineage,
    requests::{
        FillingInfo, FillingPhase, GenerationInfo, GenerationReport, GenerationRequest,
        GenerationRole,
    },
};
use crate::handler::{Cell, Duty, Gauge};

/// The two keys of one projection.
pub(crate) struct Desk {
    requests: Cell<GenerationRequest>,
    reports: Cell<GenerationReport>,
    version: u32,
    fed: Vec<i64>,
    told: Option<GenerationReport>,
    /// When the generation that is filled was first seen in this turn, and where it was.
    since: Option<(Instant, u64)>,
}

impl Desk {
    pub(crate) const fn new(
        requests: Cell<GenerationRequest>,
        reports: Cell<GenerationReport>,
        version: u32,
    ) -> Self {
        Self { requests, reports, version, fed: Vec::new(), told: None, since: None }
    }

    /// A new turn, in which `fed` are fed as one.
    pub(super) fn turn(&mut self, lineage: &Lineage, fed: &[i64]) {
        self.fed = fed.to_vec();
        let row = lineage.filling_row();
        self.since = row.map(|row| (Instant::now(), row.position.0));
    }

    /// A request that was not acted on yet.
    pub(super) async fn asked(&self, lineage: &Lineage) -> Option<GenerationRequest> {
        match self.requests.read().await {
            Ok((found, _)) => {
                found.filter(|found| Some(&found.id) != lineage.plan.request.as_ref())
            }
            Err(error) => {
                tracing::debug!(%error, "requests cannot be read");
                None
            }
        }
    }

    /// Writes what there is, unless that is what was written last. Only for people, and written
    /// again soon: what fails is tried at the next turn.
    pub(super) async fn tell(&mut self, lineage: &Lineage, duty: &Duty, beside: &Gauge) {
        let report = self.report(lineage, duty, beside);
        if self.told.as_ref() == Some(&report) {
            return;
        }
        let written = match self.reports.read().await {
            Ok((Some(found), _)) if found.epoch > report.epoch => return,
            Ok((_, revision)) => self.reports.write(&report, revision).await,
            Err(error) => Err(error),
        };
        match written {
            Ok(_) => self.told = Some(report),
            Err(error) => tracing::debug!(%error, "the generations were not told"),
        }
    }

    fn report(&self, lineage: &Lineage, duty: &Duty, beside: &Gauge) -> GenerationReport {
        let filling = lineage.filling_row().map(|row| row.generation);
        let at = duty.gauge.now().position;
        let position_of = |number: i64, stored: u64| match self.fed.contains(&number) {
            true => at,
            false if Some(number) == filling => beside.now().position.max(stored),
            false => stored,
        };
        let role_of = |number| {
            if number == lineage.current {
                GenerationRole::Current
            } else if Some(number) == filling {
                GenerationRole::Filling
            } else if self.fed.contains(&number) {
                GenerationRole::Standby
            } else {
                GenerationRole::Left
            }
        };
        let generations = lineage.rows.iter().map(|row| GenerationInfo {
            generation: row.generation,
            version: row.version,
            position: position_of(row.generation, row.position.0),
            role: role_of(row.generation),
        });
        GenerationReport {
            projection: duty.name.to_owned(),
            epoch: duty.epoch,
            version: self.version,
            generations: generations.collect(),
            filling: self.filling(lineage, position_of, at),
            outcome: lineage.plan.outcome.clone(),
        }
    }

    fn filling(
        &self,
        lineage: &Lineage,
        position_of: impl Fn(i64, u64) -> u64,
        at: u64,
    ) -> Option<FillingInfo> {
        let (row, plan) = (lineage.filling_row()?, lineage.plan.filling.as_ref()?);
        let position = position_of(row.generation, row.position.0);
        let target = row.complete_at.0.max(at);
        let together = self.fed.contains(&row.generation) && self.fed.contains(&lineage.current);
        let phase = match &plan.failed {
            Some(reason) => FillingPhase::Failed { reason: reason.clone() },
            None if together => FillingPhase::Comparing,
            None => FillingPhase::Filling,
        };
        let (since, from) = self.since?;
        let seconds = since.elapsed().as_secs_f64().max(0.001);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a rate for people"
        )]
        let rate = (position.saturating_sub(from) as f64 / seconds) as u64;
        let left = target.saturating_sub(position);
        let seconds_left = left.checked_div(rate);
        Some(FillingInfo {
            generation: row.generation,
            phase,
            position,
            target,
            rate,
            seconds_left,
        })
    }
}

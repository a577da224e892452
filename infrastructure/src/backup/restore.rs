//! Putting a backup back on a server that holds nothing.
//!
//! A word on the server says that it is under way, and no instance starts before that is taken back; so
//! the order in which streams come back does not matter, and a restore that died is run again. Commits
//! are published as they were, with the expectations that they carried, and each must come to stand where
//! it stood. Not here: read models, which are folded from what is put back.

use std::collections::VecDeque;

use nats::{buckets::stream_of, headers, names};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::{
    adjust::adjusted,
    capture,
    cut::Cut,
    line::Kept,
    marker::Held,
    plan::Plan,
    publish::Publisher,
    seen::{Progress, Seen},
    whole::{Backup, streams},
};
use crate::{
    composition::Composition,
    handler::Item,
    problem::Problem,
    provision::{ProvisionOptions, provision},
    replay::Bound,
};

/// What is to be put back.
#[derive(Debug)]
pub struct Restore<'a> {
    /// The server.
    pub client: &'a async_nats::Client,
    /// The backup.
    pub backup: &'a Backup,
    /// What the service is made of.
    pub composition: &'a Composition,
    /// The last commit; all of them if there is none.
    pub until: Option<Bound>,
    /// Copies that the server is to keep.
    pub replicas: usize,
}

/// What a restore has done.
#[derive(Debug, Clone, Serialize)]
pub struct Restored {
    /// The plan.
    #[serde(flatten)]
    pub plan: Plan,
    /// Commits that were compared with the backup once they were there.
    pub compared: u64,
    /// Messages in all other streams.
    pub others: u64,
}

impl Restore<'_> {
    /// Puts everything back, and compares the log with the backup.
    ///
    /// # Errors
    /// What stands in the way. Run it again: it goes on where it was.
    pub async fn run(
        &self,
        plan: Plan,
        (seen, stop): (Seen<'_>, &CancellationToken),
    ) -> Result<Restored, Problem> {
        let options = ProvisionOptions { replicas: self.replicas, monitoring: None };
        let provisioned = provision(self.client, &options).await;
        provisioned.map_err(|error| Problem::conflict(error.to_string()))?;
        let held = Held::take(self.client, (plan.backup, plan.position)).await?;
        let mut others = 0;
        for name in streams().iter().filter(|name| *name != names::EVENTS) {
            // There were backups before there were keys.
            if *name != stream_of(names::KEYS) || self.backup.has(name) {
                others += self.rest(name, plan.cut.as_ref(), &held, (seen, stop)).await?;
            }
        }
        held.check().await?;
        self.epochs().await?;
        self.events(&plan, &held, (seen, stop)).await?;
        let compared = self.compare(&plan, (seen, stop)).await?;
        held.end().await?;
        Ok(Restored { plan, compared, others })
    }

    /// One stream beside the log, anew.
    async fn rest(
        &self,
        name: &str,
        cut: Option<&Cut>,
        held: &Held,
        (seen, stop): (Seen<'_>, &CancellationToken),
    ) -> Result<u64, Problem> {
        let stream = capture::open(self.client, name).await?;
        let volume = self.backup.volume(name)?;
        // Looked at before the word: whatever another run writes after that stands behind it.
        let end = capture::end(&stream).await?.0;
        held.check().await?;
        if name != stream_of(names::HANDLERS) {
            // What an earlier run left; the word that it ran stands among the handlers.
            let purged = stream.purge().sequence(end.saturating_add(1)).await;
            purged.map_err(|error| Problem::unavailable(error.to_string()))?;
        }
        let (mut publisher, mut sent) = (Publisher::new(self.client, false), 0);
        let (mut hands, of) = (volume.read_ahead(0), volume.records());
        let mut last = is_ours_alone(name).then_some(end);
        while let Some(hand) = hands.recv().await {
            held.check().await?;
            for kept in hand? {
                if let Some(mut kept) = adjusted(name, kept, cut) {
                    if let Some(last) = &mut last {
                        let expected = headers::EXPECTED_LAST_SEQUENCE.to_owned();
                        kept.headers.insert(expected, vec![last.to_string()]);
                        *last += 1;
                    }
                    publisher.send(kept).await?;
                    sent += 1;
                }
            }
            goes_on(stop)?;
            seen(Progress { doing: "restoring", stream: name, at: sent, of });
        }
        publisher.finish().await?;
        Ok(sent)
    }

    /// Lets epochs go on behind those that stand in checkpoints and dead letters: a new owner must not
    /// look like a former one.
    async fn epochs(&self) -> Result<(), Problem> {
        let leases = capture::open(self.client, &stream_of(names::LEASES)).await?;
        let first = self.backup.epochs().saturating_add(1);
        let purged = leases.purge().sequence(first).await;
        purged.map_err(|error| Problem::unavailable(error.to_string()))?;
        let last = capture::end(&leases).await?;
        if last.0 < self.backup.epochs() {
            return Err(Problem::internal("the server does not let epochs go on"));
        }
        Ok(())
    }

    async fn events(
        &self,
        plan: &Plan,
        held: &Held,
        (seen, stop): (Seen<'_>, &CancellationToken),
    ) -> Result<(), Problem> {
        let stream = capture::open(self.client, names::EVENTS).await?;
        let there = capture::end(&stream).await?.0;
        if there > plan.position {
            return Err(Problem::conflict("the log has grown meanwhile; take an empty server"));
        }
        let mut publisher = Publisher::new(self.client, true);
        let mut hands = self.backup.volume(names::EVENTS)?.read_ahead(there);
        'all: while let Some(hand) = hands.recv().await {
            held.check().await?;
            for kept in hand? {
                let at = kept.sequence;
                if at > plan.position {
                    break 'all;
                }
                publisher.send(kept).await?;
                seen(Progress { doing: "restoring", stream: names::EVENTS, at, of: plan.position });
            }
            goes_on(stop)?;
        }
        publisher.finish().await
    }

    /// Reads the log back and compares it with the backup.
    async fn compare(
        &self,
        plan: &Plan,
        (seen, stop): (Seen<'_>, &CancellationToken),
    ) -> Result<u64, Problem> {
        let stream = capture::open(self.client, names::EVENTS).await?;
        let mut hands = self.backup.volume(names::EVENTS)?.read_ahead(0);
        let mut wanted = VecDeque::new();
        let mut feed = capture::feed(self.client, &stream, 0, "compare");
        for at in 1..=plan.position {
            if wanted.is_empty() {
                goes_on(stop)?;
                let hand = hands.recv().await;
                wanted.extend(hand.ok_or_else(|| Problem::internal("the backup has ended"))??);
                seen(Progress { doing: "comparing", stream: names::EVENTS, at, of: plan.position });
            }
            let differs = || {
                let detail = format!("what stands at {at} is not what the backup has there");
                Problem::conflict(detail)
            };
            let item = capture::next(&mut feed, stop).await?;
            let Some(item) = item else { return Err(capture::stopped()) };
            let Item::Commit(delivery) = item else { return Err(differs()) };
            let wanted: Kept = wanted.pop_front().ok_or_else(differs)?;
            if !capture::of_delivery(delivery).is_same(&wanted) {
                return Err(differs());
            }
        }
        Ok(plan.position)
    }
}

/// Whether nobody else can write to the stream while it is put back. Timers fire, and commands come from
/// outside; both may come twice without harm.
fn is_ours_alone(stream: &str) -> bool {
    stream != names::TIMERS && stream != names::COMMANDS
}

fn goes_on(stop: &CancellationToken) -> Result<(), Problem> {
    if stop.is_cancelled() { Err(capture::stopped()) } else { Ok(()) }
}

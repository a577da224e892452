//! What becomes of handlers when the log is cut: how far back each has to go so that nothing that it
//! brought about and that was cut off is missing. Pure, from the files.
//!
//! A policy that had handled an event before the cut may have ordered what stands behind it. That order
//! is gone, so the event is handled again: the order's id is the same, and whatever was ordered before
//! the cut is found in the history. A policy that sets timers begins anew, for only its events know them.
//! Effects go back no further than the cut: what they did outside was done.
//! Not here: the records of other streams.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};
use kit::{CommandId, EventId, Position, Reaction};
use nats::{Subject, buckets::stream_of, headers, names};
use serde::Serialize;

use super::{capture::blocking, line::Kept, volume::Volume, whole::Backup};
use crate::{
    composition::{Composition, HandlerPart},
    durable::{Outcome, OutcomeStatus},
    envelope,
    handler::{AnyPolicy, ORDERS_MAX, Registration, Source},
    problem::Problem,
    replay::Bound,
};

/// Clocks of instances differ by less than this.
const SKEW: TimeDelta = TimeDelta::minutes(1);
/// Orders of one reaction that are looked for, and of each answer to a refusal, and such answers. An
/// order beyond them is anybody's, and then all policies go back to it.
const ORDERS: usize = 64;
const ANSWERS: usize = 16;

/// Where a log is cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cut {
    /// The last commit that stays.
    pub at: u64,
    /// The time that was asked for, or else the last before the next commit was stored.
    pub time: DateTime<Utc>,
    /// The policies that go back behind it.
    pub rewound: Vec<Rewound>,
}

/// A policy that goes through events again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rewound {
    /// The policy.
    pub handler: String,
    /// The last commit that it has handled.
    pub to: u64,
    /// Whether that is because it sets timers.
    pub timers: bool,
}

impl Cut {
    /// How far the handler may have come.
    pub(super) fn limit(&self, handler: &str) -> u64 {
        let found = self.rewound.iter().find(|it| it.handler == handler);
        found.map_or(self.at, |it| it.to.min(self.at))
    }

    /// Works out what a cut behind `at` means.
    pub(super) async fn plan(
        backup: &Backup,
        composition: &Composition,
        (at, asked): (u64, Option<DateTime<Utc>>),
    ) -> Result<Self, Problem> {
        let events = backup.volume(names::EVENTS)?;
        let registered = backup.volume(&stream_of(names::HANDLERS))?;
        let outcomes = backup.volume(&stream_of(names::RESULTS))?;
        let parts = composition.parts().cloned().collect::<Vec<_>>();
        blocking(move || {
            let mut survey = Survey::new(&parts, at, asked.unwrap_or_default());
            let mut reader = events.read(0);
            while let Some(kept) = reader.take()? {
                if asked.is_none() && kept.sequence == at + 1 {
                    let time = events.time_of(&kept).unwrap_or(kept.time);
                    survey.time = time - TimeDelta::nanoseconds(1);
                }
                survey.commit(&kept);
            }
            let mut reader = outcomes.read(0);
            while let Some(kept) = reader.take()? {
                survey.outcome(&kept);
            }
            survey.end(&events, &registered)
        })
        .await
    }
}

/// What is known of the policies on the way through the files.
struct Survey<'a> {
    at: u64,
    time: DateTime<Utc>,
    parts: &'a [HandlerPart],
    /// Those that set timers.
    timers: BTreeSet<&'static str>,
    /// The first event of which something was cut off that the policy had brought about: by its id's
    /// time, or by its position.
    since: BTreeMap<&'static str, DateTime<Utc>>,
    first: BTreeMap<&'static str, u64>,
}

impl<'a> Survey<'a> {
    fn new(parts: &'a [HandlerPart], at: u64, time: DateTime<Utc>) -> Self {
        let (timers, since, first) = (BTreeSet::new(), BTreeMap::new(), BTreeMap::new());
        Self { at, time, parts, timers, since, first }
    }

    fn policies(&self) -> impl Iterator<Item = &'a Arc<dyn AnyPolicy>> + use<'a> {
        self.parts.iter().filter_map(|part| match part {
            HandlerPart::Policy(policy) => Some(policy),
            _ => None,
        })
    }

    /// Looks at a commit, before the cut and behind it.
    fn commit(&mut self, kept: &Kept) {
        let Some(Subject::Event { aggregate, .. }) = Subject::parse(&kept.subject) else { return };
        // Whoever handles it finds out that it cannot be read.
        let Ok(elements) = envelope::decode(&kept.body) else { return };
        for (index, element) in elements.iter().enumerate() {
            let position = Position(kept.sequence);
            let source = Source { aggregate: &aggregate, element, position, index };
            for policy in self.policies() {
                let name = policy.name();
                if !self.timers.contains(name)
                    && policy.aggregates().contains(&aggregate.as_str())
                    && policy.reactions(&source).is_ok_and(|all| all.iter().any(is_of_timer))
                {
                    self.timers.insert(name);
                }
            }
            let cause = element.metadata.causation_id.as_ref();
            let cause = cause.and_then(|id| id.parse::<EventId>().ok());
            if kept.sequence > self.at
                && let Some(cause) = cause
            {
                for policy in self.authors(&element.metadata.command_id, cause) {
                    let time = made_at(cause);
                    let first = self.since.entry(policy).or_insert(time);
                    *first = (*first).min(time);
                }
            }
        }
    }

    /// Looks at what became of an order: one that was refused behind the cut is decided anew.
    fn outcome(&mut self, kept: &Kept) {
        let Ok(outcome) = serde_json::from_slice::<Outcome>(&kept.body) else { return };
        if outcome.status != OutcomeStatus::Refused || outcome.time.is_none_or(|it| it <= self.time)
        {
            return;
        }
        let given =
            |name: &str| outcome.original.as_ref()?.headers.get(name)?.first().map(String::as_str);
        let cause = given(headers::CAUSATION_ID).and_then(|id| id.parse::<EventId>().ok());
        let position = given(headers::CAUSATION_POSITION).and_then(|it| it.parse::<u64>().ok());
        if let (Some(cause), Some(position)) = (cause, position)
            && position <= self.at
        {
            for policy in self.authors(&outcome.command_id, cause) {
                let first = self.first.entry(policy).or_insert(position);
                *first = (*first).min(position);
            }
        }
    }

    /// The policies that may have sent `command` because of `cause`.
    fn authors(&self, command: &CommandId, cause: EventId) -> Vec<&'static str> {
        if !command.is_derived() {
            return Vec::new();
        }
        let answers = (1..=ANSWERS)
            .flat_map(|answer| (0..ORDERS).map(move |order| answer * ORDERS_MAX + order));
        for ordinal in (0..ORDERS).chain(answers) {
            for part in self.parts {
                let name = part.info().name;
                if CommandId::derived(name, cause, ordinal) == *command {
                    let is_policy = matches!(part, HandlerPart::Policy(_));
                    return if is_policy { vec![name] } else { Vec::new() };
                }
            }
        }
        self.policies().map(|policy| policy.name()).collect()
    }

    fn end(self, events: &Volume, registered: &Volume) -> Result<Cut, Problem> {
        let mut begun: BTreeMap<String, u64> = BTreeMap::new();
        let mut reader = registered.read(0);
        while let Some(kept) = reader.take()? {
            if let Ok(it) = serde_json::from_slice::<Registration>(&kept.body) {
                begun.insert(it.name, it.since.0);
            }
        }
        let mut rewound = Vec::new();
        for policy in self.policies() {
            let name = policy.name();
            let mut to = self.at;
            if let Some(since) = self.since.get(name) {
                let first = events.first_since(Bound::Time(*since - SKEW))?;
                to = to.min(first.saturating_sub(1));
            }
            if let Some(first) = self.first.get(name) {
                to = to.min(first.saturating_sub(1));
            }
            let timers = self.timers.contains(name);
            if timers {
                to = to.min(begun.get(name).copied().unwrap_or(0));
            }
            if to < self.at {
                rewound.push(Rewound { handler: name.to_owned(), to, timers });
            }
        }
        Ok(Cut { at: self.at, time: self.time, rewound })
    }
}

fn is_of_timer(reaction: &Reaction) -> bool {
    matches!(reaction, Reaction::Set(_) | Reaction::Cancel(_))
}

/// When an event was decided, by its id.
fn made_at(event: EventId) -> DateTime<Utc> {
    let time = event.get_timestamp().map(|time| time.to_unix());
    let time = time
        .and_then(|(seconds, nanos)| DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos));
    time.unwrap_or(DateTime::UNIX_EPOCH)
}

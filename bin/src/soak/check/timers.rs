//! Commands for later: the last plan of each timer whose time had come was carried out, refused, or
//! changed nothing, and not before its time; and no plan was that another had replaced long before.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use infrastructure::{
    deadletter::Cursor,
    replay::{Planned, PlannedOrder},
};

use super::{super::evidence::Due, Evidence, Violation, history::History};

/// What came due so shortly before the end may be on its way.
const GRACE: TimeDelta = TimeDelta::seconds(1);

/// No fault keeps a policy from its events for so long: what it replaced is replaced then.
const REPLACED: TimeDelta = TimeDelta::seconds(60);

/// When, and what, unless it was cancelled.
type Plan<'a> = Option<(DateTime<Utc>, &'a PlannedOrder)>;

/// The number of timers whose time had come.
pub(super) fn check(evidence: &Evidence, history: &History<'_>) -> Result<usize, Violation> {
    let mut plans: HashMap<(&str, &str), (&Due, Plan<'_>)> = HashMap::new();
    for due in &evidence.due {
        let (timer, plan) = match &due.planned {
            Planned::Send(_) => continue,
            Planned::Set { timer, at, order } => (timer, Some((*at, order))),
            Planned::Cancel { timer } => (timer, None),
        };
        if let Some((before, Some((at, order)))) = plans.insert((&due.key, timer), (due, plan))
            && history.of_command(order.command_id.as_str()).is_some()
            && history.of_id(due.event).is_some_and(|event| event.stored + REPLACED < at)
        {
            let what = format!("{} came, which {} had replaced", order.command, due.position);
            return Err(wrong(before, what));
        }
    }
    let mut count = 0;
    for (due, plan) in plans.into_values() {
        let Some((at, order)) = plan.filter(|(at, _)| *at + GRACE < evidence.time) else {
            continue;
        };
        count += 1;
        let wrong = |what| wrong(due, what);
        let refused = evidence.results.get(order.command_id.as_str()) == Some(&true);
        match history.of_command(order.command_id.as_str()) {
            Some(event) if event.element.time < at => {
                return Err(wrong(format!("{} came before its time, {at}", order.command)));
            }
            None if !refused => {
                return Err(wrong(format!("{} was due at {at} and never came", order.command)));
            }
            _ => {}
        }
    }
    Ok(count)
}

fn wrong(due: &Due, what: String) -> Violation {
    let place = Cursor { position: due.position, index: 0 };
    let violation = Violation::new("timers-once", what).of(due.handler);
    violation.about(due.key.clone()).at(place)
}

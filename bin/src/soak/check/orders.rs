//! What policies had to order, against the log: each order was carried out once, refused, or
//! changed nothing when it came; those that follow from one aggregate stand in the order of its
//! events; and nothing was ordered that follows from nothing.

use std::collections::{HashMap, HashSet};

use chrono::Utc;
use infrastructure::{
    deadletter::Cursor,
    handler::ORDERS_MAX,
    replay::{Planned, PlannedOrder},
};
use kit::{Actor, CommandId, Context, Secret};

use super::{
    super::evidence::Due,
    Evidence, Violation,
    history::{Event, History},
};
use crate::contexts;

/// Orders that one policy gives about one event, and answers to a refused one of them.
const FEW: usize = 4;

/// The number of orders.
pub(super) fn check(
    evidence: &Evidence,
    history: &History<'_>,
    secret: &Secret,
) -> Result<usize, Violation> {
    let mut count = 0;
    let mut last: HashMap<(&str, &str, &str), (u64, Cursor)> = HashMap::new();
    for due in &evidence.due {
        let Planned::Send(order) = &due.planned else { continue };
        count += 1;
        let Some(event) = history.of_command(order.command_id.as_str()) else {
            settled(evidence, history, due, order, secret)?;
            continue;
        };
        // Several orders of one key to one aggregate stand in the order of their events; the log is
        // one, so this holds over all targets, too.
        let place = last.entry((due.handler, &due.key, "")).or_insert((0, event.at));
        if event.at.position.0 < place.0 {
            let what = format!("{} overtook what follows from an earlier event", order.command);
            return Err(wrong("order-per-key", due, what).at(event.at));
        }
        *place = (event.at.position.0, event.at);
    }
    nothing_else(evidence, history)?;
    Ok(count)
}

fn wrong(promise: &'static str, due: &Due, what: String) -> Violation {
    let at = Cursor { position: due.position, index: 0 };
    Violation::new(promise, what).of(due.handler).about(due.key.clone()).at(at)
}

/// Whether an order that is not in the log was refused, or changed nothing at some time after the
/// event that it follows from.
fn settled(
    evidence: &Evidence,
    history: &History<'_>,
    due: &Due,
    order: &PlannedOrder,
    secret: &Secret,
) -> Result<(), Violation> {
    if evidence.results.get(order.command_id.as_str()) == Some(&true) {
        return Ok(());
    }
    let lost = |why: &str| {
        let PlannedOrder { command, aggregate, id, .. } = order;
        wrong("orders-once", due, format!("{command} to {aggregate}.{id} was lost{why}"))
    };
    let reader = contexts::reader(order.aggregate).map_err(|error| lost(&error.to_string()))?;
    let target = format!("{}.{}", order.aggregate, order.id);
    let commits = history.commits.get(&target).map_or(&[][..], Vec::as_slice);
    let context =
        Context::new(Utc::now(), Actor::default(), order.command_id.clone(), secret.clone())
            .about(order.id.clone());
    let body = order.body.get().as_bytes();
    match reader.changes_nothing(commits, due.position, (order.command, body), &context) {
        Ok(true) => Ok(()),
        Ok(false) => Err(lost("")),
        Err(error) => Err(lost(&format!(": {error}"))),
    }
}

/// Whether everything in the log was asked for by somebody.
fn nothing_else(evidence: &Evidence, history: &History<'_>) -> Result<(), Violation> {
    let mut known: HashSet<&str> = HashSet::new();
    known.extend(evidence.said.iter().map(|said| said.command.as_str()));
    known.extend(evidence.due.iter().filter_map(|due| match &due.planned {
        Planned::Send(order) | Planned::Set { order, .. } => Some(order.command_id.as_str()),
        Planned::Cancel { .. } => None,
    }));
    let mut answers: HashSet<CommandId> = HashSet::new();
    for due in &evidence.due {
        let Planned::Send(order) = &due.planned else { continue };
        if evidence.results.get(order.command_id.as_str()) == Some(&true) {
            for (order, answer) in (0..FEW).flat_map(|order| (0..FEW).map(move |it| (order, it))) {
                let ordinal = (order + 1) * ORDERS_MAX + answer;
                answers.insert(CommandId::derived(due.handler, due.event, ordinal));
            }
        }
    }
    for event in &history.events {
        let command = &event.element.metadata.command_id;
        let effect = event.aggregate == "mail" && event.element.kind != "mail.mail-requested";
        let asked = effect
            || known.contains(command.as_str())
            || answers.contains(command)
            || is_foreign(event);
        if !asked {
            let what = format!("{} by {command}, which nobody asked for", event.element.kind);
            return Err(Violation::new("orders-once", what).at(event.at).about(event.key.clone()));
        }
    }
    Ok(())
}

fn is_foreign(event: &Event<'_>) -> bool {
    event.element.metadata.command_id.as_str().starts_with("stranger-")
}

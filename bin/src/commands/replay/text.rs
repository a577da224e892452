//! What a replay found, in lines for people.

use infrastructure::replay::{Planned, PlannedOrder, Promise, Rehearsed, Replayed, Scope};

use crate::output::clean;

pub(super) fn scope(scope: &Scope) -> String {
    let Scope { handler, from, to, aggregate, id, kind } = scope;
    let picked = match (aggregate, id) {
        (None, None) => "every aggregate it reads".to_owned(),
        (Some(aggregate), None) => format!("every {aggregate}"),
        (None, Some(id)) => format!("aggregates with the id {id}"),
        (Some(aggregate), Some(id)) => format!("{aggregate}/{id}"),
    };
    let kinds = kind.as_ref().map_or_else(String::new, |kind| format!(", only {}", clean(kind)));
    format!("would replay {handler} from {from} to {to}: {picked}{kinds}")
}

pub(super) fn replayed(replayed: &Replayed) -> String {
    let Replayed { at, kind, aggregate, id, outcome, .. } = replayed;
    let kind = clean(kind.as_deref().unwrap_or("a commit that cannot be read"));
    let heading = format!("{at}  {aggregate}/{id}  {kind}");
    let lines: Vec<String> = match outcome {
        Rehearsed::Reacted { reactions } => reactions.iter().map(planned).collect(),
        Rehearsed::Run { promise: Promise::AtLeastOnce } => vec!["would be run".to_owned()],
        Rehearsed::Run { promise: Promise::AtMostOnce } => {
            vec!["would be run, unless it was begun before".to_owned()]
        }
        Rehearsed::Discarded => vec!["discarded: would not be handled".to_owned()],
        Rehearsed::Failed { reason } => vec![format!("would fail: {}", clean(reason))],
    };
    lines.into_iter().fold(heading, |text, line| format!("{text}\n    {line}"))
}

fn planned(planned: &Planned) -> String {
    match planned {
        Planned::Send(order) => format!("would send {}", sent(order)),
        Planned::Set { timer, at, order } => {
            format!("would set the timer {timer} for {at}: {}", sent(order))
        }
        Planned::Cancel { timer } => format!("would cancel the timer {timer}"),
    }
}

fn sent(PlannedOrder { aggregate, id, command, body, .. }: &PlannedOrder) -> String {
    format!("{aggregate}/{id} {command} {}", clean(body.get()))
}

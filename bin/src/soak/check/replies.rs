//! What callers were told, against the log: every acknowledged command is there once, where the
//! answer said, with the events it named; every answer to one id is the same.

use std::collections::HashMap;

use infrastructure::{deadletter::Cursor, request::Reply};
use kit::Position;

use super::{
    super::evidence::{Answer, Said},
    Evidence, Violation,
    history::{Event, History},
};

/// The number of commands.
pub(super) fn check(evidence: &Evidence, history: &History<'_>) -> Result<usize, Violation> {
    let mut last: HashMap<String, Position> = HashMap::new();
    for said in &evidence.said {
        let key = format!("{}.{}", said.aggregate, said.id);
        let wrong = |promise, what: String| Violation::new(promise, what).about(key.clone());
        for answer in &said.answers {
            match answer {
                Answer::Reply(reply) if reply.events.is_empty() => {}
                Answer::Reply(reply) => {
                    stands(history, said, reply).map_err(|it| it.about(key.clone()))?;
                    // A caller waits for its answer before it asks for more.
                    let before = last.insert(key.clone(), reply.position).unwrap_or_default();
                    if reply.position < before {
                        let what = format!("{} was answered behind what came before", said.command);
                        let at = Cursor { position: reply.position, index: 0 };
                        return Err(wrong("answers-in-order", what).at(at));
                    }
                }
                Answer::Refused(problem) if problem.status < 500 => {}
                Answer::Refused(problem) => {
                    return Err(wrong("coded-answers", format!("{}: {problem}", said.command)));
                }
                Answer::Queued => {
                    if !evidence.results.contains_key(said.command.as_str()) {
                        let what = format!("durable command {} has no outcome", said.command);
                        return Err(wrong("acknowledged-once", what));
                    }
                }
                Answer::Nothing(why) => {
                    let what = format!("{} was never answered: {why}", said.command);
                    return Err(wrong("answered", what));
                }
            }
        }
        same(said).map_err(|it| it.about(key.clone()))?;
    }
    Ok(evidence.said.len())
}

/// Whether what was acknowledged stands in the log as it was acknowledged.
fn stands(history: &History<'_>, said: &Said, reply: &Reply) -> Result<(), Violation> {
    let at = Cursor { position: reply.position, index: 0 };
    let wrong = |what: String| Violation::new("acknowledged-once", what).at(at);
    let Some(first) = history.of_command(said.command.as_str()) else {
        return Err(wrong(format!("the acknowledged {} is not in the log", said.command)));
    };
    if first.at.position != reply.position {
        let found = first.at.position;
        return Err(wrong(format!("the acknowledged {} stands at {found}", said.command)));
    }
    for told in &reply.events {
        let is_it = |event: &&Event<'_>| {
            event.at.position == reply.position && event.element.version == told.version
        };
        if history.of_id(told.id).filter(is_it).is_none() {
            return Err(wrong(format!("event {} of {} is not there", told.id, said.command)));
        }
    }
    Ok(())
}

/// Whether all answers that name a commit name the same one.
fn same(said: &Said) -> Result<(), Violation> {
    let replies = said.answers.iter().filter_map(|answer| match answer {
        Answer::Reply(reply) if !reply.events.is_empty() => Some(reply),
        _ => None,
    });
    let mut replies = replies.map(|reply| (reply.position, reply.version, &reply.events));
    let first = replies.next();
    match replies.find(|other| first.is_some_and(|first| *other != first)) {
        None => Ok(()),
        Some((position, ..)) => {
            let what = format!("{} was answered in two ways", said.command);
            Err(Violation::new("same-answer", what).at(Cursor { position, index: 0 }))
        }
    }
}

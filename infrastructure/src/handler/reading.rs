//! Which events of a run of commits are to be handled, and with what data.
//! Not here: handling them.

use super::{Source, dead_letter::overridden, deliveries::Delivery, hands::Stretch};
use crate::{
    deadletter::{Cursor, Fact, Facts},
    envelope::{self, Corrupt, Element},
};

/// The events of some commits of one subject that are to be handled, in order.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    commits: Vec<(&'a Delivery, Vec<(usize, Element<'a>)>)>,
    pub(crate) end: End,
}

/// What stands behind the last of them.
#[derive(Debug)]
pub(crate) enum End {
    /// Nothing of the run.
    All,
    /// From this commit of the run on, what waits.
    Waits(usize),
    /// This commit of the run, which cannot be read.
    Corrupt(usize, Corrupt),
}

impl<'a> Reading<'a> {
    pub(crate) fn of(run: &'a [Delivery], stretch: Stretch, facts: Option<&'a Facts>) -> Self {
        let (mut commits, mut end) = (Vec::with_capacity(run.len()), End::All);
        for (at, delivery) in run.iter().enumerate() {
            let elements = match envelope::decode(&delivery.body) {
                Ok(elements) => elements,
                Err(corrupt) => {
                    let fact = facts.and_then(|facts| facts.of_commit(delivery.position));
                    if fact == Some(&Fact::Discarded) {
                        continue;
                    }
                    end = End::Corrupt(at, corrupt);
                    break;
                }
            };
            let (events, waits) = due(delivery, elements, stretch, facts);
            commits.push((delivery, events));
            if waits {
                end = End::Waits(at);
                break;
            }
        }
        Self { commits, end }
    }

    pub(crate) fn sources<'b>(&'b self, aggregate: &'b str) -> Vec<Source<'b>> {
        let commits = self.commits.iter();
        let sources = commits.flat_map(|(delivery, events)| {
            events.iter().map(|(index, element)| Source {
                aggregate,
                element,
                position: delivery.position,
                index: *index,
            })
        });
        sources.collect()
    }
}

/// The events of one commit that are to be handled now, and whether others of it wait.
fn due<'a>(
    delivery: &Delivery,
    elements: Vec<Element<'a>>,
    stretch: Stretch,
    facts: Option<&'a Facts>,
) -> (Vec<(usize, Element<'a>)>, bool) {
    let mut events = Vec::with_capacity(elements.len());
    for (index, element) in elements.into_iter().enumerate() {
        let at = Cursor { position: delivery.position, index };
        if at < stretch.from {
            continue;
        }
        if stretch.until.is_some_and(|until| at >= until) {
            return (events, true);
        }
        match facts.and_then(|facts| facts.of_event(element.id)) {
            None => events.push((index, element)),
            Some(Fact::Discarded) => {}
            Some(Fact::Overridden { data, schema_version }) => {
                events.push((index, overridden(&element, data, *schema_version)));
            }
        }
    }
    (events, false)
}

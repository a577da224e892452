//! Whenever this has happened, then that is asked for.

use kit::{
    Aggregate, Event, Order, Policy, Reaction, Recorded, Refused,
    scenario::{id, recorded},
};

/// The third event of the aggregate `ada`, in the form that a policy reads.
pub(crate) fn happened<E: Event, W: From<E>>(event: impl Into<E>) -> Recorded<W> {
    recorded::<E>(&id("ada"), 3, event.into()).map(Into::into)
}

/// The order of `command` for the aggregate `name`.
pub(crate) fn order<A: Aggregate>(name: &str, command: impl Into<A::Command>) -> Reaction {
    Order::to::<A>(&id(name), command).unwrap().into()
}

/// Exactly these reactions follow, and the same ones again when the event is delivered again.
#[track_caller]
pub(crate) fn whenever<P: Policy>(
    policy: &P,
    event: &Recorded<P::When>,
    then: impl IntoIterator<Item = Reaction>,
) {
    let reactions = policy.react(event).unwrap();
    assert_eq!(reactions, then.into_iter().collect::<Vec<_>>(), "{:?}", event.event);
    assert_eq!(reactions, policy.react(event).unwrap(), "a second delivery must ask the same");
}

/// What follows when each order of `event` is refused with `code`.
pub(crate) fn refused<P: Policy>(
    policy: &P,
    event: &Recorded<P::When>,
    code: &str,
) -> Vec<Reaction> {
    let mut answers = Vec::new();
    for reaction in policy.react(event).unwrap() {
        let Reaction::Order(order) = reaction else { continue };
        let refused = Refused { order, code: code.to_owned(), detail: String::new() };
        answers.extend(policy.on_refused(event, &refused).unwrap());
    }
    answers.into_iter().map(Into::into).collect()
}

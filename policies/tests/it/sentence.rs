//! Whenever this has happened, then that is asked for.

use kit::{
    Aggregate, Event, Order, Policy, Recorded, Refused,
    scenario::{id, recorded},
};

/// The third event of the aggregate `ada`, in the form that a policy reads.
pub(crate) fn happened<E: Event, W: From<E>>(event: impl Into<E>) -> Recorded<W> {
    recorded::<E>(&id("ada"), 3, event.into()).map(Into::into)
}

/// The order of `command` for the aggregate `name`.
pub(crate) fn order<A: Aggregate>(name: &str, command: impl Into<A::Command>) -> Order {
    Order::to::<A>(&id(name), command).unwrap()
}

/// Exactly these orders follow, and the same ones again when the event is delivered again.
#[track_caller]
pub(crate) fn whenever<P: Policy>(
    policy: &P,
    event: &Recorded<P::When>,
    then: impl IntoIterator<Item = Order>,
) {
    let orders = policy.react(event).unwrap();
    assert_eq!(orders, then.into_iter().collect::<Vec<_>>(), "{:?}", event.event);
    assert_eq!(orders, policy.react(event).unwrap(), "a second delivery must order the same");
}

/// What follows when each order of `event` is refused with `code`.
pub(crate) fn refused<P: Policy>(policy: &P, event: &Recorded<P::When>, code: &str) -> Vec<Order> {
    let refused = |order| Refused { order, code: code.to_owned(), detail: String::new() };
    let orders = policy.react(event).unwrap();
    let answers =
        orders.into_iter().map(|order| policy.on_refused(event, &refused(order)).unwrap());
    answers.flatten().collect()
}

//! A failed event as it is written down. Not here: when, and where it goes.

use chrono::Utc;

use super::{
    Failure,
    deliveries::Delivery,
    trial::{Attempts, shortened},
};
use crate::{
    deadletter::{Attempt, Book, Cursor, Original, Parked, Place},
    envelope::Element,
};

/// The record that parks the key of `delivery` at the event `index`; without an `element` the whole
/// commit cannot be read. `None` if such a failure parks nothing.
pub(crate) fn dead_letter(
    book: &Book,
    delivery: &Delivery,
    (index, element): (usize, Option<&Element<'_>>),
    failure: &Failure,
    failed: Attempts,
) -> Option<Parked> {
    let class = failure.class()?;
    // What fails outside of an attempt has failed all the same.
    let failed = if failed.count == 0 { Attempts::one(failure.to_string()) } else { failed };
    let key = delivery.subject.as_str();
    let event = Place {
        id: element.map(|element| element.id),
        kind: element.map(|element| element.kind.clone().into_owned()),
        at: Cursor { position: delivery.position, index },
    };
    let before = book.head(key).filter(|head| head.event == event);
    let last = failed.last.last().map_or_else(Utc::now, |attempt| attempt.time);
    let first = failed.first.unwrap_or(last);
    let recent = failed.last.into_iter();
    Some(Parked {
        event,
        class,
        errors: vec![shortened(failure.to_string())],
        attempts: before.as_ref().map_or(0, |head| head.attempts).saturating_add(failed.count),
        recent: recent.map(|it| Attempt { time: it.time, error: it.error }).collect(),
        first: before.map_or(first, |head| head.first),
        last,
        original: Original::new(key, delivery.headers.as_ref(), delivery.stored()),
        epoch: book.epoch(),
    })
}

/// The event with the data that somebody chose instead of its own.
pub(crate) fn overridden<'a>(
    element: &Element<'a>,
    data: &'a crate::deadletter::Json,
    schema_version: Option<u32>,
) -> Element<'a> {
    Element {
        data: crate::envelope::Data::Json(&data.0),
        schema_version: schema_version.unwrap_or(element.schema_version),
        // Whatever was sealed, this is not.
        sealed: None,
        ..element.clone()
    }
}

//! The same from files of the log: up to their end, which is known. Not here: what the files are.

use std::{collections::VecDeque, sync::Arc};

use kit::Position;

use super::{
    CHUNKS, Delivery, Feed, Item, WAITING_BYTES,
    channel::{Sender, channel},
};
use crate::backup::Volume;

impl Feed {
    /// The commits on `subjects` behind `after` that stand in files, and that nothing is behind them.
    /// It ends there, or at a fault.
    pub(crate) fn of_files(events: Volume, subjects: Vec<String>, after: Position) -> Self {
        let (sender, items) = channel(CHUNKS, WAITING_BYTES);
        let pumping = tokio::spawn(unpack(events, subjects, after, sender));
        Self { items, pumping, poke: Arc::default() }
    }
}

async fn unpack(events: Volume, subjects: Vec<String>, after: Position, sender: Sender<Item>) {
    let last = events.last();
    let mut hands = events.read_ahead(after.0);
    while let Some(hand) = hands.recv().await {
        let hand = match hand {
            Ok(hand) => hand,
            Err(fault) => return tracing::error!(%fault, "the files cannot be read on"),
        };
        let picked = hand.into_iter().filter(|kept| is_on(&subjects, &kept.subject));
        let chunk: VecDeque<_> =
            picked.map(|kept| Item::Commit(Delivery::of_file(kept, last))).collect();
        let bytes = chunk.iter().map(|item| match item {
            Item::Commit(delivery) => delivery.body.len(),
            Item::Nothing(_) => 0,
        });
        let bytes = bytes.sum();
        if !chunk.is_empty() && !sender.send(chunk, bytes).await {
            return;
        }
    }
    // Nobody waits for it any more if that fails.
    let _ = sender.send([Item::Nothing(Position(last))].into(), 0).await;
}

/// Whether a consumer with these filters would be given it: each names one subject, or all of a type.
fn is_on(filters: &[String], subject: &str) -> bool {
    filters.iter().any(|filter| match filter.strip_suffix('*') {
        Some(before) => subject.strip_prefix(before).is_some_and(|rest| !rest.contains('.')),
        None => filter == subject,
    })
}

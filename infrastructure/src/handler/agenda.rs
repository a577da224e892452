//! Keys about which there is something to be done: now, or after a while.
//! Not here: doing it; a drain does.

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use tokio::time;

/// Keys in the order in which they became due, each once, and those that rest until they are.
#[derive(Default)]
pub(crate) struct Agenda {
    due: VecDeque<String>,
    resting: FuturesUnordered<BoxFuture<'static, String>>,
    rests: HashSet<String>,
}

impl Agenda {
    /// Something is to be done about `key`.
    pub(crate) fn is_due(&mut self, key: String) {
        if !self.due.contains(&key) {
            self.due.push_back(key);
        }
    }

    /// Something is to be done about `key` after `delay`, unless it rests already.
    pub(crate) fn rest(&mut self, key: &str, delay: Duration) {
        if self.rests.insert(key.to_owned()) {
            let key = key.to_owned();
            self.resting.push(time::sleep(delay).map(|()| key).boxed());
        }
    }

    /// Waits until a key has rested, which is due then; never, if none rests. Safe to cancel.
    pub(crate) async fn rested(&mut self) {
        match self.resting.next().await {
            Some(key) => {
                self.rests.remove(&key);
                self.is_due(key);
            }
            None => std::future::pending().await,
        }
    }

    /// How many keys are due.
    pub(crate) fn len(&self) -> usize {
        self.due.len()
    }

    /// The next one.
    pub(crate) fn next(&mut self) -> Option<String> {
        self.due.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_key_is_due_once_however_often_that_is_said() {
        let mut agenda = Agenda::default();
        for key in ["a", "b", "a"] {
            agenda.is_due(key.to_owned());
        }
        agenda.rest("a", Duration::from_secs(1));
        agenda.rest("a", Duration::from_secs(2));
        agenda.rested().await;
        assert_eq!(
            (agenda.len(), agenda.next(), agenda.next()),
            (2, Some("a".into()), Some("b".into()))
        );
        assert!(agenda.rested().now_or_never().is_none(), "nothing rests");
    }
}

//! Events that wait to be handled together: what is next, and when. Plain values; the time is
//! handed in. Not here: waiting, and handling a batch.

use std::collections::VecDeque;

use kit::{BatchSize, Batched, Order};
use tokio::{sync::oneshot, time::Instant};

use super::super::Failure;

/// How an event was done with: what records it, and why it was passed over if it was.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) orders: Vec<Order>,
    pub(super) skipped: Option<String>,
}

/// How far the events of one key came: the first of them that are done, and why the next is not.
pub(super) type Answer = (Vec<Done>, Option<Failure>);

/// An event that waits, and how much it is.
#[derive(Debug)]
pub(super) struct Item<E> {
    pub(super) batched: Batched<E>,
    pub(super) bytes: usize,
}

/// Events of one key, in order.
struct Submission<E> {
    number: u64,
    waiting: VecDeque<Item<E>>,
    since: Instant,
    /// It comes in a batch of its own: the code failed at one of its events.
    alone: bool,
    done: Vec<Done>,
    answer: oneshot::Sender<Answer>,
}

/// Everything that waits for one handler.
pub(super) struct Gathering<E> {
    size: BatchSize,
    submissions: VecDeque<Submission<E>>,
    next: u64,
    /// How many events wait, and how large they are.
    events: usize,
    bytes: usize,
    closed: bool,
}

/// A batch that was taken: its events, each with the number of its submission.
pub(super) type Taken<E> = Vec<(u64, Batched<E>)>;

impl<E> Gathering<E> {
    pub(super) const fn new(size: BatchSize) -> Self {
        Self { size, submissions: VecDeque::new(), next: 0, events: 0, bytes: 0, closed: false }
    }

    /// Takes in events of one key; what becomes of them is told.
    pub(super) fn submit(
        &mut self,
        items: Vec<Item<E>>,
        alone: bool,
        now: Instant,
    ) -> oneshot::Receiver<Answer> {
        let (answer, told) = oneshot::channel();
        // When it is closed, who asks is told by the channel's end.
        if !self.closed {
            self.next += 1;
            self.events += items.len();
            self.bytes += items.iter().map(|item| item.bytes).sum::<usize>();
            let (number, waiting, since) = (self.next, items.into(), now);
            let done = Vec::new();
            self.submissions.push_back(Submission { number, waiting, since, alone, done, answer });
        }
        told
    }

    /// Lets go of everything that waits, and takes nothing in any more.
    pub(super) fn close(&mut self) {
        self.closed = true;
        (self.events, self.bytes) = (0, 0);
        for submission in self.submissions.drain(..) {
            drop(submission.answer.send((submission.done, Some(Failure::Interrupted))));
        }
    }

    /// Drops everything that waits, without an answer, and takes nothing in any more.
    pub(super) fn abandon(&mut self) {
        self.closed = true;
        (self.events, self.bytes) = (0, 0);
        self.submissions.clear();
    }

    /// When a batch is to be handled: none as long as nothing waits. `behind` is how many commits can
    /// only come once what waits here is handled.
    pub(super) fn due(&self, behind: usize, now: Instant) -> Option<Instant> {
        let first = self.submissions.front()?;
        let full = self.events + behind >= self.size.events || self.bytes >= self.size.bytes;
        Some(if full || first.alone { now } else { first.since + self.size.wait })
    }

    /// Takes the next batch, in the order of the log.
    pub(super) fn take(&mut self) -> Taken<E> {
        let alone = self.submissions.front().is_some_and(|first| first.alone);
        let (mut taken, mut bytes) = (Vec::new(), 0_usize);
        for (at, submission) in self.submissions.iter_mut().enumerate() {
            let fits = if alone { at == 0 } else { !submission.alone };
            while fits && let Some(item) = submission.waiting.front() {
                let more = bytes.saturating_add(item.bytes);
                let full = taken.len() >= self.size.events.max(1) || more > self.size.bytes;
                if full && !taken.is_empty() {
                    return self.taken(taken, bytes);
                }
                bytes = more;
                if let Some(item) = submission.waiting.pop_front() {
                    taken.push((submission.number, item.batched));
                }
            }
        }
        self.taken(taken, bytes)
    }

    fn taken(&mut self, mut taken: Taken<E>, bytes: usize) -> Taken<E> {
        self.events -= taken.len();
        self.bytes -= bytes;
        taken.sort_by_key(|(_, it)| (it.event.position, it.event.index));
        taken
    }

    /// Takes in how the events of one submission went, in order.
    pub(super) fn went(&mut self, number: u64, results: Vec<Result<Done, Failure>>) {
        let Some(at) = self.submissions.iter().position(|it| it.number == number) else { return };
        let Some(submission) = self.submissions.get_mut(at) else { return };
        let mut failed = None;
        for result in results {
            match result {
                Ok(done) => submission.done.push(done),
                Err(failure) => {
                    failed = Some(failure);
                    break;
                }
            }
        }
        if (failed.is_some() || submission.waiting.is_empty())
            && let Some(Submission { done, answer, waiting, .. }) = self.submissions.remove(at)
        {
            self.events -= waiting.len();
            self.bytes -= waiting.iter().map(|item| item.bytes).sum::<usize>();
            // Whoever asked may be gone with its epoch.
            drop(answer.send((done, failed)));
        }
    }
}

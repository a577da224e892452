//! One wildcard subscription for all answers of a connection, each with its own token.
//! A subscription per request would cost the server two more messages each.
//! Not here: what an answer means.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_nats::{Client, Message, Subject, SubscribeError};
use futures::{Stream, StreamExt};
use tokio::{
    sync::{mpsc, oneshot},
    task::AbortHandle,
    time::{Instant, MissedTickBehavior, interval},
};

/// How often waiting is checked against its deadline. One timer for all: one each would cost a
/// system call whenever it is the next to be due.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// Gives each answer to whoever waits for it. Answers that nobody waits for are passed over.
#[derive(Debug)]
pub(super) struct Inbox {
    prefix: String,
    next: AtomicU64,
    table: Arc<Table>,
    task: AbortHandle,
}

#[derive(Debug, Default)]
struct Table(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    by_token: HashMap<u64, Waiter>,
    closed: bool,
}

#[derive(Debug)]
enum Waiter {
    Once { sender: oneshot::Sender<Message>, deadline: Instant },
    Many(mpsc::Sender<Message>),
}

/// Where an answer is to be sent.
#[derive(Debug)]
pub(super) struct Address {
    pub(super) subject: Subject,
    token: u64,
}

/// The right to what arrives at an address.
#[derive(Debug)]
pub(super) struct Ticket<R> {
    pub(super) answer: R,
    token: u64,
    table: Arc<Table>,
}

impl Ticket<oneshot::Receiver<Message>> {
    /// Waits for the answer, or says why there is none.
    pub(super) async fn wait(&mut self) -> Result<Message, &'static str> {
        (&mut self.answer).await.map_err(|_| match self.table.waiting().closed {
            true => "the connection was closed",
            false => "none in time",
        })
    }
}

impl<R> Drop for Ticket<R> {
    fn drop(&mut self) {
        self.table.waiting().by_token.remove(&self.token);
    }
}

impl Inbox {
    pub(super) async fn open(client: &Client) -> Result<Self, SubscribeError> {
        let prefix = client.new_inbox();
        let subscriber = client.subscribe(format!("{prefix}.*")).await?;
        let table = Arc::new(Table::default());
        let task = tokio::spawn(give_out(subscriber, Arc::clone(&table))).abort_handle();
        Ok(Self { prefix, next: AtomicU64::new(0), table, task })
    }

    /// An address that nobody has had.
    pub(super) fn address(&self) -> Address {
        let token = self.next.fetch_add(1, Ordering::Relaxed);
        Address { subject: format!("{}.{token}", self.prefix).into(), token }
    }

    /// A ticket for one answer at `address`, which no other ticket may be for. Soon after
    /// `deadline` it says that there is none.
    pub(super) fn once(
        &self,
        address: &Address,
        deadline: Instant,
    ) -> Ticket<oneshot::Receiver<Message>> {
        let (sender, receiver) = oneshot::channel();
        self.ticket(address, Waiter::Once { sender, deadline }, receiver)
    }

    /// A ticket for up to `most` answers at `address`; more are dropped.
    pub(super) fn many(&self, address: &Address, most: usize) -> Ticket<mpsc::Receiver<Message>> {
        let (sender, receiver) = mpsc::channel(most);
        self.ticket(address, Waiter::Many(sender), receiver)
    }

    fn ticket<R>(&self, address: &Address, waiter: Waiter, answer: R) -> Ticket<R> {
        let token = address.token;
        let mut waiting = self.table.waiting();
        // Without an entry the sender is gone, and the receiver says so at once.
        if !waiting.closed {
            waiting.by_token.insert(token, waiter);
        }
        drop(waiting);
        Ticket { answer, token, table: Arc::clone(&self.table) }
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Table {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Every change under the lock is one call, so poison says nothing about the table.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn give(&mut self, message: Message) {
        let token = message.subject.rsplit('.').next().and_then(|token| token.parse().ok());
        let Some(token) = token else { return };
        match self.by_token.get(&token) {
            // A full channel means more answers than were asked for; the reader sees the gap.
            Some(Waiter::Many(sender)) => drop(sender.try_send(message)),
            Some(Waiter::Once { .. }) => {
                if let Some(Waiter::Once { sender, .. }) = self.by_token.remove(&token) {
                    // Whoever waited may just have given up.
                    drop(sender.send(message));
                }
            }
            None => {}
        }
    }

    /// Lets go whoever has waited long enough.
    fn expire(&mut self, now: Instant) {
        self.by_token.retain(|_, waiter| match waiter {
            Waiter::Once { deadline, .. } => *deadline > now,
            Waiter::Many(_) => true,
        });
    }
}

async fn give_out(mut answers: impl Stream<Item = Message> + Unpin, table: Arc<Table>) {
    let mut check = interval(CHECK_INTERVAL);
    check.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            // First, or a flood of answers would keep those without one waiting.
            biased;
            now = check.tick() => table.waiting().expire(now),
            message = answers.next() => {
                let Some(message) = message else { break };
                table.waiting().give(message);
            }
        }
    }
    // The connection is closed for good: no answer will come any more.
    let mut waiting = table.waiting();
    waiting.closed = true;
    waiting.by_token.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(waiting: &mut Waiting, token: u64, deadline: Instant) -> oneshot::Receiver<Message> {
        let (sender, receiver) = oneshot::channel();
        waiting.by_token.insert(token, Waiter::Once { sender, deadline });
        receiver
    }

    fn answer(token: u64) -> Message {
        Message {
            subject: format!("_INBOX.x.{token}").into(),
            reply: None,
            payload: "7".into(),
            headers: None,
            status: None,
            description: None,
            length: 0,
        }
    }

    #[test]
    fn who_has_waited_long_enough_is_let_go_and_nobody_else() {
        let (mut waiting, now) = (Waiting::default(), Instant::now());
        let mut late = wait(&mut waiting, 1, now);
        let mut early = wait(&mut waiting, 2, now + CHECK_INTERVAL);
        let (sender, mut pages) = mpsc::channel(1);
        waiting.by_token.insert(3, Waiter::Many(sender));
        waiting.expire(now);
        assert_eq!(late.try_recv().unwrap_err(), oneshot::error::TryRecvError::Closed);
        assert_eq!(early.try_recv().unwrap_err(), oneshot::error::TryRecvError::Empty);
        assert_eq!(pages.try_recv().unwrap_err(), mpsc::error::TryRecvError::Empty);
        // An answer that comes later is for nobody, and disturbs nobody.
        for token in [1, 2, 3] {
            waiting.give(answer(token));
        }
        assert_eq!(early.try_recv().unwrap().payload, "7");
        assert_eq!(pages.try_recv().unwrap().payload, "7");
        assert_eq!(waiting.by_token.len(), 1, "many answers are expected until the ticket is gone");
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_is_noticed_within_one_check() {
        let table = Arc::new(Table::default());
        let begun = Instant::now();
        let deadline = begun + Duration::from_secs(1);
        let receiver = wait(&mut table.waiting(), 1, deadline);
        let silent = futures::stream::pending();
        let task = tokio::spawn(give_out(silent, Arc::clone(&table)));
        assert!(receiver.await.is_err());
        assert!(begun.elapsed() <= Duration::from_secs(1) + CHECK_INTERVAL);
        task.abort();
    }
}

//! A small domain to watch handlers with: whatever is served is returned.

pub(crate) mod book;
mod scores;

use std::{
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

use kit::{
    Aggregate, AggregateId, CommandId, Context, DomainError, Effect, EventSet, Order, Outcome,
    Policy, Reaction, Recorded, Refused, Retries, Retry, Start,
};
use serde::{Deserialize, Serialize};

pub(crate) use scores::{Returns, Score, Scores};

/// A ball that nobody may return.
pub(crate) const UNLUCKY: u64 = 13;
/// A ball that a referee gives back instead.
pub(crate) const GIVEN_BACK: u64 = 1_013;
/// A ball at which a handler's code panics.
pub(crate) const POISON: u64 = 666;

/// As often as by default, and sooner.
pub(crate) const SOON: Retries = Retries {
    transient: Retry::forever(Duration::from_millis(20), Duration::from_millis(200)),
    bug: Retry::times(3, Duration::from_millis(20)),
};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ball {
    pub(crate) ball: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Balls {
    pub(crate) balls: Vec<u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Served {
    pub(crate) ball: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Returned {
    pub(crate) ball: u64,
}

kit::commands! {
    /// What a server may be asked.
    pub enum ServerCommand { "serve" => Ball, "serve-all" => Balls }
}
kit::events! {
    /// What a server does.
    pub enum ServerEvent for "server" { "served" => Served: 1 }
}
kit::commands! {
    /// What a receiver may be asked.
    pub enum ReceiverCommand { "return" => Return }
}
kit::events! {
    /// What a receiver does.
    pub enum ReceiverEvent for "receiver" { "returned" => Returned: 1 }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Return {
    pub(crate) ball: u64,
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("that ball is unlucky")]
pub(crate) struct Unlucky;

impl DomainError for Unlucky {
    fn code(&self) -> &'static str {
        "unlucky"
    }
}

/// Serves whatever it is asked to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Server {
    served: u64,
}

impl Aggregate for Server {
    const TYPE: &'static str = "server";
    const STATE_SCHEMA: u32 = 1;
    type Command = ServerCommand;
    type Event = ServerEvent;
    type Error = Unlucky;

    fn decide(&self, command: &ServerCommand, _: &Context) -> Result<Vec<ServerEvent>, Unlucky> {
        Ok(match command {
            ServerCommand::Ball(Ball { ball }) => vec![Served { ball: *ball }.into()],
            ServerCommand::Balls(Balls { balls }) => {
                balls.iter().map(|ball| Served { ball: *ball }.into()).collect()
            }
        })
    }

    fn evolve(&mut self, _: &ServerEvent) {
        self.served += 1;
    }
}

/// Returns every ball but the unlucky one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Receiver {
    returned: u64,
}

impl Aggregate for Receiver {
    const TYPE: &'static str = "receiver";
    const STATE_SCHEMA: u32 = 1;
    type Command = ReceiverCommand;
    type Event = ReceiverEvent;
    type Error = Unlucky;

    fn decide(
        &self,
        command: &ReceiverCommand,
        _: &Context,
    ) -> Result<Vec<ReceiverEvent>, Unlucky> {
        let ReceiverCommand::Return(Return { ball }) = command;
        if *ball == UNLUCKY { Err(Unlucky) } else { Ok(vec![Returned { ball: *ball }.into()]) }
    }

    fn evolve(&mut self, _: &ReceiverEvent) {
        self.returned += 1;
    }
}

/// Lets code through, or holds the whole thread as a stopped process would.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gate(Arc<(Mutex<Stand>, Condvar)>);

#[derive(Debug, Default)]
struct Stand {
    closed_for: Option<u64>,
    someone_waits: bool,
}

impl Gate {
    pub(crate) fn close_for(&self, ball: u64) {
        self.0.0.lock().unwrap().closed_for = Some(ball);
    }

    pub(crate) fn open(&self) {
        self.0.0.lock().unwrap().closed_for = None;
        self.0.1.notify_all();
    }

    pub(crate) fn someone_waits(&self) -> bool {
        self.0.0.lock().unwrap().someone_waits
    }

    fn pass(&self, ball: u64) {
        let mut stand = self.0.0.lock().unwrap();
        while stand.closed_for == Some(ball) {
            stand.someone_waits = true;
            stand = self.0.1.wait(stand).unwrap();
        }
    }
}

fn receiver(event: &Recorded<ServerEvent>) -> AggregateId {
    event.aggregate_id.clone()
}

/// Whenever a ball is served, it is returned; an unlucky one is given back by the referee.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReturnBalls {
    pub(crate) gate: Gate,
    pub(crate) seen: Arc<Mutex<Vec<u64>>>,
    pub(crate) poisoned: bool,
}

impl Policy for ReturnBalls {
    const NAME: &'static str = "return-balls";
    const START: Start = Start::Beginning;
    const RETRIES: Retries = SOON;
    type When = ServerEvent;

    fn react(&self, event: &Recorded<ServerEvent>) -> serde_json::Result<Vec<Reaction>> {
        let ServerEvent::Served(Served { ball }) = &event.event;
        assert!(!(self.poisoned && *ball == POISON), "a poisoned ball");
        self.gate.pass(*ball);
        self.seen.lock().unwrap().push(*ball);
        Ok(vec![Order::to::<Receiver>(&receiver(event), Return { ball: *ball })?.into()])
    }

    fn on_refused(
        &self,
        event: &Recorded<ServerEvent>,
        refused: &Refused,
    ) -> serde_json::Result<Vec<Order>> {
        assert_eq!(refused.code, "unlucky");
        Ok(vec![Order::to::<Receiver>(&receiver(event), Return { ball: GIVEN_BACK })?])
    }
}

/// A policy that came later and only follows what happens from then on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watch(pub(crate) Arc<Mutex<Vec<u64>>>);

impl Policy for Watch {
    const NAME: &'static str = "watch";
    type When = ServerEvent;

    fn react(&self, event: &Recorded<ServerEvent>) -> serde_json::Result<Vec<Reaction>> {
        let ServerEvent::Served(Served { ball }) = &event.event;
        self.0.lock().unwrap().push(*ball);
        Ok(Vec::new())
    }
}

/// A policy that goes on for ever by itself: whatever is returned is served again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rally;

impl Policy for Rally {
    const NAME: &'static str = "rally";
    const START: Start = Start::Beginning;
    type When = ReceiverEvent;

    fn react(&self, event: &Recorded<ReceiverEvent>) -> serde_json::Result<Vec<Reaction>> {
        let ReceiverEvent::Returned(Returned { ball }) = &event.event;
        Ok(vec![Order::to::<Server>(&event.aggregate_id, Ball { ball: *ball })?.into()])
    }
}

/// An effect that rings once for each ball, if it is let.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bell {
    pub(crate) rung: Arc<Mutex<Vec<(u64, CommandId)>>>,
    pub(crate) broken: Arc<Mutex<bool>>,
}

impl Effect for Bell {
    const NAME: &'static str = "bell";
    const START: Start = Start::Beginning;
    type When = ServerEvent;

    async fn run(&self, event: &Recorded<ServerEvent>, key: &CommandId) -> Outcome {
        let ServerEvent::Served(Served { ball }) = &event.event;
        match *ball {
            POISON => return Outcome::Halt { reason: "the bell is poisoned".to_owned() },
            UNLUCKY => return Outcome::skip("never for that one"),
            _ => {}
        }
        if *self.broken.lock().unwrap() {
            let after = Duration::from_millis(20);
            return Outcome::Retry { after, reason: "the bell is broken".to_owned() };
        }
        self.rung.lock().unwrap().push((*ball, key.clone()));
        Outcome::done()
    }
}

/// Reads what is served out of a stored payload.
pub(crate) fn ball(data: &str) -> u64 {
    let ServerEvent::Served(Served { ball }) =
        ServerEvent::read("server", "served", 1, data.as_bytes()).unwrap();
    ball
}

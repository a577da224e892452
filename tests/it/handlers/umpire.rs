//! An effect that writes down what it handles, and fails as it is told.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use infrastructure::composition::Composition;
use kit::{CommandId, Effect, Outcome, Recorded, Retries, Start};
use tokio::sync::Notify;

use super::{
    table_tennis::{SOON, Served, ServerEvent},
    world::table,
};

/// What becomes of a ball.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The code panics.
    Panic,
    /// The effect asks to set it aside.
    Park,
    /// Something outside is away.
    Away,
    /// It takes until the whistle blows.
    Slow,
    /// The effect sets it aside with very many words.
    Rant,
    /// The effect stops its handler.
    Halt,
}

/// Judges every ball.
#[derive(Debug, Clone, Default)]
pub(crate) struct Umpire {
    judged: Arc<Mutex<Vec<(String, u64)>>>,
    faults: Arc<Mutex<HashMap<u64, Fault>>>,
    /// Lets a slow one go on.
    pub(crate) whistle: Arc<Notify>,
    /// Told when a slow one has begun.
    pub(crate) begun: Arc<Notify>,
}

impl Umpire {
    pub(crate) fn composition(&self) -> Composition {
        table().effect(self.clone())
    }

    pub(crate) fn fails(&self, ball: u64, fault: Fault) {
        self.faults.lock().unwrap().insert(ball, fault);
    }

    pub(crate) fn is_mended(&self, ball: u64) {
        self.faults.lock().unwrap().remove(&ball);
    }

    /// The balls of `id` that were judged, in order; each once, though it was judged again after a
    /// crash.
    pub(crate) fn judged(&self, id: &str) -> Vec<u64> {
        let mut judged = self.judged_ever(id);
        let mut seen = std::collections::HashSet::new();
        judged.retain(|ball| seen.insert(*ball));
        judged
    }

    /// The same with every repeat.
    pub(crate) fn judged_ever(&self, id: &str) -> Vec<u64> {
        let judged = self.judged.lock().unwrap();
        judged.iter().filter(|(of, _)| of == id).map(|(_, ball)| *ball).collect()
    }
}

impl Effect for Umpire {
    const NAME: &'static str = "umpire";
    const START: Start = Start::Beginning;
    const RETRIES: Retries = SOON;
    type When = ServerEvent;

    async fn run(&self, event: &Recorded<ServerEvent>, _: &CommandId) -> Outcome {
        let ServerEvent::Served(Served { ball }) = &event.event;
        let fault = self.faults.lock().unwrap().get(ball).copied();
        let reason = "as it was told".to_owned();
        if fault == Some(Fault::Slow) {
            self.begun.notify_one();
            self.whistle.notified().await;
        }
        match fault {
            None | Some(Fault::Slow) => {
                self.judged.lock().unwrap().push((event.aggregate_id.to_string(), *ball));
                Outcome::done()
            }
            Some(Fault::Panic) => panic!("as it was told"),
            Some(Fault::Park) => Outcome::Park { reason },
            Some(Fault::Rant) => Outcome::Park { reason: reason.repeat(200_000) },
            Some(Fault::Halt) => Outcome::Halt { reason },
            Some(Fault::Away) => Outcome::Retry { after: Duration::from_millis(20), reason },
        }
    }
}

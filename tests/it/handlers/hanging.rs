//! What never ends by itself: it is cut off, and others and the next attempt get their turn.

use std::{
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use kit::{
    Batch, BatchEffect, BatchOutcome, BatchSize, CommandId, Effect, Outcome, Recorded, Retries,
    Start,
};

use super::{
    table_tennis::{SOON, Served, ServerEvent},
    world::{World, table},
};

/// Hangs at the first attempt at anything.
#[derive(Debug, Clone, Default)]
struct Dozer {
    attempts: Arc<Mutex<Vec<u64>>>,
    seen: Arc<Mutex<Vec<u64>>>,
}

impl Dozer {
    /// Hangs unless it was asked for `balls` before.
    async fn doze(&self, balls: &[u64]) {
        let woken = {
            let mut attempts = self.attempts.lock().unwrap();
            let woken = balls.iter().all(|ball| attempts.contains(ball));
            attempts.extend(balls);
            woken
        };
        if !woken {
            pending::<()>().await;
        }
        self.seen.lock().unwrap().extend(balls);
    }

    /// What was done, in the order of the balls.
    fn seen(&self) -> Vec<u64> {
        let mut seen = self.seen.lock().unwrap().clone();
        seen.sort_unstable();
        seen
    }
}

impl Effect for Dozer {
    const NAME: &'static str = "dozer";
    const START: Start = Start::Beginning;
    const RETRIES: Retries = SOON;
    const TIME_LIMIT: Duration = Duration::from_millis(30);
    type When = ServerEvent;

    async fn run(&self, event: &Recorded<ServerEvent>, _: &CommandId) -> Outcome {
        let ServerEvent::Served(Served { ball }) = &event.event;
        self.doze(&[*ball]).await;
        Outcome::done()
    }
}

/// The same for many at a time.
struct Dozers(Dozer);

impl BatchEffect for Dozers {
    const NAME: &'static str = "dozers";
    const START: Start = Start::Beginning;
    const RETRIES: Retries = SOON;
    const SIZE: BatchSize = BatchSize { events: 4, ..BatchSize::DEFAULT };
    const TIME_LIMIT: Duration = Duration::from_millis(30);
    type When = ServerEvent;

    async fn run(&self, batch: &Batch<ServerEvent>) -> BatchOutcome {
        let balls = batch.iter().map(|(_, it)| {
            let ServerEvent::Served(Served { ball }) = &it.event.event;
            *ball
        });
        self.0.doze(&balls.collect::<Vec<_>>()).await;
        BatchOutcome::Done
    }
}

#[tokio::test]
async fn an_effect_that_hangs_is_cut_off_and_tried_again_and_nothing_is_parked() {
    let world = World::start().await;
    let (single, many) = (Dozer::default(), Dozer::default());
    let composition = table().effect(single.clone()).batch_effect(Dozers(many.clone()));
    for ball in 1..=4 {
        world.serve(&format!("id-{}", ball % 2), ball).await;
    }
    let handlers = world.steady_handlers(&composition, "one").await;
    for handler in ["dozer", "dozers"] {
        let report = world.reached(handler, world.last().await).await;
        assert!(report.retries > 0, "{report:?}");
    }
    assert_eq!((single.seen(), many.seen()), (vec![1, 2, 3, 4], vec![1, 2, 3, 4]));
    assert_eq!(world.letters().await.list(None).await.unwrap(), []);
    handlers.stop().await;
}

//! Leases and checkpoints on a real server: one owner at a time, and a fence behind it.

use std::{path::Path, time::Duration};

use async_nats::jetstream::{self, kv};
use kit::Position;
use nats::names;
use tempfile::TempDir;
use tokio::{task::JoinSet, time::timeout};

use super::{
    Gauge,
    cell::Cell,
    checkpoint::{Checkpoint, CheckpointError, CheckpointRecord},
    lease::{Contender, Lease},
};
use crate::{
    broker::{Broker, BrokerOptions, find_or_install},
    composition::{HandlerInfo, HandlerKind},
    connection::{ConnectOptions, connect},
    provision::{ProvisionOptions, provision},
};

const TTL: Duration = Duration::from_millis(600);
/// Only a test that fails waits this long.
const LIMIT: Duration = Duration::from_secs(30);

struct Bench {
    broker: Broker,
    leases: kv::Store,
    checkpoints: kv::Store,
    _folder: TempDir,
}

async fn bench() -> Bench {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.headwater");
    let binary = find_or_install(&data).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut options = BrokerOptions::new(binary, folder.path());
    options.sync_always = false;
    let broker = Broker::start(options).await.unwrap();
    let client = connect(&ConnectOptions::new(broker.url())).await.unwrap();
    provision(&client, &ProvisionOptions::default()).await.unwrap();
    let context = jetstream::new(client);
    let leases = context.get_key_value(names::LEASES).await.unwrap();
    let checkpoints = context.get_key_value(names::CHECKPOINTS).await.unwrap();
    Bench { broker, leases, checkpoints, _folder: folder }
}

impl Bench {
    fn contender(&self, owner: &str) -> Contender {
        let gauge = Gauge::new(HandlerInfo { name: "welcome", kind: HandlerKind::Policy }, None);
        Contender::new(Cell::new(&self.leases, "welcome"), gauge, owner.to_owned(), TTL)
    }

    async fn wins(&self, owner: &str) -> Lease {
        timeout(LIMIT, self.contender(owner).win()).await.unwrap()
    }

    fn checkpoint(&self) -> Cell<CheckpointRecord> {
        Cell::new(&self.checkpoints, "welcome")
    }
}

#[tokio::test]
async fn of_many_contenders_one_wins_at_a_time() {
    let bench = bench().await;
    let mut contenders = JoinSet::new();
    for at in 0..10 {
        let mut contender = bench.contender(&format!("instance-{at}"));
        contenders.spawn(async move { contender.win().await });
    }
    let mut epoch = 0;
    for _ in 0..10 {
        let lease = timeout(LIMIT, contenders.join_next()).await.unwrap().unwrap().unwrap();
        assert!(lease.epoch > epoch, "each epoch is later than the one before");
        epoch = lease.epoch;
        assert!(contenders.try_join_next().is_none(), "while one owns it no other does");
        lease.release().await;
    }
}

#[tokio::test]
async fn a_lease_that_is_renewed_is_not_taken_and_one_that_stands_still_is() {
    let bench = bench().await;
    let first = bench.wins("one").await;
    let mut second = bench.contender("two");
    assert!(timeout(TTL * 3, second.win()).await.is_err(), "the owner lives");
    // Dropping it stops the renewals, as a death would.
    let epoch = first.epoch;
    drop(first);
    let taken = timeout(LIMIT, second.win()).await.unwrap();
    assert!(taken.epoch > epoch);
}

#[tokio::test]
async fn an_owner_that_cannot_renew_knows_by_its_own_clock_that_it_owns_no_more() {
    let mut bench = bench().await;
    let lease = bench.wins("one").await;
    bench.broker.kill();
    timeout(LIMIT, lease.lost.cancelled()).await.unwrap();
    assert!(!lease.validity().borrow().holds());
}

#[tokio::test]
async fn a_former_owner_cannot_move_the_checkpoint() {
    let bench = bench().await;
    let mut former = Checkpoint::take_over(bench.checkpoint(), 5, Position(2)).await.unwrap();
    former.advance(Position(3)).await.unwrap();
    let mut owner = Checkpoint::take_over(bench.checkpoint(), 9, Position(2)).await.unwrap();
    assert_eq!(owner.position, Position(3), "the owner goes on where the former one was");
    assert_eq!(former.advance(Position(7)).await, Err(CheckpointError::Fenced));
    owner.advance(Position(4)).await.unwrap();
    let (stands, _) = bench.checkpoint().read().await.unwrap();
    assert_eq!(stands, Some(CheckpointRecord { position: Position(4), epoch: 9, reset: None }));
    let late = Checkpoint::take_over(bench.checkpoint(), 5, Position(2)).await;
    assert!(matches!(late, Err(CheckpointError::Fenced)), "nor take it over again");
}

#[tokio::test]
async fn an_owner_whose_own_write_was_not_answered_goes_on() {
    let bench = bench().await;
    let mut owner = Checkpoint::take_over(bench.checkpoint(), 5, Position(2)).await.unwrap();
    // Landed, though the owner never heard of it.
    let (_, revision) = bench.checkpoint().read().await.unwrap();
    let landed = CheckpointRecord { position: Position(6), epoch: 5, reset: None };
    bench.checkpoint().write(&landed, revision).await.unwrap();
    owner.advance(Position(4)).await.unwrap();
    assert_eq!(owner.position, Position(6), "a checkpoint never goes back");
    owner.advance(Position(8)).await.unwrap();
}

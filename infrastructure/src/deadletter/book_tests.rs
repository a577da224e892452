//! A handler's dead letters on a real server: a later owner fences an earlier one.

use std::{path::Path, time::Duration};

use kit::Position;
use tempfile::TempDir;
use tokio::time::timeout;

use super::{book::Book, queue::Queue, wire_tests::parked_at, *};
use crate::{
    broker::{Broker, BrokerOptions, find_or_install},
    composition::{HandlerInfo, HandlerKind},
    connection::{ConnectOptions, connect},
    handler::{Feed, Gauge},
    provision::{ProvisionOptions, provision},
};

/// Only a test that fails waits this long.
const LIMIT: Duration = Duration::from_secs(30);
const KEY: &str = "event.person.ada";

fn gauge() -> Gauge {
    Gauge::new(HandlerInfo { name: "welcome", kind: HandlerKind::Policy }, None)
}

struct Bench {
    client: async_nats::Client,
    queue: Queue,
    _broker: Broker,
    _folder: TempDir,
}

impl Bench {
    async fn start() -> Self {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.headwater");
        let binary = find_or_install(&data).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut options = BrokerOptions::new(binary, folder.path());
        options.sync_always = false;
        let broker = Broker::start(options).await.unwrap();
        let client = connect(&ConnectOptions::new(broker.url())).await.unwrap();
        provision(&client, &ProvisionOptions::default()).await.unwrap();
        let queue = Queue::open(&client).await.unwrap();
        Self { client, queue, _broker: broker, _folder: folder }
    }

    async fn owner(&self, epoch: u64) -> (Book, Feed) {
        Book::open(self.queue.clone(), "welcome", epoch, "one", gauge()).await.unwrap()
    }

    async fn listed(&self) -> Vec<DeadLetter> {
        let letters = DeadLetters::open(&self.client).await.unwrap();
        letters.list(Some("welcome")).await.unwrap()
    }
}

fn parked(position: u64, epoch: u64) -> Record {
    let at = Cursor { position: Position(position), index: 0 };
    parked_at(Place { id: None, kind: None, at }, epoch)
}

/// What the feed brings next about a key.
async fn next(book: &Book, feed: &mut Feed) -> Followed {
    loop {
        let item = timeout(LIMIT, feed.next()).await.expect("something comes").unwrap();
        let followed = book.follow(&item);
        if followed != Followed::Nothing {
            return followed;
        }
    }
}

#[tokio::test]
async fn a_later_owner_finds_what_the_one_before_parked() {
    let bench = Bench::start().await;
    let (former, _) = bench.owner(5).await;
    former.append(KEY, parked(7, 5)).await.unwrap();
    let (owner, _) = bench.owner(9).await;
    assert_eq!(owner.at(KEY), Some(Cursor { position: Position(7), index: 0 }));
    assert_eq!(owner.parked(), 1);
    owner.release(KEY, Position(8)).await.unwrap();
    assert_eq!((owner.parked(), bench.listed().await.len()), (0, 0));
}

#[tokio::test]
async fn what_a_former_owner_parks_too_late_does_not_count_and_is_answered() {
    let bench = Bench::start().await;
    let (former, _) = bench.owner(5).await;
    let (owner, mut feed) = bench.owner(9).await;
    former.append(KEY, parked(7, 5)).await.unwrap();
    assert_eq!(bench.listed().await, [], "whoever reads the marks knows at once");
    assert_eq!(next(&owner, &mut feed).await, Followed::Stale(KEY.to_owned()));
    assert_eq!(owner.at(KEY), None);
    owner.repair(KEY).await.unwrap();
    let letters = DeadLetters::open(&bench.client).await.unwrap();
    let key =
        Key { handler: "welcome".into(), aggregate: "person".into(), id: "ada".parse().unwrap() };
    let history = letters.history(&key).await.unwrap();
    let last = history.last().unwrap().record.as_ref().unwrap();
    assert!(matches!(last, Record::Released(it) if it.epoch == 9), "{last:?}");
}

#[tokio::test]
async fn what_a_former_owner_releases_too_late_is_parked_again() {
    let bench = Bench::start().await;
    let (former, _) = bench.owner(5).await;
    former.append(KEY, parked(7, 5)).await.unwrap();
    let (owner, mut feed) = bench.owner(9).await;
    former.release(KEY, Position(7)).await.unwrap();
    assert_eq!(next(&owner, &mut feed).await, Followed::Stale(KEY.to_owned()));
    owner.repair(KEY).await.unwrap();
    let listed = bench.listed().await;
    assert_eq!((listed.len(), listed[0].parked.epoch), (1, 9));
}

#[tokio::test]
async fn a_former_owner_that_meets_a_record_of_a_later_one_knows_that_it_is_late() {
    let bench = Bench::start().await;
    let (former, mut feed) = bench.owner(5).await;
    let (owner, _) = bench.owner(9).await;
    owner.append(KEY, parked(7, 9)).await.unwrap();
    assert_eq!(former.append(KEY, parked(7, 5)).await, Err(BookError::Fenced));
    assert_eq!(next(&former, &mut feed).await, Followed::Fenced);
    let again = Book::open(bench.queue.clone(), "welcome", 5, "one", gauge()).await;
    assert!(matches!(again, Err(BookError::Fenced)));
}

#[tokio::test]
async fn a_record_goes_on_top_of_what_others_asked_for_meanwhile() {
    let bench = Bench::start().await;
    let (owner, mut feed) = bench.owner(5).await;
    owner.append(KEY, parked(7, 5)).await.unwrap();
    let letters = DeadLetters::open(&bench.client).await.unwrap();
    let letter = bench.listed().await.remove(0);
    let request = super::wire_tests::asked(letter.parked.event.clone());
    let ask = async || letters.request(&letter.key, letter.last, request.clone()).await;
    ask().await.unwrap();
    assert_eq!(ask().await, Err(DeadLettersError::Changed), "the request itself stands there now");
    owner.release(KEY, Position(7)).await.unwrap();
    assert_eq!(bench.listed().await, []);
    assert_eq!(letters.history(&letter.key).await.unwrap().len(), 3);
    // What the feed brings late changes nothing.
    owner.append("event.person.bob", parked(9, 5)).await.unwrap();
    let (later, _) = bench.owner(6).await;
    assert_eq!(next(&owner, &mut feed).await, Followed::Fenced);
    assert_eq!((owner.at(KEY), later.at(KEY), later.parked()), (None, None, 1));
}

#[tokio::test]
async fn a_request_about_a_key_that_does_not_stand_still_is_answered() {
    let bench = Bench::start().await;
    let (owner, mut feed) = bench.owner(5).await;
    owner.append(KEY, parked(7, 5)).await.unwrap();
    let letter = bench.listed().await.remove(0);
    owner.release(KEY, Position(7)).await.unwrap();
    let letters = DeadLetters::open(&bench.client).await.unwrap();
    let last = letters.history(&letter.key).await.unwrap().last().unwrap().sequence;
    let request = super::wire_tests::asked(letter.parked.event.clone());
    letters.request(&letter.key, last, request).await.unwrap();
    assert_eq!(next(&owner, &mut feed).await, Followed::Stale(KEY.to_owned()));
    owner.repair(KEY).await.unwrap();
    let history = letters.history(&letter.key).await.unwrap();
    assert!(matches!(history.last().unwrap().record, Ok(Record::Released(_))), "{history:?}");
}

#[tokio::test]
async fn an_answer_to_a_former_owner_never_takes_back_what_the_lane_of_the_key_wrote_meanwhile() {
    let bench = Bench::start().await;
    let (former, _) = bench.owner(5).await;
    let (owner, mut feed) = bench.owner(9).await;
    // As the lane of the key: it writes between what is known here and the answer.
    let (lane, _) = bench.owner(9).await;
    former.append(KEY, parked(7, 5)).await.unwrap();
    assert_eq!(next(&owner, &mut feed).await, Followed::Stale(KEY.to_owned()));
    lane.append(KEY, parked(8, 9)).await.unwrap();
    owner.repair(KEY).await.unwrap();
    let at = Cursor { position: Position(8), index: 0 };
    assert_eq!(owner.at(KEY), Some(at), "the event at 8 would be lost");
    assert_eq!(bench.listed().await[0].at, at);
}

#[tokio::test]
async fn a_request_that_an_answer_met_on_its_way_is_acted_upon() {
    let bench = Bench::start().await;
    let (former, _) = bench.owner(5).await;
    former.append(KEY, parked(7, 5)).await.unwrap();
    let (owner, mut feed) = bench.owner(9).await;
    former.release(KEY, Position(7)).await.unwrap();
    assert_eq!(next(&owner, &mut feed).await, Followed::Stale(KEY.to_owned()));
    let letter = bench.listed().await.remove(0);
    let letters = DeadLetters::open(&bench.client).await.unwrap();
    let request = super::wire_tests::asked(letter.parked.event.clone());
    letters.request(&letter.key, letter.last, request).await.unwrap();
    owner.repair(KEY).await.unwrap();
    assert_eq!(next(&owner, &mut feed).await, Followed::Due(KEY.to_owned()));
    assert!(matches!(owner.head(KEY).unwrap().standing, Standing::Requested(_)));
}

#[tokio::test]
async fn a_drain_that_had_begun_goes_on_after_a_request_that_came_too_late_for_its_event() {
    let bench = Bench::start().await;
    let (owner, mut feed) = bench.owner(9).await;
    owner.append(KEY, parked(7, 9)).await.unwrap();
    let to = Cursor { position: Position(9), index: 0 };
    let drained = Drained { to, epoch: 9, time: chrono::Utc::now() };
    owner.append(KEY, Record::Drained(drained)).await.unwrap();
    let letter = bench.listed().await.remove(0);
    let letters = DeadLetters::open(&bench.client).await.unwrap();
    let asked = super::wire_tests::asked(letter.parked.event.clone());
    let request = Requested { action: Action::Discard, ..asked };
    letters.request(&letter.key, letter.last, request).await.unwrap();
    assert_eq!(next(&owner, &mut feed).await, Followed::Due(KEY.to_owned()));
    let head = owner.head(KEY).unwrap();
    assert_eq!(owner.decide(KEY, &head).await, Ok(true));
    let head = owner.head(KEY).unwrap();
    assert_eq!((head.at, head.standing), (to, Standing::Draining));
    let history = letters.history(&letter.key).await.unwrap();
    assert!(matches!(history.last().unwrap().record, Ok(Record::Declined(_))), "{history:?}");
}

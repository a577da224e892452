//! Personal data on a real server: sealed wherever they are kept, and gone from all of it once they
//! are erased.

mod world;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Once,
};

use async_nats::jetstream;
use infrastructure::{
    backup::{Progress, backup},
    histories::{At, Histories},
    readmodel::{Verification, verify},
    receipts::CommandHash,
    request::Status,
    runtime::{Roles, Runtime, RuntimeOptions},
    sealing::MasterKeys,
};
use serde_json::{Value, json};
use tests::{LIMIT, eventually};
use tokio::{runtime::Handle, task::block_in_place};
use tokio_util::sync::CancellationToken;

use self::world::World;
use crate::service::options;

/// What nobody may find, in whatever is kept.
const PERSONAL: [&str; 9] = [
    "ada@example.org",
    "moss-green",
    "files.example.org",
    "shade-77",
    "192.0.2.77",
    "Ada Lovelace",
    "the card of Ada",
    "billing-ada",
    "ada-changed",
];

fn found(kept: &BTreeMap<String, Vec<u8>>, text: &str) -> Vec<String> {
    let holds = |bytes: &[u8]| bytes.windows(text.len()).any(|it| it == text.as_bytes());
    kept.iter().filter(|(_, bytes)| holds(bytes)).map(|(at, _)| at.clone()).collect()
}

fn of<'a>(kept: &'a BTreeMap<String, Vec<u8>>, subject: &str) -> Vec<&'a Vec<u8>> {
    kept.iter().filter(|(at, _)| at.ends_with(&format!(" {subject}"))).map(|(_, it)| it).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_erased_is_nowhere_any_more_and_the_rest_is_as_it_was() {
    let world = World::start().await;
    let instance = world.instance("one", Roles::default()).await;
    world.filled("ada", "ada").await;
    world.filled("bob", "bob").await;
    eventually("there is a snapshot", LIMIT, async || {
        (!of(&world.kept().await, "$KV.SNAPSHOTS.design.ada").is_empty()).then_some(())
    })
    .await;
    let before = world.kept().await;
    for personal in PERSONAL {
        assert_eq!(found(&before, personal), Vec::<String>::new(), "{personal} before the erasure");
    }
    let body = json!({"email": "ada@example.org"}).to_string();
    let hash = CommandHash::of("submit-request", body.as_bytes()).to_hex();
    assert_eq!(found(&before, &hash), Vec::<String>::new(), "what a command said can be guessed");
    assert!(world.rows().await.contains("ada@example.org"), "readers may read it");

    world.send("ada", "erase-personal-data", &json!({})).await.unwrap();
    for key in ["design.ada", "stripe-event.evt_ada"] {
        world.until_destroyed(key).await;
    }
    eventually("it is gone from the rows", LIMIT, async || {
        (!world.rows().await.contains("ada@example.org")).then_some(())
    })
    .await;
    let (after, rows) = (world.kept().await, world.rows().await);
    for personal in PERSONAL {
        assert_eq!(found(&after, personal), Vec::<String>::new(), "{personal}");
        let of_ada = personal.contains("ada") || personal.contains("Ada");
        assert!(!of_ada || !rows.contains(personal), "{personal}");
    }
    for subject in ["event.design.ada", "event.stripe-event.evt_ada"] {
        let (log, now) = (of(&before, subject), of(&after, subject));
        assert!(now[..log.len()] == log, "the log's bytes stay as they were");
    }
    let snapshot = of(&after, "$KV.SNAPSHOTS.design.ada");
    assert!(
        snapshot.iter().all(|it| String::from_utf8_lossy(it).contains("PURGE")),
        "{snapshot:?}"
    );
    assert_eq!(world.row("ada").await.unwrap()["email"], Value::Null);
    assert_eq!(world.row("bob").await.unwrap()["email"], "bob@example.org");
    assert_eq!(world.is_destroyed("design.bob").await, Some(false));
    instance.drain().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_that_reads_the_log_goes_on_after_an_erasure() {
    let world = World::start().await;
    let instance = world.instance("one", Roles::default()).await;
    world.filled("ada", "ada").await;
    let histories =
        Histories::open(world.client.connection().clone(), world.composition().aggregates());
    let histories = histories.await.unwrap().opening(world.keys());
    let id = "ada".parse().unwrap();
    let past = histories.state("design", &id, At::Version(kit::Version(1))).await.unwrap();
    assert!(past.state.get().contains("ada@example.org"));

    let erased = world.send("ada", "erase-personal-data", &json!({})).await.unwrap();
    world.until_destroyed("design.ada").await;
    world.until_destroyed("stripe-event.evt_ada").await;
    // A second instance, which knows nothing of the first one's cache.
    instance.drain().await;
    let instance = world.instance("two", Roles::default()).await;

    let histories = histories.opening(world.keys());
    for at in [At::Now, At::Version(kit::Version(1)), At::Version(erased.version)] {
        let past = histories.state("design", &id, at).await.unwrap();
        assert!(!past.state.get().contains("ada@"), "{}", past.state);
    }
    let refused = world.send("ada", "submit-request", &json!({"email": "ada@example.org"})).await;
    assert_eq!(refused.unwrap_err().code, "personal-data-erased");
    let again = world.send("ada", "erase-personal-data", &json!({})).await.unwrap();
    assert_eq!(again.status, Status::Unchanged);
    let late = json!({"intent_id": "pi_ada", "fact": "failed", "amount": 4990, "currency": "eur",
        "at": "2026-01-03T00:00:00Z", "failure_code": "late", "failure_reason": "the card of Ada",
        "provenance": {"created_by": "Ada Lovelace"}});
    let paid = world.send("ada", "record-payment", &late).await.unwrap();
    assert_eq!(paid.status, Status::Committed);
    eventually("the payment is in the rows", LIMIT, async || {
        (world.row("ada").await?["payment_failure_code"] == "late").then_some(())
    })
    .await;
    assert_eq!(found(&world.kept().await, "the card of Ada"), Vec::<String>::new());
    assert_eq!(world.is_destroyed("design.ada").await, Some(true), "no other key is made");

    let asked = Verification {
        projection: "design-requests".to_owned(),
        generation: None,
        store: world.server.folder().join("store.sqlite").into(),
        scratch: world.server.folder().join("scratch.sqlite"),
    };
    let verdict = verify(world.client.connection(), &world.composition(), &asked, |_| {}).await;
    assert!(verdict.as_ref().unwrap().is_sound(), "{verdict:?}");
    instance.drain().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_whose_instance_died_before_the_key_was_destroyed_is_carried_out_by_the_next() {
    let world = World::start().await;
    let only_commands =
        Roles { policies: false, durable: false, projections: false, ..Roles::default() };
    let instance = world.instance("one", only_commands).await;
    world.send("ada", "create-request", &json!({"email": "ada@example.org"})).await.unwrap();
    world.send("ada", "erase-personal-data", &json!({})).await.unwrap();
    world.send("bob", "create-request", &json!({"email": "bob@example.org"})).await.unwrap();
    world.send("bob", "erase-personal-data", &json!({})).await.unwrap();
    instance.drain().await;
    assert_eq!(world.is_destroyed("design.ada").await, Some(false));
    // As somebody leaves it who dies between the key and the mark in its place.
    let context = jetstream::new(world.client.connection().clone());
    let bucket = context.get_key_value("KEYS").await.unwrap();
    let key = bucket.entry("design.bob").await.unwrap().unwrap();
    bucket.stream.delete_message(key.revision).await.unwrap();
    // And as if the program before had not known of the effect: what is erased is never too old for it.
    let registered = context.get_key_value("HANDLERS").await.unwrap();
    registered.purge("destroy-keys").await.unwrap();
    let instance = world.instance("two", Roles::default()).await;
    world.until_destroyed("design.ada").await;
    world.until_destroyed("design.bob").await;
    instance.drain().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_the_log_has_the_keys_of_all_that_is_sealed_in_it_whatever_comes_meanwhile() {
    let world = World::start().await;
    let only_commands =
        Roles { policies: false, durable: false, projections: false, ..Roles::default() };
    let instance = world.instance("one", only_commands).await;
    let email = json!({"email": "ada@example.org"});
    world.send("ada", "create-request", &email).await.unwrap();
    let (folder, comes, runtime) = (tempfile::tempdir().unwrap(), Once::new(), Handle::current());
    // Somebody comes when the last key has just been copied.
    let seen = |Progress { stream, at, of, .. }: Progress<'_>| {
        if stream == "KV_KEYS" && at == of {
            comes.call_once(|| {
                let sent = world.send("bob", "create-request", &email);
                block_in_place(|| runtime.block_on(sent)).unwrap();
            });
        }
    };
    let (client, stop) = (world.client.connection(), CancellationToken::new());
    let copy = Box::pin(backup(client, folder.path(), (&seen, &stop))).await.unwrap();
    assert!(comes.is_completed());
    let subjects = |stream: &str| {
        let mut records = copy.volume(stream).unwrap().read(0);
        let subject = || records.take().unwrap().map(|kept| kept.subject);
        std::iter::from_fn(subject).collect::<BTreeSet<_>>()
    };
    let keys = subjects("KV_KEYS");
    for subject in subjects("EVENTS") {
        let key = subject.replacen("event.", "$KV.KEYS.", 1);
        assert!(keys.contains(&key), "{subject} is sealed, and there is no key for it");
    }
    instance.drain().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_without_the_master_key_of_the_others_does_not_start() {
    let world = World::start().await;
    let instance = world.instance("one", Roles::default()).await;
    let with = async |newest: [u8; 32], others: &[[u8; 32]]| {
        let options = RuntimeOptions {
            master_keys: Some(MasterKeys::new(&newest, others)),
            store: world.server.folder().join("store.sqlite").into(),
            ..options(&world.server, "two")
        };
        Runtime::start(options).await
    };
    let refused = with([9; 32], &[]).await.unwrap_err();
    assert!(refused.to_string().contains("master-key-differs"), "{refused}");
    instance.drain().await;
}

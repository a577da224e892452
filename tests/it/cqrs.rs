//! Any aggregate of `cqrs-es` runs on our stores: a stranger's bank account, and our own person.

mod account;
mod guest;
mod sealing;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use chrono::Utc;
use cqrs_es::{AggregateContext, AggregateError, CqrsFramework, EventEnvelope, EventStore, Query};
use domain::person::{Person, PersonCommand, PersonEvent};
use infrastructure::{
    cqrs::{CqrsStore, KitEvents},
    envelope::{Draft, encode_drafts},
    jetstream::{JetStreamOptions, JetStreamStore},
    memory::{Fault, MemoryStore},
    provision::{ProvisionOptions, provision},
    store::{Store, StreamKey},
};
use kit::{Actor, Command, Context, ContextSource, Metadata, Position, Secret, Version};
use tests::Server;
use uuid::Uuid;

use self::account::{Account, AccountCommand, AccountError, AccountEvent};

async fn jetstream() -> (Server, JetStreamStore) {
    let server = Server::start().await;
    let (append, read) = (server.client().await, server.client().await);
    provision(&read, &ProvisionOptions::default()).await.unwrap();
    let store = JetStreamStore::new(append, read, JetStreamOptions::default()).await.unwrap();
    (server, store)
}

/// Collects what the framework hands to its queries.
#[derive(Debug, Clone, Default)]
struct Statement(Arc<Mutex<Vec<(usize, AccountEvent)>>>);

#[async_trait::async_trait]
impl Query<Account> for Statement {
    async fn dispatch(&self, _id: &str, events: &[EventEnvelope<Account>]) {
        let lines = events.iter().map(|event| (event.sequence, event.payload.clone()));
        self.0.lock().unwrap().extend(lines);
    }
}

#[tokio::test]
async fn an_account_of_plain_cqrs_es_lives_on_jetstream() {
    let (_server, store) = jetstream().await;
    let (store, statement) = (CqrsStore::new(store), Statement::default());
    let bank =
        CqrsFramework::<Account, _>::new(store.clone(), vec![Box::new(statement.clone())], ());
    let id = Uuid::now_v7().to_string();
    bank.execute(&id, AccountCommand::Open { owner: "Ada".to_owned() }).await.unwrap();
    bank.execute(&id, AccountCommand::Deposit { cents: 500 }).await.unwrap();
    bank.execute(&id, AccountCommand::Deposit { cents: 0 }).await.unwrap();
    let refused = bank.execute(&id, AccountCommand::Withdraw { cents: 501 }).await;
    let refusal =
        matches!(refused, Err(AggregateError::UserError(AccountError::TooLittle { cents: 500 })));
    assert!(refusal, "{refused:?}");
    bank.execute(&id, AccountCommand::Withdraw { cents: 200 }).await.unwrap();
    let mut open = EventStore::<Account>::load_aggregate(&store, &id).await.unwrap();
    assert_eq!(open.aggregate().cents, 300);
    bank.execute(&id, AccountCommand::Settle).await.unwrap();

    let wanted = [
        AccountEvent::Opened { owner: "Ada".to_owned() },
        AccountEvent::Deposited { cents: 500 },
        AccountEvent::Withdrawn { cents: 200 },
        AccountEvent::Withdrawn { cents: 300 },
        AccountEvent::Settled,
    ];
    let wanted: Vec<_> = (1..).zip(wanted).collect();
    assert_eq!(*statement.0.lock().unwrap(), wanted);
    let stored: Vec<EventEnvelope<Account>> = store.load_events(&id).await.unwrap();
    let stored: Vec<_> = stored.into_iter().map(|event| (event.sequence, event.payload)).collect();
    assert_eq!(stored, wanted);
}

#[tokio::test]
async fn of_two_contexts_only_one_commits_also_for_a_new_account() {
    let (_server, store) = jetstream().await;
    let store: CqrsStore<_, Account> = CqrsStore::new(store);
    let id = Uuid::now_v7().to_string();
    for round in 0..2 {
        let (one, two) = tokio::join!(store.load_aggregate(&id), store.load_aggregate(&id));
        let events = vec![AccountEvent::Deposited { cents: 1 }];
        let (one, two) = tokio::join!(
            store.commit(events.clone(), one.unwrap(), HashMap::new()),
            store.commit(events, two.unwrap(), HashMap::new()),
        );
        let (won, lost) = if one.is_ok() { (one, two) } else { (two, one) };
        assert_eq!(won.unwrap()[0].sequence, round + 1);
        assert!(matches!(lost, Err(AggregateError::AggregateConflict)), "{lost:?}");
    }
}

#[tokio::test]
async fn metadata_comes_back_as_it_was_given_and_nothing_is_lost_silently() {
    let store: CqrsStore<_, Account> = CqrsStore::new(MemoryStore::new());
    let said: HashMap<String, String> = [
        ("command_id", "deposit-1"),
        ("correlation_id", "payday"),
        ("causation_id", "employer"),
        ("user_id", "ada"),
        ("session_id", "s"),
        ("request_id", "r"),
        ("hops", "3"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into();
    let context = store.load_aggregate("a").await.unwrap();
    let events = vec![AccountEvent::Deposited { cents: 1 }];
    let answered = store.commit(events.clone(), context, said.clone()).await.unwrap();
    let loaded = store.load_events("a").await.unwrap();
    assert_eq!(answered[0].metadata, loaded[0].metadata);
    for (key, value) in &said {
        assert_eq!(loaded[0].metadata.get(key), Some(value), "{key}");
    }
    for (key, value) in [("colour", "red"), ("hops", "many"), ("command_id", "a b")] {
        let context = store.load_aggregate("a").await.unwrap();
        let metadata = HashMap::from([(key.to_owned(), value.to_owned())]);
        let answer = store.commit(events.clone(), context, metadata).await;
        assert!(matches!(answer, Err(AggregateError::UnexpectedError(_))), "{key}: {answer:?}");
    }
    assert_eq!(store.load_events("a").await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_answer_that_gets_lost_is_settled_before_the_framework_hears_of_it() {
    for fault in [Fault::AckLost, Fault::RequestLost, Fault::UnderWay] {
        let memory = MemoryStore::new();
        let store: CqrsStore<_, Account> = CqrsStore::new(memory.clone());
        let context = store.load_aggregate("a").await.unwrap();
        memory.fault(fault);
        let events = vec![AccountEvent::Deposited { cents: 7 }];
        store.commit(events, context, HashMap::new()).await.unwrap();
        memory.land();
        assert_eq!(store.load_aggregate("a").await.unwrap().aggregate().cents, 7);
    }
}

#[tokio::test]
async fn an_id_that_would_change_the_subject_is_refused() {
    let store: CqrsStore<_, Account> = CqrsStore::new(MemoryStore::new());
    for id in ["", "a.b", "*", ">"] {
        let answer = store.load_aggregate(id).await;
        assert!(matches!(answer, Err(AggregateError::UnexpectedError(_))), "{id:?}: {answer:?}");
    }
}

#[tokio::test]
async fn a_history_with_a_gap_is_not_loaded() {
    let memory = MemoryStore::new();
    let store: CqrsStore<_, Account> = CqrsStore::new(memory.clone());
    let body = raw("account", "deposited", 2, &[(2, r#"{"Deposited":{"cents":1}}"#)]);
    memory.append(&key("account"), Position::ZERO, body).await.unwrap();
    let answer = store.load_aggregate("a").await;
    assert!(matches!(answer, Err(AggregateError::DeserializationError(_))), "{answer:?}");
}

fn key(aggregate: &str) -> StreamKey {
    StreamKey { aggregate: aggregate.into(), id: "a".parse().unwrap() }
}

/// A commit as older code may have written it: versions of the aggregate and data.
fn raw(aggregate: &str, kind: &str, schema_version: u32, events: &[(u64, &str)]) -> Bytes {
    let metadata = Metadata {
        command_id: "old".parse().unwrap(),
        command_hash: String::new(),
        correlation_id: "old".to_owned(),
        causation_id: None,
        user_id: None,
        session_id: None,
        request_id: None,
        hops: 0,
        traceparent: None,
    };
    let drafts = events.iter().map(|(version, data)| Draft {
        id: Uuid::now_v7(),
        kind,
        schema_version,
        version: Version(*version),
        time: Utc::now(),
        data: data.as_bytes(),
        sealed: None,
        metadata: &metadata,
    });
    encode_drafts(&key(aggregate), drafts).unwrap()
}

#[tokio::test]
async fn a_person_of_ours_runs_on_the_same_framework_and_reads_its_oldest_events() {
    let (_server, store) = jetstream().await;
    let created = include_str!("../../domain/tests/wire/person/person-created.v1.json");
    let created = raw("person", "person-created", 1, &[(1, created)]);
    store.append(&key("person"), Position::ZERO, created).await.unwrap();
    let store: CqrsStore<_, Person, _> = CqrsStore::with_codec(store, KitEvents);
    let source = ContextSource::new(|| {
        let command = Uuid::now_v7().into();
        Context::new(Utc::now(), Actor::default(), command, Secret::new([7; 32]))
    });
    let people = CqrsFramework::new(store.clone(), vec![], source);
    let birth_date = PersonCommand::read("set-birth-date", br#"{"date":"1985-12-10"}"#).unwrap();
    people.execute("a", birth_date).await.unwrap();

    let events: Vec<EventEnvelope<Person>> = store.load_events("a").await.unwrap();

    assert!(matches!(&events[0].payload, PersonEvent::PersonCreated(_)), "{:?}", events[0]);
    assert!(matches!(&events[1].payload, PersonEvent::BirthDateSet(_)), "{:?}", events[1]);
    assert_eq!((events.len(), events[1].sequence), (2, 2));
}

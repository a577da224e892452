//! What is personal in the events of any `cqrs-es` aggregate is sealed, gone with its key, and wrapped anew
//! under another master key.

use std::sync::atomic::{AtomicU64, Ordering};

use async_nats::{Client, jetstream};
use cqrs_es::{AggregateContext, AggregateError, CqrsFramework, EventEnvelope, EventStore};
use infrastructure::{
    cqrs::CqrsStore,
    jetstream::JetStreamStore,
    sealing::{Keys, MasterKeys},
};
use kit::Personal;
use tests::Server;
use tokio_util::sync::CancellationToken;

use super::{
    guest::{Guest, GuestEvent},
    jetstream as store,
};

type Guests = CqrsStore<JetStreamStore, Guest>;

const OLD: [u8; 32] = [8; 32];
const NEW: [u8; 32] = [9; 32];

/// The guests as an instance with these master keys has them, which remembers no key.
async fn guests(server: &Server, store: &JetStreamStore, masters: MasterKeys) -> (Guests, Keys) {
    let keys = Keys::new(server.client().await, masters);
    let opened = store.clone().opening(Some(keys.clone()));
    (CqrsStore::new(opened).sealing(keys.clone()), keys)
}

async fn bodies(client: &Client) -> Vec<String> {
    let log = jetstream::new(client.clone()).get_stream("EVENTS").await.unwrap();
    let mut bodies = Vec::new();
    for sequence in 1..=log.cached_info().state.last_sequence {
        let message = log.get_raw_message(sequence).await.unwrap();
        bodies.push(String::from_utf8(message.payload.to_vec()).unwrap());
    }
    bodies
}

fn payloads(events: Vec<EventEnvelope<Guest>>) -> Vec<GuestEvent> {
    events.into_iter().map(|event| event.payload).collect()
}

#[tokio::test]
async fn what_is_personal_in_its_events_is_sealed_and_gone_with_its_key() {
    let (server, store) = store().await;
    let plain: Guests = CqrsStore::new(store.clone());
    let came = GuestEvent::came("Ada Lovelace");
    let context = plain.load_aggregate("ada").await.unwrap();
    let refused = plain.commit(vec![came.clone()], context, Default::default()).await;
    assert!(matches!(refused, Err(AggregateError::UnexpectedError(_))), "{refused:?}");
    let client = server.client().await;
    assert_eq!(bodies(&client).await, Vec::<String>::new(), "never in clear");

    let (hotel, _) = guests(&server, &store, MasterKeys::new(&OLD, &[])).await;
    let desk = CqrsFramework::<Guest, _>::new(hotel.clone(), Vec::new(), ());
    let stayed = GuestEvent::Stayed { nights: 2 };
    for event in [&came, &stayed] {
        desk.execute("ada", event.clone()).await.unwrap();
    }
    let stored = bodies(&client).await;
    assert!(stored.iter().all(|body| !body.contains("Lovelace")), "{stored:?}");
    assert!(stored[0].contains(r#""sealed":"commandhash data.name""#), "{stored:?}");
    assert_eq!(payloads(hotel.load_events("ada").await.unwrap()), [came.clone(), stayed.clone()]);
    let mut ada = hotel.load_aggregate("ada").await.unwrap();
    let known = Guest { name: Some("Ada Lovelace".to_owned()), nights: 2 };
    assert_eq!(*ada.aggregate(), known);

    let unopened = plain.load_events("ada").await.map(payloads);
    assert!(matches!(unopened, Err(AggregateError::DeserializationError(_))), "{unopened:?}");
    let (other, _) = guests(&server, &store, MasterKeys::new(&NEW, &[])).await;
    assert!(other.load_events("ada").await.is_err(), "another master key opens nothing");

    let (late, keys) = guests(&server, &store, MasterKeys::new(&OLD, &[])).await;
    keys.destroy("guest", &"ada".parse().unwrap()).await.unwrap();
    let erased = GuestEvent::Came { name: Personal::Erased, room: 7 };
    assert_eq!(payloads(late.load_events("ada").await.unwrap()), [erased, stayed.clone()]);
    let desk = CqrsFramework::<Guest, _>::new(late.clone(), Vec::new(), ());
    let refused = desk.execute("ada", came).await;
    assert!(matches!(refused, Err(AggregateError::UnexpectedError(_))), "{refused:?}");
    desk.execute("ada", stayed).await.unwrap();
    let mut ada = late.load_aggregate("ada").await.unwrap();
    assert_eq!(*ada.aggregate(), Guest { name: None, nights: 4 });
}

#[tokio::test]
async fn keys_that_are_wrapped_anew_need_the_old_master_key_no_more() {
    let (server, store) = store().await;
    let (hotel, _) = guests(&server, &store, MasterKeys::new(&OLD, &[])).await;
    let desk = CqrsFramework::<Guest, _>::new(hotel, Vec::new(), ());
    let ids: Vec<String> = (0..20).map(|number| format!("guest-{number}")).collect();
    for id in &ids {
        desk.execute(id, GuestEvent::came(id)).await.unwrap();
    }
    let before = bodies(&server.client().await).await;

    // Nothing is begun where one key could not be unwrapped.
    let (_, foreign) = guests(&server, &store, MasterKeys::new(&NEW, &[[7; 32]])).await;
    assert_eq!(foreign.wrapped().await.unwrap_err().code, "master-key-differs");
    let (_, keys) = guests(&server, &store, MasterKeys::new(&NEW, &[OLD])).await;
    keys.destroy("guest", &"guest-3".parse().unwrap()).await.unwrap();
    let found = keys.wrapped().await.unwrap();
    assert_eq!((found.by_newest, found.others(), found.destroyed), (0, 19, 1));

    let (stop, told) = (CancellationToken::new(), AtomicU64::new(0));
    let seen = |done| {
        told.store(done, Ordering::Relaxed);
        if done == 5 {
            stop.cancel();
        }
    };
    assert_eq!(keys.rewrap(&seen, &stop).await.unwrap(), 5, "it was interrupted");
    let found = keys.wrapped().await.unwrap();
    assert_eq!((told.load(Ordering::Relaxed), found.by_newest, found.others()), (5, 5, 14));
    let (half, _) = guests(&server, &store, MasterKeys::new(&NEW, &[OLD])).await;
    for id in &ids {
        half.load_events(id).await.unwrap();
    }
    assert_eq!(keys.rewrap(&|_| {}, &CancellationToken::new()).await.unwrap(), 14);
    let found = keys.wrapped().await.unwrap();
    assert_eq!((found.by_newest, found.others(), found.destroyed), (19, 0, 1));

    let (hotel, alone) = guests(&server, &store, MasterKeys::new(&NEW, &[])).await;
    for id in &ids {
        let name = match id.as_str() {
            "guest-3" => Personal::Erased,
            id => Personal::Known(id.to_owned()),
        };
        let events = payloads(hotel.load_events(id).await.unwrap());
        assert_eq!(events, [GuestEvent::Came { name, room: 7 }]);
    }
    assert_eq!(alone.wrapped().await.unwrap().by_newest, 19);
    assert_eq!(bodies(&server.client().await).await, before, "the log stays as it is");
    let (_, old) = guests(&server, &store, MasterKeys::new(&OLD, &[])).await;
    assert_eq!(old.wrapped().await.unwrap_err().code, "master-key-differs");
}

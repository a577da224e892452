//! Timers that were set, had fired, or were just firing when a backup was made: each fires once.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use tests::{History, LIMIT, Server, eventually};

use super::{World, run, serve, text};
use crate::timers::recorded;

/// How long what is to be done before a timer is due may take, in one attempt after the other.
const SECONDS: [i64; 3] = [3, 12, 48];

/// An onboarding that ends by itself in so many seconds. When that is.
async fn begun(server: &Server, id: &str, seconds: i64) -> DateTime<Utc> {
    let (soon, late) = (Utc::now() + TimeDelta::seconds(seconds), Utc::now() + TimeDelta::days(3));
    let started = json!({"deadline": soon, "remind_at": late});
    recorded(server, "onboarding", id, &[("onboarding-started", 1, started)]).await;
    soon
}

/// How often the onboarding `id` has ended by itself.
async fn ended(server: &Server, id: &str) -> usize {
    let history = History::read(&server.client().await).await;
    history.assert_sound();
    let events = history.of(&format!("onboarding.{id}")).iter();
    events.filter(|event| event.kind == "onboarding.onboarding-expired").count()
}

/// Waits until the last message on `subject` of the timers is there.
async fn there(server: &Server, subject: &str) {
    let context = async_nats::jetstream::new(server.client().await);
    let timers = context.get_stream("TIMERS").await.unwrap();
    eventually(subject, LIMIT, async || {
        timers.get_last_raw_message_by_subject(subject).await.ok().map(drop)
    })
    .await;
}

async fn once(server: &Server, id: &str) {
    eventually(&format!("{id} has ended"), LIMIT, async || {
        (ended(server, id).await == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_timer_fires_once_wherever_it_was_when_the_backup_was_made() {
    let mut world = World::start().await;
    begun(&world.server, "done", 1).await;
    once(&world.server, "done").await;
    let mut attempts = SECONDS.into_iter();
    // All of it before it is due; a machine that is too slow for that gets four times the time.
    let (due, early) = loop {
        let seconds = attempts.next().expect("this machine is too slow");
        let id = format!("due-{seconds}");
        let due = begun(&world.server, &id, seconds).await;
        there(&world.server, &format!("timer.set.onboarding.{id}.expire")).await;
        assert!(world.service.stop().await);
        let early = world.backup(&format!("early-{seconds}")).await;
        if Utc::now() < due {
            break (id, early);
        }
        world.service = serve(&world.server, &world.sink, "one").await;
    };
    there(&world.server, &format!("timer.due.onboarding.{due}.expire")).await;
    let late = world.backup("late").await;
    for folder in [early, late] {
        let server = Server::start().await;
        run(&server, &["restore", text(&folder)]).await.ok();
        let _service = serve(&server, &world.sink, "two").await;
        once(&server, &due).await;
        super::settled(&server).await;
        assert_eq!((ended(&server, "done").await, ended(&server, &due).await), (1, 1));
    }
}

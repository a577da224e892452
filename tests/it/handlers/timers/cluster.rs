//! Timers on a stream with three replicas, whose leader is killed.

use std::time::{Duration, Instant};

use async_nats::jetstream;
use chrono::{TimeDelta, Utc};
use infrastructure::{handler::report, timers::TimerRecord};
use nats::names;
use serde_json::{Value, json};
use tests::{Cluster, LIMIT, eventually};

use super::{CANCEL, IN_SECONDS, SECONDS, later};
use crate::handlers::world::World;

/// The longest that a nats-server waits before it calls for an election.
const ELECTION: Duration = Duration::from_secs(9);

/// Who leads `TIMERS`; none while nobody does, or something else has no leader.
async fn leader(world: &World) -> Option<String> {
    let context = jetstream::new(world.connection.clone());
    report(&world.connection).await.ok()?;
    context.get_stream(names::EVENTS).await.ok()?.cached_info().cluster.as_ref()?.leader.clone()?;
    context.get_stream(names::TIMERS).await.ok()?.cached_info().cluster.as_ref()?.leader.clone()
}

/// Asks the leader of `TIMERS` to stand down, in favour of what `request` says, until one leads
/// that is `wanted`.
///
/// Who stood down gets the time of an election before the next request: a leader that is sent away
/// as soon as it leads brings nobody up to date, and so a node that was away could never lead.
async fn lead(world: &World, what: &str, request: Value, wanted: impl Fn(&str) -> bool) -> String {
    let context = jetstream::new(world.connection.clone());
    let mut stood_down: Option<Instant> = None;
    eventually(what, LIMIT, async || {
        let found = leader(world).await?;
        if wanted(&found) {
            return Some(found);
        }
        if stood_down.is_none_or(|at| at.elapsed() > ELECTION) {
            let subject = format!("STREAM.LEADER.STEPDOWN.{}", names::TIMERS);
            let answer: Option<Value> = context.request(subject, &request).await.ok();
            stood_down = answer.filter(|answer| answer["success"] == true).map(|_| Instant::now());
        }
        None
    })
    .await
}

/// Waits until `TIMERS` is led by another node than ours.
async fn led_by_another(world: &World) -> String {
    lead(world, "another node leads", json!({}), |node| node != "node-0").await
}

/// Waits until `node` leads `TIMERS`.
async fn leads_again(world: &World, node: &str) {
    let preferred = json!({ "placement": { "preferred": node } });
    lead(world, "the node leads again", preferred, |found| found == node).await;
}

#[tokio::test]
async fn timers_are_kept_moved_and_fired_once_though_their_leader_is_killed() {
    let mut cluster = Cluster::start(3).await;
    let world = World::start_in(cluster.nodes.remove(0), 3).await;
    let handlers = world.handlers(&later(), "one").await;
    let mut attempts = SECONDS.into_iter();
    // All of it before the first is due; a machine that is too slow for that gets twice the time.
    let (seconds, killed, at) = loop {
        let seconds = attempts.next().expect("this machine is too slow");
        let killed = led_by_another(&world).await;
        let (at, due) = (usize::from(killed == "node-2"), Utc::now() + TimeDelta::seconds(seconds));
        let soon = IN_SECONDS + seconds.cast_unsigned();
        for (name, balls) in [
            ("ada", vec![soon]),
            ("bob", vec![soon, CANCEL]),
            ("cleo", vec![soon, 120]),
            ("dan", vec![121, soon]),
        ] {
            for ball in balls {
                world.serve_and_react(&format!("{name}-{seconds}"), ball).await;
            }
        }
        cluster.nodes[at].kill9();
        if Utc::now() < due {
            break (seconds, killed, at);
        }
        cluster.nodes[at].restart().await;
    };
    let of = |name: &str| format!("{name}-{seconds}");
    eventually("the others have agreed", LIMIT, async || {
        leader(&world).await.filter(|leader| *leader != killed)
    })
    .await;
    for name in ["ada", "dan"] {
        world.done(&of(name)).await;
    }
    cluster.nodes[at].restart().await;
    // What it finds on its own disk is what it leads with.
    leads_again(&world, &killed).await;
    world.serve_and_react("eve", 20).await;
    world.done("eve").await;
    let soon = IN_SECONDS + seconds.cast_unsigned();
    for (id, balls) in [
        (of("ada"), vec![soon]),
        (of("bob"), vec![]),
        (of("cleo"), vec![]),
        (of("dan"), vec![soon]),
        ("eve".to_owned(), vec![20]),
    ] {
        assert_eq!(world.returned(&id).await, balls, "{id}");
    }
    let left = world.only_record(&of("cleo")).await;
    assert!(matches!(left, Some(TimerRecord::Set(_))), "{left:?}");
    handlers.stop().await;
}

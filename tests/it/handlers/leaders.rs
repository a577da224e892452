//! A replicated log whose leader changes, while handlers read it from any replica.

use async_nats::jetstream;
use infrastructure::{
    handler::{Handlers, report},
    query::Queries as _,
    request::CommandRequest,
};
use nats::names;
use serde_json::json;
use tests::{Cluster, LIMIT, eventually};

use super::{
    table_tennis::{ReturnBalls, Returns, Scores},
    world::{World, json as json_of, table},
};

const SERVERS: [&str; 3] = ["ada", "bob", "cleo"];

/// Each ball is served and returned, so the log holds as much that is not the policy's as what is.
async fn play(world: &World, balls: std::ops::Range<u64>) {
    for ball in balls {
        for id in SERVERS {
            let body = format!("{{\"ball\":{ball}}}");
            let mut request = CommandRequest::new("server", id.parse().unwrap(), "serve", body);
            request.command_id = Some(format!("{id}-{ball}").parse().unwrap());
            eventually(&format!("{id} serves {ball}"), LIMIT, async || {
                world.client.send(&request).await.ok()
            })
            .await;
        }
    }
}

async fn leader(client: &async_nats::Client) -> Option<String> {
    let context = jetstream::new(client.clone());
    let stream = context.get_stream(names::EVENTS).await.ok()?;
    stream.cached_info().cluster.as_ref()?.leader.clone()
}

async fn step_down(client: &async_nats::Client) {
    let context = jetstream::new(client.clone());
    eventually("the leader steps down", LIMIT, async || {
        let request = format!("STREAM.LEADER.STEPDOWN.{}", names::EVENTS);
        let answer = context.request(request, &json!({})).await;
        answer.ok().filter(|answer: &serde_json::Value| answer["success"] == true)
    })
    .await;
}

/// Asks for what is never there, over and over, so that the projections look at each moment where
/// the log ends.
async fn ask(handlers: &Handlers) {
    loop {
        for projection in ["scores", "returns"] {
            let params = json!({ "after": u64::MAX, "wait_ms": 1 }).to_string();
            let asked = handlers.queries().query(projection, "list", params.into()).await;
            assert!(asked.is_err());
        }
    }
}

async fn handlers(world: &World) -> Handlers {
    let composition =
        table().policy(ReturnBalls::default()).projection(Scores::<1, false>).projection(Returns);
    world.handlers(&composition, "one").await
}

/// Every ball that the log says was served was returned, and both are in the rows.
async fn nothing_is_missing(world: &World, handlers: &Handlers) {
    // Other streams may still be without a leader.
    let last = eventually("the policy has come to the end", LIMIT, async || {
        let events = jetstream::new(world.connection.clone()).get_stream(names::EVENTS).await;
        let last = events.ok()?.cached_info().state.last_sequence;
        let reports = report(&world.connection).await.ok()?;
        let policy = reports.into_iter().find(|report| report.name == "return-balls")?;
        (policy.position.0 >= last).then_some(last)
    })
    .await;
    let served = world.balls("server").await;
    assert_eq!(world.balls("receiver").await, served);
    let params = json!({ "after": last, "limit": 100 }).to_string();
    for (projection, count) in [("scores", served.len()), ("returns", served["ada"].len())] {
        let what = format!("{projection} has come to the end");
        let answer = eventually(&what, LIMIT, async || {
            handlers.queries().query(projection, "list", params.clone().into()).await.ok()
        })
        .await;
        let documents = json_of(&answer)["documents"].as_array().unwrap().clone();
        assert_eq!(documents.len(), count);
        for document in documents {
            match document.as_u64() {
                Some(times) => assert_eq!(times, served.len() as u64),
                None => {
                    let name = document["name"].as_str().unwrap();
                    assert_eq!(document["balls"], json!(served[name]));
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_passes_over_nothing_while_leaders_step_down() {
    let mut cluster = Cluster::start(3).await;
    let world = World::start_in(cluster.nodes.remove(0), 3).await;
    let handlers = handlers(&world).await;
    let playing = async {
        for round in 0..12 {
            let balls = 100 + round * 5;
            tokio::join!(step_down(&world.connection), play(&world, balls..balls + 5));
        }
    };
    tokio::select! {
        () = playing => {}
        () = ask(&handlers) => {}
    }
    nothing_is_missing(&world, &handlers).await;
    handlers.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_passes_over_nothing_when_a_leader_wakes_up_deposed() {
    let mut cluster = Cluster::start(3).await;
    let world = World::start_in(cluster.nodes.remove(0), 3).await;
    let handlers = handlers(&world).await;
    let paused = eventually("another server than the clients' leads", LIMIT, async || {
        let name = leader(&world.connection).await?;
        let led = cluster.nodes.iter().find(|node| node.name() == name);
        if led.is_none() {
            step_down(&world.connection).await;
        }
        led
    })
    .await;
    let playing = async {
        play(&world, 100..103).await;
        paused.pause();
        play(&world, 103..106).await;
        paused.resume();
        play(&world, 106..116).await;
    };
    tokio::select! {
        () = playing => {}
        () = ask(&handlers) => {}
    }
    nothing_is_missing(&world, &handlers).await;
    handlers.stop().await;
}

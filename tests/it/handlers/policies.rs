//! What a policy promises.

use std::sync::Arc;

use async_nats::jetstream;
use infrastructure::{
    composition::Composition,
    durable::{OutcomeStatus, Results},
    envelope::decode,
    handler::HandlerState,
};
use kit::CommandId;
use nats::names;

use super::{
    table_tennis::{GIVEN_BACK, Rally, ReturnBalls, Server, UNLUCKY, Watch},
    world::{World, state, table},
};

fn returning(policy: &ReturnBalls) -> Composition {
    table().policy(policy.clone())
}

#[tokio::test]
async fn each_event_leads_to_its_command_once_and_in_order() {
    let world = World::start().await;
    let handlers = world.steady_handlers(&returning(&ReturnBalls::default()), "one").await;
    let serve = async |id| {
        for ball in 100..140 {
            world.serve(id, ball).await;
        }
    };
    tokio::join!(serve("ada"), serve("bob"), serve("cleo"), serve("dan"));
    world.reached("return-balls", world.last().await).await;
    assert_eq!(world.balls("receiver").await, world.balls("server").await);
    handlers.stop().await;
}

#[tokio::test]
async fn a_policys_command_names_its_cause_and_conversation() {
    let world = World::start().await;
    let handlers = world.steady_handlers(&returning(&ReturnBalls::default()), "one").await;
    let reply = world.serve("ada", 1).await;
    world.reached("return-balls", reply.position).await;
    let messages = world.messages().await;
    let (cause, effect) =
        (decode(&messages[0].payload).unwrap(), decode(&messages[1].payload).unwrap());
    let (cause, effect) = (&cause[0], &effect[0]);
    assert_eq!(effect.metadata.command_id, CommandId::derived("return-balls", cause.id, 0));
    assert_eq!(effect.metadata.causation_id, Some(cause.id.to_string()));
    assert_eq!(effect.metadata.correlation_id, cause.metadata.correlation_id);
    assert_eq!((cause.metadata.hops, effect.metadata.hops), (0, 1));
    handlers.stop().await;
}

#[tokio::test]
async fn a_restart_goes_on_at_the_checkpoint() {
    let world = World::start().await;
    let policy = ReturnBalls::default();
    for (instance, balls) in [("one", 0..20), ("two", 20..40)] {
        let handlers = world.steady_handlers(&returning(&policy), instance).await;
        for ball in balls {
            world.serve("ada", 100 + ball).await;
        }
        world.reached("return-balls", world.last().await).await;
        handlers.stop().await;
    }
    let seen = policy.seen.lock().unwrap().clone();
    assert_eq!(seen, (100..140).collect::<Vec<_>>(), "nothing was handled twice");
}

#[tokio::test]
async fn a_stop_gives_the_lease_back_for_another_to_take_at_once() {
    let world = World::start().await;
    let first = world.steady_handlers(&returning(&ReturnBalls::default()), "one").await;
    let epoch = world.owned_by("return-balls", "one").await.epoch;
    first.stop().await;
    assert_eq!(world.report("return-balls").await.owner, None);
    let second = world.steady_handlers(&returning(&ReturnBalls::default()), "two").await;
    assert!(world.owned_by("return-balls", "two").await.epoch > epoch);
    second.stop().await;
}

#[tokio::test]
async fn a_quiet_policy_moves_its_checkpoint_to_the_end_of_the_log() {
    let world = World::start().await;
    let handlers = world.steady_handlers(&table().policy(Rally), "one").await;
    world.owned_by("rally", "one").await;
    // Rally reads receivers only, and nothing is returned.
    let reply = world.serve("ada", 1).await;
    assert_eq!(world.reached("rally", reply.position).await.position, reply.position);
    handlers.stop().await;
}

#[tokio::test]
async fn a_refused_order_is_answered_and_completes_the_event() {
    let world = World::start().await;
    let handlers = world.steady_handlers(&returning(&ReturnBalls::default()), "one").await;
    for ball in [1, UNLUCKY, 2] {
        world.serve("ada", ball).await;
    }
    world.reached("return-balls", world.last().await).await;
    assert_eq!(world.balls("receiver").await["ada"], [1, GIVEN_BACK, 2]);
    let status = &handlers.status()[0];
    assert_eq!((status.refused, &status.state), (1, &HandlerState::Running));
    handlers.stop().await;
}

#[tokio::test]
async fn an_order_that_an_older_instance_does_not_know_waits_for_one_that_does() {
    let mut world = World::start().await;
    world.close().await;
    world.open_as(&Composition::new().aggregate::<Server>()).await;
    let handlers = world.steady_handlers(&returning(&ReturnBalls::default()), "one").await;
    let reply = world.serve("ada", 1).await;
    let retrying = |state: &HandlerState| matches!(state, HandlerState::Retrying { .. });
    state(&handlers, "return-balls", retrying).await;
    assert!(world.report("return-balls").await.position < reply.position);
    world.close().await;
    world.open().await;
    world.reached("return-balls", reply.position).await;
    assert_eq!(world.balls("receiver").await["ada"], [1]);
    assert_eq!(handlers.status()[0].refused, 0, "it is no refusal");
    handlers.stop().await;
}

#[tokio::test]
async fn a_refused_order_is_kept_with_its_reason_and_can_be_asked_for() {
    let world = World::start().await;
    let handlers = world.steady_handlers(&returning(&ReturnBalls::default()), "one").await;
    world.serve("ada", UNLUCKY).await;
    world.reached("return-balls", world.last().await).await;
    let messages = world.messages().await;
    let event = decode(&messages[0].payload).unwrap().remove(0);
    let id = CommandId::derived("return-balls", event.id, 0);
    let outcome = results(&world).await.of(&id).await.unwrap();
    assert_eq!((outcome.status, &outcome.command_id), (OutcomeStatus::Refused, &id));
    assert_eq!(outcome.problem.unwrap().code, "unlucky");
    let original = outcome.original.unwrap();
    assert_eq!(original.subject, "command.receiver.ada.return");
    assert_eq!(original.body.as_deref(), Some(r#"{"ball":13}"#));
    assert_eq!(original.headers["Command-Id"], [id.to_string()]);
    assert_eq!(original.headers["Causation-Id"], [event.id.to_string()]);
    handlers.stop().await;
}

#[tokio::test]
async fn an_event_is_not_done_with_before_its_refused_order_is_kept() {
    let world = World::start().await;
    let handlers = world.steady_handlers(&returning(&ReturnBalls::default()), "one").await;
    let context = jetstream::new(world.connection.clone());
    let bucket = nats::buckets::all(1).into_iter().find(|bucket| bucket.name == "KV_RESULTS");
    let bucket = bucket.unwrap();
    // Small enough that nothing can be kept.
    let full = jetstream::stream::Config { max_message_size: 16, ..bucket.clone() };
    context.update_stream(full).await.unwrap();
    let reply = world.serve("ada", UNLUCKY).await;
    state(&handlers, "return-balls", |state| matches!(state, HandlerState::Retrying { .. })).await;
    assert!(world.report("return-balls").await.position < reply.position);
    assert!(!world.balls("receiver").await.contains_key("ada"), "the answer waits, too");
    context.update_stream(bucket).await.unwrap();
    world.reached("return-balls", reply.position).await;
    assert_eq!(world.balls("receiver").await["ada"], [GIVEN_BACK]);
    assert_eq!(handlers.status()[0].refused, 1);
    handlers.stop().await;
}

#[tokio::test]
async fn a_refusal_stands_when_its_event_is_handled_again() {
    let world = World::start().await;
    let first = world.steady_handlers(&returning(&ReturnBalls::default()), "one").await;
    let reply = world.serve("ada", UNLUCKY).await;
    world.reached("return-balls", reply.position).await;
    first.stop().await;
    // As if the first owner had died before it moved the checkpoint.
    let checkpoints = jetstream::new(world.connection.clone());
    let checkpoints = checkpoints.get_key_value(names::CHECKPOINTS).await.unwrap();
    checkpoints.purge("return-balls").await.unwrap();
    let policy = ReturnBalls::default();
    let second = world.steady_handlers(&returning(&policy), "two").await;
    world.reached("return-balls", world.last().await).await;
    assert_eq!(*policy.seen.lock().unwrap(), [UNLUCKY]);
    assert_eq!(second.status()[0].refused, 0, "it was sent a second time");
    assert_eq!(world.balls("receiver").await["ada"], [GIVEN_BACK]);
    second.stop().await;
}

async fn results(world: &World) -> Results {
    Results::open(world.connection.clone()).await.unwrap()
}

#[tokio::test]
async fn a_loop_of_policies_ends_after_sixteen_hops() {
    let world = World::start().await;
    let composition = returning(&ReturnBalls::default()).policy(Rally);
    let handlers = world.steady_handlers(&composition, "one").await;
    world.serve("ada", 1).await;
    let refused = tests::eventually("a refusal", tests::LIMIT, async || {
        handlers.status().into_iter().find(|status| status.refused == 1)
    });
    refused.await;
    let hops: Vec<_> = world
        .messages()
        .await
        .iter()
        .map(|message| decode(&message.payload).unwrap()[0].metadata.hops)
        .collect();
    assert_eq!(hops, (0..=16).collect::<Vec<_>>());
    handlers.stop().await;
}

#[tokio::test]
async fn while_nobody_takes_commands_a_policy_waits_and_keeps_the_order() {
    let mut world = World::start().await;
    for ball in 100..120 {
        world.serve("ada", ball).await;
    }
    world.close().await;
    let handlers = world.steady_handlers(&returning(&ReturnBalls::default()), "one").await;
    state(&handlers, "return-balls", |state| matches!(state, HandlerState::Retrying { .. })).await;
    world.open().await;
    state(&handlers, "return-balls", |state| *state == HandlerState::Running).await;
    world.reached("return-balls", world.last().await).await;
    assert_eq!(world.balls("receiver").await, world.balls("server").await);
    handlers.stop().await;
}

#[tokio::test]
async fn a_new_policy_begins_where_it_was_first_registered() {
    let world = World::start().await;
    world.serve("ada", 1).await;
    // Registered by an instance that does not run it.
    let (watch, mut options) = (Watch::default(), world.options("elsewhere"));
    let composition = returning(&ReturnBalls::default()).policy(watch.clone());
    (options.policies, options.projections) = (false, false);
    let handlers = infrastructure::handler::Handlers::start(&world.client, &composition, options);
    handlers.await.unwrap().stop().await;
    world.serve("ada", 2).await;
    let handlers = world.steady_handlers(&composition, "one").await;
    world.serve("ada", 3).await;
    world.reached("watch", world.last().await).await;
    assert_eq!(*watch.0.lock().unwrap(), [2, 3]);
    world.reached("return-balls", world.last().await).await;
    assert_eq!(
        world.balls("receiver").await["ada"],
        [1, 2, 3],
        "the other says: from the beginning"
    );
    handlers.stop().await;
}

#[tokio::test]
async fn a_composition_with_a_name_twice_does_not_start() {
    let world = World::start().await;
    let twice = returning(&ReturnBalls::default()).policy(ReturnBalls::default());
    let started =
        infrastructure::handler::Handlers::start(&world.client, &twice, world.options("one")).await;
    assert_eq!(started.unwrap_err().to_string(), "two parts are named \"return-balls\"");
    let unlisted = Composition::new().aggregate::<Server>().policy(Rally);
    assert!(unlisted.check().unwrap_err().to_string().contains("\"receiver\""));
    drop(Arc::new(world));
}

//! What a rebuild beside the rows that answer promises.

mod versions;

use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::join_all;
use infrastructure::{
    composition::Composition,
    deadletter::Action,
    handler::{HandlerOptions, Handlers},
    query::Queries,
    readmodel::{
        GenerationAction, GenerationReport, GenerationRole, Outcome, generation_report,
        request_generation,
    },
};
use kit::Position;
use serde_json::{Value, json};

use super::{
    table_tennis::{POISON, Score, Scores},
    world::{World, json as read, table, with_every_store},
};

/// More than generations that are fed as one are ever apart.
const MANY: u64 = 2_600;

fn scoring() -> Composition {
    table().projection(Scores::<1, false>)
}

/// Serves `balls` from each of 20 ids at the same time.
async fn serve(world: &World, balls: std::ops::Range<u64>) {
    let ids: Vec<_> = (0..20).map(|at| format!("s{at:02}")).collect();
    join_all(ids.iter().map(async |id| {
        for ball in balls.clone() {
            world.serve(id, ball).await;
        }
    }))
    .await;
}

async fn report(world: &World) -> Option<GenerationReport> {
    generation_report(&world.connection, "scores").await.unwrap()
}

/// The generations by number, and what each is there for.
fn roles(report: &GenerationReport) -> Vec<(i64, GenerationRole)> {
    report.generations.iter().map(|it| (it.generation, it.role)).collect()
}

async fn ask(world: &World, action: GenerationAction) -> String {
    tests::eventually("the generations are told", tests::LIMIT, async || report(world).await).await;
    request_generation(&world.connection, "scores", action, "a test").await.unwrap().id
}

async fn outcome(world: &World, request: &str) -> (Outcome, GenerationReport) {
    tests::eventually("the request is done", tests::LIMIT, async || {
        let report = report(world).await?;
        let outcome = report.outcome.clone()?;
        (outcome.request.as_deref() == Some(request)).then_some((outcome, report))
    })
    .await
}

async fn done(world: &World, action: GenerationAction) -> (Outcome, GenerationReport) {
    let request = ask(world, action).await;
    outcome(world, &request).await
}

async fn query(handlers: &Handlers, name: &str, params: Value) -> Result<Value, String> {
    let answer = handlers.queries().query("scores", name, params.to_string().into()).await;
    answer
        .map(|body| read(&body))
        .map_err(|problem| format!("{}: {}", problem.code, problem.detail))
}

/// Every event was applied once, whatever became of generations meanwhile.
async fn sound(world: &World) {
    let verdict = world.verified("scores", &scoring()).await;
    assert!(verdict.is_sound() && verdict.events == verdict.position.0, "{verdict:?}");
}

/// Every commit of these logs is one ball. So the balls of an answer, all of them, are as many as
/// its position says, and each server's are without a gap: anything else is a mixture.
async fn consistent(handlers: &Handlers, after: Position) -> Position {
    let list = query(handlers, "list", json!({"after": after, "wait_ms": 30_000, "limit": 200}));
    let list = list.await.unwrap();
    let scores: Vec<Score> = serde_json::from_value(list["documents"].clone()).unwrap();
    let position = list["position"].as_u64().unwrap();
    assert_eq!(scores.iter().map(|score| score.balls.len() as u64).sum::<u64>(), position);
    for Score { name, balls } in scores {
        assert_eq!(balls, (0..balls.len() as u64).collect::<Vec<_>>(), "{name} at {position}");
    }
    assert!(position >= after.0);
    Position(position)
}

async fn a_rebuild_under_traffic_is_seen_by_no_reader(world: World) {
    let handlers = world.steady_handlers(&scoring(), "one").await;
    serve(&world, 0..MANY / 20).await;
    let epoch = handlers.status()[0].epoch;
    let (over, asked) = (AtomicBool::new(false), AtomicBool::new(false));
    let reads = async {
        let (mut after, mut reads) = (Position::ZERO, 0);
        while !over.load(Ordering::Relaxed) {
            // What was seen once is never unseen.
            after = consistent(&handlers, after).await;
            reads += 1;
        }
        reads
    };
    let traffic = async {
        for ball in MANY / 20.. {
            serve(&world, ball..ball + 1).await;
            // Who writes more than can be folded can hardly catch up.
            consistent(&handlers, world.last().await).await;
            if over.load(Ordering::Relaxed) {
                break;
            }
        }
    };
    let rebuilds = async {
        let (rebuilt, report) = done(&world, GenerationAction::Rebuild { accept: false }).await;
        assert!(rebuilt.done && rebuilt.differing.is_empty(), "{rebuilt:?}");
        let switched = [(1, GenerationRole::Standby), (2, GenerationRole::Current)];
        assert_eq!(roles(&report), switched);
        let (second, _) = done(&world, GenerationAction::Rebuild { accept: false }).await;
        assert!(!second.done && second.told.contains("stands by"), "{second:?}");
        let (back, report) = done(&world, GenerationAction::Rollback).await;
        assert!(back.done, "{back:?}");
        assert_eq!(roles(&report), [(1, GenerationRole::Current), (2, GenerationRole::Standby)]);
        let (refused, _) = done(&world, GenerationAction::Drop { generation: Some(1) }).await;
        assert!(!refused.done && refused.told.contains("queries read"), "{refused:?}");
        let (dropped, report) = done(&world, GenerationAction::Drop { generation: None }).await;
        assert!(dropped.done, "{dropped:?}");
        assert_eq!(roles(&report), [(1, GenerationRole::Current)]);
        asked.store(true, Ordering::Relaxed);
        over.store(true, Ordering::Relaxed);
    };
    let (reads, (), ()) = futures::join!(reads, traffic, rebuilds);
    assert!(reads > 10 && asked.into_inner(), "{reads} reads");
    consistent(&handlers, world.last().await).await;
    sound(&world).await;
    assert_eq!(handlers.status()[0].epoch, epoch, "no change looked like a later owner");
    handlers.stop().await;
}

async fn a_rebuild_goes_on_where_it_was_killed(world: World) {
    let slow = || HandlerOptions { batch_max: 1, ..world.options("one") };
    let first = world.instance_with(&scoring(), world.options("one"));
    let many = 6_000 / 20;
    serve(&world, 0..many).await;
    world.reached("scores", world.last().await).await;
    tests::eventually("the generations are told", tests::LIMIT, async || report(&world).await)
        .await;
    first.kill().await;
    let request = ask(&world, GenerationAction::Rebuild { accept: false }).await;
    let (mut kills, mut furthest) = (0, 0);
    while kills < 4 {
        let epoch = report(&world).await.unwrap().epoch;
        let instance = world.instance_with(&scoring(), slow());
        let told = tests::eventually("a word of the new owner", tests::LIMIT, async || {
            report(&world).await.filter(|report| report.epoch > epoch)
        })
        .await;
        if let Some(filling) = &told.filling {
            assert!(filling.position >= furthest, "{filling:?} was at {furthest} before");
        }
        let told = tests::eventually("progress", tests::LIMIT, async || {
            let report = report(&world).await?;
            let further = report.filling.as_ref().is_some_and(|it| it.position > furthest);
            (further || report.outcome.is_some()).then_some(report)
        })
        .await;
        serve(&world, many + kills..many + kills + 1).await;
        instance.kill().await;
        kills += 1;
        let Some(filling) = told.filling else { break };
        furthest = filling.position;
    }
    let last = world.handlers(&scoring(), "one").await;
    let (done, report) = outcome(&world, &request).await;
    assert!(done.done, "{done:?}");
    assert_eq!(roles(&report), [(1, GenerationRole::Standby), (2, GenerationRole::Current)]);
    assert!(furthest > 0, "it was killed in the middle");
    consistent(&last, world.last().await).await;
    sound(&world).await;
    last.stop().await;
}

async fn rows_that_differ_are_named_and_take_over_only_if_they_are_accepted(world: World) {
    let handlers = world.handlers(&scoring(), "one").await;
    serve(&world, 0..2).await;
    consistent(&handlers, world.last().await).await;
    world
        .execute(
            r#"UPDATE documents_scores_1 SET document = '{"name":"s07","balls":[]}'
        WHERE key = 's07'"#,
        )
        .await;
    world.execute("DELETE FROM documents_scores_1 WHERE key = 's11'").await;
    world.execute("DELETE FROM terms_scores_1 WHERE key = 's13'").await;
    let (refused, report) = done(&world, GenerationAction::Rebuild { accept: false }).await;
    assert!(!refused.done, "{refused:?}");
    assert_eq!(refused.differing, ["s07", "s11", "s13"]);
    assert_eq!(roles(&report)[0], (1, GenerationRole::Current));
    let lost = query(&handlers, "get", json!({"key": "s11"})).await.unwrap_err();
    assert!(lost.starts_with("not-found"), "{lost}");
    let (accepted, _) = done(&world, GenerationAction::Rebuild { accept: true }).await;
    assert!(accepted.done, "{accepted:?}");
    consistent(&handlers, world.last().await).await;
    handlers.stop().await;
}

async fn a_rebuild_leaves_what_is_parked_to_wait_and_both_generations_fold_it_later(world: World) {
    let poisoned = world.handlers(&table().projection(Scores::<1, true>), "one").await;
    for ball in [1, POISON, 3] {
        world.serve("ada", ball).await;
        world.serve("bob", ball + 1_000).await;
    }
    let letter = world.parked("scores", "ada").await;
    let (rebuilt, _) = done(&world, GenerationAction::Rebuild { accept: false }).await;
    assert!(rebuilt.done, "{rebuilt:?}");
    poisoned.stop().await;
    let mended = world.handlers(&scoring(), "two").await;
    world.ask(&letter, Action::Retry, None).await;
    world.released("scores", "ada").await;
    let balls = async || {
        let after = world.last().await;
        let got = query(&mended, "get", json!({"key": "ada", "after": after})).await.unwrap();
        got["document"]["balls"].clone()
    };
    assert_eq!(balls().await, json!([1, POISON, 3]));
    let (back, _) = done(&world, GenerationAction::Rollback).await;
    assert!(back.done, "{back:?}");
    assert_eq!(balls().await, json!([1, POISON, 3]), "the other generation has it, too");
    mended.stop().await;
}

with_every_store! {
    a_rebuild_under_traffic_is_seen_by_no_reader,
    a_rebuild_goes_on_where_it_was_killed,
    rows_that_differ_are_named_and_take_over_only_if_they_are_accepted,
    a_rebuild_leaves_what_is_parked_to_wait_and_both_generations_fold_it_later,
}

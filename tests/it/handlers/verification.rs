//! What a verification proves: that every event is in the rows once, or which one is not.

mod limits;

use std::{
    sync::{Mutex, mpsc},
    thread,
};

use futures::future::join_all;
use infrastructure::{
    composition::Composition,
    deadletter::Action,
    readmodel::{GenerationAction, Verdict, Verification, request_generation, verify},
};
use kit::Position;

use super::{
    table_tennis::{
        POISON, Scores,
        book::{Book, FINE},
    },
    world::{World, table, with_every_store},
};

fn scoring() -> Composition {
    table().projection(Scores::<1, false>)
}

fn poisoned() -> Composition {
    table().projection(Scores::<1, true>)
}

/// Serves `balls` from each of 20 ids at the same time, and waits until they are in the rows.
async fn serve(world: &World, balls: std::ops::Range<u64>) {
    join_all((0..20).map(async |at| {
        for ball in balls.clone() {
            world.serve(&format!("s{at:02}"), ball).await;
        }
    }))
    .await;
    world.reached("scores", world.last().await).await;
}

async fn verified(world: &World) -> Verdict {
    world.verified("scores", &scoring()).await
}

#[track_caller]
fn sound(verdict: &Verdict, events: u64, waiting: u64) {
    assert!(verdict.is_sound(), "{verdict:?}");
    assert_eq!((verdict.events, verdict.waiting), (events, waiting), "{verdict:?}");
}

async fn rows_under_traffic_are_sound_whatever_killed_their_owner(world: World) {
    let first = world.instance(&scoring(), "one");
    serve(&world, 0..120).await;
    let traffic = async {
        for ball in 120..150 {
            serve(&world, ball..ball + 1).await;
        }
    };
    let (_, verdict) = futures::join!(traffic, verified(&world));
    let many = verdict.position.0;
    assert!(many >= 2_400, "more than a snapshot is held for");
    sound(&verdict, many, 0);
    assert_eq!(verdict.rows, 20);
    join_all((0..20).map(async |at| world.serve(&format!("s{at:02}"), 150).await)).await;
    // Somewhere in the middle of those.
    first.kill().await;
    let second = world.handlers(&scoring(), "two").await;
    serve(&world, 151..153).await;
    sound(&verified(&world).await, 153 * 20, 0);
    second.stop().await;
    sound(&verified(&world).await, 153 * 20, 0);
}

async fn a_row_that_was_altered_is_named(world: World) {
    let handlers = world.handlers(&scoring(), "one").await;
    serve(&world, 0..2).await;
    for statement in [
        r#"UPDATE documents_scores_1 SET document = '{"name":"s07","balls":[]}'
        WHERE key = 's07'"#,
        "DELETE FROM documents_scores_1 WHERE key = 's11'",
        "DELETE FROM terms_scores_1 WHERE key = 's13'",
    ] {
        world.execute(statement).await;
    }
    let verdict = verified(&world).await;
    assert_eq!(verdict.differing, ["s07", "s11", "s13"]);
    assert!(verdict.gaps.is_empty() && !verdict.is_sound(), "{verdict:?}");
    // A rebuild mends it.
    let rebuild = GenerationAction::Rebuild { accept: true };
    request_generation(&world.connection, "scores", rebuild, "a test").await.unwrap();
    let mended = tests::eventually("it is mended", tests::LIMIT, async || {
        let verdict = verified(&world).await;
        (verdict.generation == 2).then_some(verdict)
    });
    sound(&mended.await, 40, 0);
    let (asked, _folder) = world.verification("scores");
    let former = Verification { generation: Some(1), ..asked };
    let former = verify(&world.connection, &scoring(), &former, |_| {}).await.unwrap();
    assert_eq!(former.differing_in_all, 3, "{former:?}");
    handlers.stop().await;
}

async fn a_row_of_a_table_that_was_altered_is_named(world: World) {
    let booking = table().tables(Book::<1, FINE>);
    let handlers = world.handlers(&booking, "one").await;
    for id in ["ada", "bob"] {
        world.serve_all(id, &[1, 2, 3]).await;
    }
    world.reached("book", world.last().await).await;
    let verdict = world.verified("book", &booking).await;
    sound(&verdict, 6, 0);
    assert_eq!(verdict.rows, 2 + 6);
    world.execute("UPDATE t_book_1__balls SET ball = 7 WHERE server = 'bob' AND place = 2").await;
    world.execute("DELETE FROM t_book_1__servers WHERE server = 'ada'").await;
    assert_eq!(world.verified("book", &booking).await.differing, ["servers ada", "balls bob 2"]);
    handlers.stop().await;
}

/// Lets the owner believe that it stands elsewhere by one commit, as `statement` says, and go on.
async fn misled(world: &World, statement: &'static str) -> Verdict {
    let handlers = world.handlers(&scoring(), "one").await;
    serve(world, 0..60).await;
    handlers.stop().await;
    world.serve("ada", 1).await;
    world.execute(statement).await;
    world.serve("ada", 2).await;
    let handlers = world.handlers(&scoring(), "one").await;
    world.serve("ada", 3).await;
    world.reached("scores", world.last().await).await;
    handlers.stop().await;
    verified(world).await
}

async fn a_skipped_event_is_found_with_its_stretch(world: World) {
    let verdict = misled(&world, "UPDATE checkpoints SET position = position + 1").await;
    let [gap] = &verdict.gaps[..] else { unreachable!("{verdict:?}") };
    assert_eq!((gap.from, gap.to), (Position(1_000), Position(1_203)));
    assert_eq!((gap.expected, gap.found), (204, 203));
    assert_eq!((gap.first.as_deref(), gap.last.as_deref()), (Some("1201.0"), Some("1201.0")));
    assert_eq!(gap.subject.as_deref(), Some("event.server.ada"));
    assert_eq!(verdict.differing, ["ada"]);
}

async fn an_event_that_was_applied_twice_is_found(world: World) {
    let verdict = misled(&world, "UPDATE checkpoints SET position = position - 1").await;
    let [gap] = &verdict.gaps[..] else { unreachable!("{verdict:?}") };
    assert_eq!((gap.expected, gap.found), (204, 205));
    assert_eq!(gap.first.as_deref(), Some("1200.0"));
    assert_eq!(gap.first, gap.last);
    assert_eq!(verdict.differing_in_all, 1, "{verdict:?}");
}

async fn what_waits_or_was_decided_about_confuses_nothing(world: World) {
    let handlers = world.handlers(&poisoned(), "one").await;
    for id in ["ada", "bob", "eve"] {
        world.serve_all(id, &[1, POISON, 3]).await;
        world.serve(id, 4).await;
    }
    let (ada, bob) = (world.parked("scores", "ada").await, world.parked("scores", "bob").await);
    world.parked("scores", "eve").await;
    let nonsense = "not a commit";
    world.connection.publish("event.server.tom", nonsense.into()).await.unwrap();
    let tom = world.parked("scores", "tom").await;
    world.reached("scores", world.last().await).await;
    sound(&world.verified("scores", &poisoned()).await, 3, 4);
    world.ask(&ada, Action::Discard, None).await;
    world.ask(&bob, Action::Override, Some(r#"{"ball":22}"#)).await;
    world.ask(&tom, Action::Discard, None).await;
    for id in ["ada", "bob", "tom"] {
        world.released("scores", id).await;
    }
    let settled = tests::eventually("nothing of it is owed", tests::LIMIT, async || {
        let verdict = world.verified("scores", &poisoned()).await;
        (verdict.waiting == 1).then_some(verdict)
    });
    sound(&settled.await, 4 + 4 + 1 + 1, 1);
    // A generation that never had to wait counts the same.
    let rebuild = GenerationAction::Rebuild { accept: false };
    request_generation(&world.connection, "scores", rebuild, "a test").await.unwrap();
    let rebuilt = tests::eventually("it is rebuilt", tests::LIMIT, async || {
        let verdict = world.verified("scores", &poisoned()).await;
        (verdict.generation == 2).then_some(verdict)
    });
    sound(&rebuilt.await, 10, 1);
    // What waits is what this program could fold and that one could not; and the other way round.
    handlers.stop().await;
    let mended = world.handlers(&scoring(), "two").await;
    let eve = world.parked("scores", "eve").await;
    world.ask(&eve, Action::Retry, None).await;
    world.released("scores", "eve").await;
    let verdict = world.verified("scores", &poisoned()).await;
    assert_eq!(verdict.unfolded_in_all, 1, "{verdict:?}");
    assert_eq!(
        (&*verdict.unfolded[0].at, &*verdict.unfolded[0].subject),
        ("5.1", "event.server.eve")
    );
    assert!(verdict.gaps.is_empty(), "{verdict:?}");
    mended.stop().await;
}

/// A verification that stands still when it has begun, until it is let.
async fn verified_while(world: &World, meanwhile: impl AsyncFnOnce()) -> Verdict {
    let (begun, begins) = tokio::sync::oneshot::channel();
    let (go_on, goes_on) = mpsc::channel::<()>();
    let (asked, folder) = world.verification("scores");
    let url = world.server.url().to_owned();
    let verifying = thread::spawn(move || {
        let _folder = folder;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (begun, goes_on) = (Mutex::new(Some(begun)), Mutex::new(goes_on));
        let told = |_| {
            if let Some(begun) = begun.lock().unwrap().take() {
                begun.send(()).unwrap();
                goes_on.lock().unwrap().recv().unwrap();
            }
        };
        runtime.block_on(async {
            let client = async_nats::connect(url).await.unwrap();
            verify(&client, &scoring(), &asked, told).await.unwrap()
        })
    });
    begins.await.unwrap();
    meanwhile().await;
    go_on.send(()).unwrap();
    tokio::task::spawn_blocking(|| verifying.join().unwrap()).await.unwrap()
}

async fn what_is_made_good_while_the_log_is_read_is_counted(world: World) {
    let handlers = world.handlers(&poisoned(), "one").await;
    for ball in [1, POISON, 3] {
        world.serve("ada", ball).await;
        world.serve("bob", ball).await;
    }
    let (ada, bob) = (world.parked("scores", "ada").await, world.parked("scores", "bob").await);
    serve(&world, 0..110).await;
    let verdict = verified_while(&world, async || {
        world.ask(&ada, Action::Discard, None).await;
        world.released("scores", "ada").await;
        world.ask(&bob, Action::Override, Some(r#"{"ball":22}"#)).await;
        world.released("scores", "bob").await;
        for ball in [4, POISON, 6] {
            world.serve("ada", ball).await;
        }
        world.parked("scores", "ada").await;
        world.reached("scores", world.last().await).await;
    })
    .await;
    sound(&verdict, 110 * 20 + 3 + 3 + 1, 1);
    handlers.stop().await;
}

with_every_store! {
    rows_under_traffic_are_sound_whatever_killed_their_owner,
    a_row_that_was_altered_is_named,
    a_row_of_a_table_that_was_altered_is_named,
    a_skipped_event_is_found_with_its_stretch,
    an_event_that_was_applied_twice_is_found,
    what_waits_or_was_decided_about_confuses_nothing,
    what_is_made_good_while_the_log_is_read_is_counted,
}

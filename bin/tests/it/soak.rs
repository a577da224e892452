//! The fault matrix: each fault against a real service under load, and then the check of everything
//! that is left. `HEADWATER_SOAK_SEED` runs it with other commands and other moments.

mod doctored;

use std::env;

use headwater::soak::{self, Fault, Outcome, Plan, Progress};
use test_postgres::Postgres;
use tokio::sync::watch;

use crate::kit::{binary, finish};

/// Runs a plan and gives back what is left; the test fails with the promise that was not kept.
async fn soaked(change: impl FnOnce(&mut Plan)) -> Outcome {
    soaked_while(change, |_| {}).await
}

#[expect(clippy::print_stdout, reason = "what a failed test shows says how to repeat it")]
async fn soaked_while(change: impl FnOnce(&mut Plan), seen: impl Fn(&Progress) + Sync) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let seed = env::var("HEADWATER_SOAK_SEED").map_or(1, |seed| seed.parse().unwrap());
    println!("seed {seed}");
    let program = env!("CARGO_BIN_EXE_headwater").into();
    let mut plan = Plan::new(program, tests::binary().await, folder.path().to_owned(), seed);
    (plan.instances, plan.steps) = (1, 20);
    change(&mut plan);
    let say = |progress: &Progress| {
        println!("{}", progress.doing);
        seen(progress);
    };
    let outcome = Box::pin(soak::run(&plan, &say)).await.unwrap();
    println!("{:?} {:?} {:?}", outcome.verdict, outcome.strikes, outcome.transient);
    if outcome.verdict.is_err() {
        let folder = folder.keep();
        let evidence = serde_json::to_vec(&outcome.evidence).unwrap();
        std::fs::write(folder.join("evidence.json"), evidence).unwrap();
        println!("everything about it is kept in {}", folder.display());
    }
    assert_eq!(outcome.verdict.as_ref().err(), None, "seed {seed}");
    outcome
}

/// One kind of fault, so many times.
async fn struck(fault: Fault, strikes: usize, instances: usize) -> Outcome {
    soaked(|plan| (plan.faults, plan.strikes, plan.instances) = (vec![fault], strikes, instances))
        .await
}

/// Each of `faults` has come, whatever the seed.
fn came(outcome: &Outcome, faults: &[&str]) {
    for fault in faults {
        assert!(outcome.strikes.contains_key(*fault), "no {fault}: {:?}", outcome.strikes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_fault_every_promise_is_kept() {
    let outcome = struck(Fault::Kill, 0, 1).await;
    let summary = outcome.verdict.unwrap();
    assert!(summary.orders > 0 && summary.mails > 0 && summary.timers > 0, "{summary:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_of_the_service_at_any_moment_changes_nothing() {
    struck(Fault::Kill, 4, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_starts_amid_the_work_of_another_takes_part() {
    struck(Fault::Kill, 8, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_of_the_service_at_every_named_place_changes_nothing() {
    let mut places = Vec::new();
    let outcome = soaked(|plan| {
        plan.faults = vec![Fault::Place];
        plan.strikes = plan.places.len();
        places.clone_from(&plan.places);
    })
    .await;
    assert!(!places.is_empty());
    for place in places {
        let died = outcome.strikes.contains_key(&format!("died at {place}"));
        assert!(died, "it never came to {place}: {:?}", outcome.strikes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_of_the_broker_changes_nothing() {
    struck(Fault::Broker, 3, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_instances_that_stands_still_and_goes_on_changes_nothing() {
    struck(Fault::Pause, 1, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_three_instances_that_stands_still_and_goes_on_changes_nothing() {
    struck(Fault::Pause, 1, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_stands_still_while_it_drains_a_parked_key_lets_nothing_overtake() {
    let outcome = struck(Fault::PauseInDrain, 1, 2).await;
    assert!(outcome.strikes.contains_key("stopped in a drain"), "{:?}", outcome.strikes);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_nobody_can_read_are_parked_and_repaired_and_nothing_else_waits() {
    let outcome = struck(Fault::Poison, 6, 1).await;
    assert_eq!(outcome.verdict.unwrap().foreign, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_delivered_again_from_the_beginning_is_not_done_again() {
    struck(Fault::Redeliver, 3, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_hangs_cuts_and_is_slow_gets_every_mail_as_often_as_promised() {
    let outcome = struck(Fault::Mail, 4, 1).await;
    came(&outcome, &["mail hangs", "mail is cut", "mail is away", "mail is slow"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_without_room_refuses_with_a_code_and_everything_goes_on_when_there_is_room() {
    let outcome = struck(Fault::Full, 1, 1).await;
    let codes: Vec<_> = outcome.transient.keys().map(String::as_str).collect();
    assert!(!codes.is_empty(), "nobody was refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_stream_without_room_holds_up_what_needs_it_and_loses_nothing() {
    let outcome = struck(Fault::FullStream, 4, 2).await;
    came(&outcome, &["EVENTS is full", "DLQ is full", "COMMANDS is full"]);
    assert_eq!(outcome.verdict.unwrap().foreign, 1, "somebody needed DLQ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_whose_tables_somebody_has_locked_delays_and_loses_nothing() {
    if !test_postgres::is_installed() {
        return;
    }
    let server = tokio::task::spawn_blocking(Postgres::start).await.unwrap();
    let store = Some(server.database());
    soaked(|plan| {
        (plan.faults, plan.strikes, plan.instances) = (vec![Fault::Database], 1, 2);
        plan.store = store;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_file_that_another_process_has_locked_delays_and_loses_nothing() {
    struck(Fault::Database, 1, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_amid_kills_leaves_every_row_right() {
    soaked(|plan| (plan.faults, plan.strikes) = (vec![Fault::Rebuild, Fault::Kill], 4)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_server_that_goes_away_and_comes_back_delays_and_loses_nothing() {
    if !test_postgres::is_installed() {
        return;
    }
    let mut server = tokio::task::spawn_blocking(Postgres::start).await.unwrap();
    let database = server.database();
    let (struck, mut strikes) = watch::channel(());
    // It is away from one fault to the next one, and commands go on meanwhile.
    let outage = async {
        strikes.changed().await.unwrap();
        let stop = move || {
            server.stop();
            server
        };
        let mut server = tokio::task::spawn_blocking(stop).await.unwrap();
        strikes.changed().await.unwrap();
        let restart = move || {
            server.restart();
            server
        };
        tokio::task::spawn_blocking(restart).await.unwrap()
    };
    let change = |plan: &mut Plan| {
        (plan.faults, plan.strikes, plan.instances) = (vec![Fault::Mail], 2, 2);
        plan.store = Some(database);
    };
    let soaked = soaked_while(change, |_| struck.send_modify(|()| {}));
    let (_server, _) = tokio::join!(outage, soaked);
}

#[tokio::test]
async fn the_command_prints_a_verdict_that_can_be_repeated_by_its_seed() {
    let mut command = binary().await;
    command.args(["soak", "--minutes", "0", "--seed", "5", "--json"]);
    command.args(["--strikes", "2", "--faults", "kill,poison", "--instances", "1"]);
    let lines = finish(command, "").await.json();
    let verdict = lines.last().unwrap();
    assert_eq!((&verdict["verdict"], &verdict["seed"]), (&"kept".into(), &5.into()), "{verdict}");
    assert_eq!(verdict["strikes"], serde_json::json!({"kill": 1, "poison": 1}));
}

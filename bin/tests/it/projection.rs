//! `headwater projection`: a rebuild as an operator meets it.

use infrastructure::readmodel::{generation_report, standing_request};
use tests::{Server, Service};

use crate::kit::{Finished, Installation, binary, finish};

const BINARY: &str = env!("CARGO_BIN_EXE_headwater");

async fn run(server: &Server, arguments: &[&str]) -> Finished {
    let mut command = binary().await;
    command.args(arguments).args(["--nats", server.url()]);
    finish(command, "").await
}

#[tokio::test]
async fn a_projection_is_rebuilt_rolled_back_and_dropped_while_it_answers() {
    let server = Server::start().await;
    let mut service = Service::start(BINARY, server.url(), &[]).await;
    let body = r#"{"name":{"given":["Ada"],"family":["Lovelace"]},"source":"api"}"#;
    run(&server, &["send", "person", "ada", "create-person", "--json", body]).await.ok();

    let rebuilt = run(&server, &["projection", "rebuild", "people"]).await;
    assert!(rebuilt.ok().contains("generation 2 answers now, with 1 rows"), "{rebuilt:?}");
    let again = run(&server, &["projection", "rebuild", "people"]).await;
    assert_eq!(again.code, Some(4), "{again:?}");
    assert!(again.stdout.contains("generation 1 still stands by; drop it first"), "{again:?}");
    run(&server, &["query", "people", "get", "--key", "ada"]).await.ok();

    run(&server, &["projection", "rollback", "people"]).await.ok();
    let list = run(&server, &["projection", "list"]).await;
    assert!(list.ok().contains("generation 1, version 1, at "), "{list:?}");
    assert!(list.ok().contains(", answers\n  generation 2, "), "{list:?}");

    let drop = ["projection", "drop", "people", "--generation", "2"];
    let planned = run(&server, &drop).await;
    assert_eq!(planned.code, Some(2));
    assert!(planned.stdout.contains("would delete generation 2"), "{planned:?}");
    assert!(planned.stdout.contains("repeat it with --yes"), "{planned:?}");
    let dropped = run(&server, &[&drop[..], &["--yes"]].concat()).await;
    assert!(dropped.ok().contains("generation 2 is gone"), "{dropped:?}");

    let unknown = run(&server, &["projection", "rebuild", "nothing"]).await;
    assert_eq!(unknown.code, Some(5), "{unknown:?}");
    run(&server, &["query", "people", "get", "--key", "ada"]).await.ok();
    assert!(service.stop().await);
}

#[tokio::test]
async fn a_tool_that_was_ended_finds_its_request_again() {
    let server = Server::start().await;
    let mut service = Service::start(BINARY, server.url(), &[]).await;
    // An owner must have told of its generations once.
    tests::eventually("people is told of", tests::LIMIT, async || {
        run(&server, &["projection", "list"]).await.ok().contains("people").then_some(())
    })
    .await;
    service.kill9().await;
    let rebuild = ["projection", "rebuild", "people"];
    let mut command = binary().await;
    command.args(rebuild).args(["--nats", server.url()]);
    let mut tool = command.spawn().unwrap();
    let client = server.client().await;
    let request = async || standing_request(&client, "people").await.unwrap();
    let first = tests::eventually("the request is there", tests::LIMIT, request).await;
    tool.kill().await.unwrap();
    service.restart().await;
    let rebuilt = run(&server, &rebuild).await;
    assert!(rebuilt.stdout.contains("generation"), "{rebuilt:?}");
    let report = generation_report(&client, "people").await.unwrap().unwrap();
    assert_eq!(report.generations.len(), 2, "{report:?}");
    assert!(request().await.is_some_and(|last| last.time >= first.time));
}

#[tokio::test]
async fn a_projection_is_verified_beside_the_service_that_writes_it() {
    let installation = Installation::start().await;
    for person in ["ada", "bob"] {
        installation.create(person).await;
    }
    let last = installation.create("eve").await["position"].to_string();
    installation.run(&["query", "people", "get", "--key", "eve", "--after", &last]).await.ok();
    let verify = ["projection", "verify", "people"];
    let sound = installation.run(&verify).await;
    assert!(sound.ok().contains("3 rows\nEvery event was applied once"), "{sound:?}");
    let verdict = installation.run(&[&verify[..], &["--json"]].concat()).await.json().remove(0);
    assert_eq!((&verdict["verified"], &verdict["generation"]), (&"people".into(), &1.into()));

    let file = installation.data.path().join("read.sqlite");
    for statement in [
        "DELETE FROM documents_people_1 WHERE key = 'bob'",
        "UPDATE stretches SET events = events - 1 WHERE projection = 'people'",
    ] {
        tests::alter(&file, statement).await;
    }
    let unsound = installation.run(&verify).await;
    assert_eq!(unsound.code, Some(1), "{unsound:?}");
    for line in [
        "  gap from 0 to ",
        ", 1 skipped",
        "  not what the log gives: bob",
        "Mend it with `headwater projection rebuild people --accept`.",
    ] {
        assert!(unsound.stdout.contains(line), "{line}: {unsound:?}");
    }
    let left = std::fs::read_dir(installation.data.path()).unwrap();
    let left =
        left.filter(|it| it.as_ref().unwrap().file_name().to_string_lossy().contains("verify"));
    assert_eq!(left.count(), 0, "the scratch file is gone");

    for (more, code) in [
        (&["nobody"][..], 5),
        (&["people", "--generation", "7"], 5),
        (&["people", "--store", "/nowhere/read.sqlite"], 2),
        (&["people", "--store", "mysql://host/models"], 2),
    ] {
        let refused = installation.run(&[&verify[..2], more].concat()).await;
        assert_eq!(refused.code, Some(code), "{more:?}: {refused:?}");
    }
}

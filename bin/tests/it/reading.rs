//! Reading the log: histories, states, the tail.

use tests::{LIMIT, eventually};

use crate::kit::Installation;

#[tokio::test]
async fn a_history_adds_up_to_a_state_at_every_version() {
    let installation = Installation::start().await;
    installation.create("ada").await;
    for tag in ["vip", "founder"] {
        let body = format!(r#"{{"tag":"{tag}"}}"#);
        installation.send(["person", "ada", "tag"], &body).await;
    }

    let history = installation.run(&["events", "person", "ada", "--json"]).await.json();
    let kinds: Vec<_> = history.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["person.person-created", "person.tagged", "person.tagged"]);
    assert_eq!(history[1]["data"]["tag"], "vip");
    let later = ["events", "person", "ada", "--from-version", "3", "--json"];
    assert_eq!(installation.run(&later).await.json().len(), 1);

    let state = async |more: &[&str]| {
        let arguments = [&["state", "person", "ada", "--json"], more].concat();
        installation.run(&arguments).await.json().remove(0)
    };
    assert_eq!(state(&[]).await["state"]["tags"].as_array().unwrap().len(), 2);
    let earlier = state(&["--at-version", "2"]).await;
    assert_eq!(earlier["version"], 2);
    assert_eq!(earlier["state"]["tags"], serde_json::json!(["vip"]));
    let time = history[0]["time"].as_str().unwrap();
    assert_eq!(state(&["--at", time]).await["version"], 1);
    let before = ["state", "person", "ada", "--at", "2020-01-01T00:00:00Z"];
    assert_eq!(installation.run(&before).await.code, Some(5));
}

#[tokio::test]
async fn the_tail_shows_payloads_only_when_asked() {
    let installation = Installation::start().await;
    installation.create("ada").await;
    let tail = ["tail", "--from", "start", "--aggregate", "person", "--limit", "1"];
    let shown = installation.run(&tail).await;
    assert!(shown.ok().contains("person.person-created"), "{shown:?}");
    assert!(!shown.ok().contains("Lovelace"), "{shown:?}");
    let asked = installation.run(&[&tail[..], &["--payload"]].concat()).await;
    assert!(asked.ok().contains("Lovelace"), "{asked:?}");
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let installation = Installation::start().await;
    let absent = installation.run(&["events", "person", "nobody"]).await;
    assert_eq!((absent.code, absent.stdout.as_str()), (Some(5), ""));
    let unknown = installation.run(&["state", "animal", "rex"]).await;
    assert_eq!(unknown.code, Some(5));
    assert!(unknown.stderr.contains("onboarding"), "it says what there is: {}", unknown.stderr);
}

#[tokio::test]
async fn it_is_told_how_the_log_grows() {
    let installation = Installation::start().await;
    installation.create("ada").await;
    let told = installation.run(&["stats", "--days", "2", "--json"]).await.json().remove(0);
    let mut of = told["aggregates"].as_array().unwrap().iter();
    let person = of.find(|of| of["aggregate"] == "person").unwrap();
    assert_eq!((&person["commits"], &person["recent"]), (&1.into(), &1.into()), "{told}");
    assert_eq!(told["days"].as_array().unwrap().len(), 3);
    assert!(told["room"]["of"] == "server" && told["full_in_days"].is_f64(), "{told}");
    let human = installation.run(&["stats"]).await;
    assert!(human.ok().contains("\nday (UTC) ") && human.ok().contains("in 30 days"), "{human:?}");
    let deaf = installation.run(&["stats", "--monitoring", "http://127.0.0.1:9"]).await;
    assert_eq!(deaf.code, Some(6), "{deaf:?}");
    let doctor = installation.run(&["doctor"]).await;
    assert!(doctor.ok().contains("\nstorage     "), "{doctor:?}");
}

#[tokio::test]
async fn a_query_reads_the_callers_own_write() {
    let installation = Installation::start().await;
    let reply = installation.create("ada").await;
    let position = reply["position"].to_string();
    let query = ["query", "people", "get", "--key", "ada", "--after", &position];
    let human = installation.run(&query).await;
    assert!(human.ok().contains("name: Ada Lovelace"), "{human:?}");
    let json = installation.run(&[&query[..], &["--json"]].concat()).await.json();
    assert_eq!(json[0]["status"], "ready");
    let list = ["query", "directory", "list", "--where", "name=lovel", "--after", &position];
    assert!(installation.run(&list).await.ok().contains("Ada Lovelace"));
    let never = ["query", "people", "get", "--key", "ada", "--after", "999", "--wait-ms", "50"];
    let late = installation.run(&never).await;
    assert_eq!(late.code, Some(6), "{late:?}");
    assert!(late.stderr.contains("--wait-ms"), "{late:?}");
    assert_eq!(installation.run(&["query", "people", "fly"]).await.code, Some(5));
}

#[tokio::test]
async fn every_handler_says_how_far_it_is_with_an_event() {
    let installation = Installation::start().await;
    installation.create("ada").await;
    let client = async_nats::connect(&installation.dev.url).await.unwrap();
    let ask = async |body: &'static str| -> serde_json::Value {
        let answer = client.request("query.handlers.status", body.into()).await.unwrap();
        serde_json::from_slice(&answer.payload).unwrap()
    };
    let answer = eventually("all have processed it", LIMIT, async || {
        let answer = ask(r#"{"position":1}"#).await;
        let handlers = answer["handlers"].as_array().unwrap();
        let processed = handlers.iter().all(|handler| handler["status"] == "processed");
        (processed && handlers.len() > 3).then_some(answer)
    })
    .await;
    assert_eq!(answer["type"], "person.person-created");
    let events = installation.run(&["events", "person", "ada", "--status", "--json"]).await.json();
    assert_eq!(events[0]["event_id"], answer["event_id"]);
    assert_eq!(events[0]["handlers"], answer["handlers"]);
    let told = installation.run(&["events", "person", "ada", "--status"]).await;
    assert!(told.ok().contains("onboarding-driver            processed\n"), "{told:?}");
    assert_eq!(ask(r#"{"position":1,"index":9}"#).await["code"], "not-found");
}

#[tokio::test]
async fn a_commit_that_is_not_ours_is_corrupt_with_its_position_for_whoever_reads_it() {
    let installation = Installation::start().await;
    let client = async_nats::connect(&installation.dev.url).await.unwrap();
    let log = async_nats::jetstream::new(client);
    log.publish("event.person.ghost", "[{}]".into()).await.unwrap().await.unwrap();
    for reading in ["events", "state"] {
        let refused = installation.run(&[reading, "person", "ghost", "--json"]).await;
        assert_eq!(refused.code, Some(1), "{refused:?}");
        let problem: serde_json::Value = serde_json::from_str(&refused.stderr).unwrap();
        assert_eq!(problem["code"], "corrupt");
        assert!(problem["detail"].as_str().unwrap().starts_with("position 1: "), "{problem}");
    }
}

#[tokio::test]
async fn a_healthy_installation_is_called_so_and_a_broken_one_not() {
    let installation = Installation::start().await;
    let healthy = installation.run(&["doctor"]).await;
    assert!(healthy.ok().contains("\nall is well\n"), "{healthy:?}");
    assert!(healthy.ok().contains("sync_interval: always"), "{healthy:?}");
    let handlers = installation.run(&["handlers", "--json"]).await.json();
    assert!(handlers.iter().any(|handler| handler["name"] == "onboarding-driver"));
    for duty in ["commands", "timers"] {
        let found = handlers.iter().find(|handler| handler["name"] == duty).unwrap();
        assert!(found["kind"] == "duty" && found["owner"].is_string(), "{found}");
    }
    let told = installation.run(&["handlers"]).await;
    let timers = told.ok().lines().find(|line| line.starts_with("timers ")).unwrap();
    let words: Vec<_> = timers.split_whitespace().take(4).collect();
    assert_eq!(words, ["timers", "duty", "running", "-"]);

    let client = async_nats::connect(&installation.dev.url).await.unwrap();
    async_nats::jetstream::new(client).delete_stream("TIMERS").await.unwrap();
    let broken = installation.run(&["doctor", "--json"]).await;
    assert_eq!(broken.code, Some(1));
    let report: serde_json::Value = serde_json::from_str(&broken.stdout).unwrap();
    assert_eq!(report["problems"][0], "TIMERS is not there");
}

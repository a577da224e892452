//! Dead letters of a policy: shown, put right, discarded, one by one and many at a time.

use serde_json::{Value, json};

use super::{DRIVER, WHY, World, created, statuses};

#[tokio::test]
async fn an_event_by_newer_code_is_discarded_and_what_waits_behind_it_goes_on() {
    let world = World::start().await;
    world.write("grace", 1, "name-changed", 99, json!({})).await;
    world.write("grace", 2, "person-created", 2, created()).await;
    world.parked("grace").await;
    let listed = world.list(DRIVER).await;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["class"], "schema");
    assert_eq!(listed[0]["event"]["type"], "person.name-changed");
    let none = ["--handler", DRIVER, "--class", "bug", "--json"];
    assert_eq!(world.dlq("list", &[&none]).await.json(), Vec::<Value>::new());
    let groups = world.dlq("list", &[&["--handler", DRIVER, "--group", "--json"]]).await.json();
    assert_eq!((groups.len(), &groups[0]["count"]), (1, &json!(1)));

    let key = [DRIVER, "person", "grace"];
    let shown = world.dlq("show", &[&key, &["--json"]]).await.json().remove(0);
    assert_eq!(shown["waiting"], 1, "{shown}");
    assert_eq!(shown["head"]["original"]["body"], Value::Null, "personal data only if asked for");
    let shown = world.dlq("show", &[&key, &["--json", "--payload"]]).await.json().remove(0);
    let body = shown["head"]["original"]["body"]["text"].as_str().unwrap();
    assert!(body.contains("\"schemaversion\":99"), "{body}");

    let planned = world.dlq("discard", &[&key, &WHY]).await;
    assert_eq!(planned.code, Some(2), "{planned:?}");
    assert!(planned.stdout.contains("would discard the failed events of 1 key:"), "{planned:?}");
    assert_eq!(world.list(DRIVER).await, listed, "a dry run changes nothing");
    assert!(!world.onboarded("grace").await);

    let done = world.dlq("discard", &[&key, &WHY, &["--yes", "--wait", "--json"]]).await;
    done.ok();
    assert_eq!(statuses(&done), ["requested", "released"]);
    assert!(world.onboarded("grace").await, "the event behind it was handled");
    assert_eq!(world.list(DRIVER).await, Vec::<Value>::new());
    let history = world.dlq("show", &[&key]).await;
    assert!(history.ok().contains("discard of 1.0 by ada: a test"), "{history:?}");
    assert!(history.ok().contains("does not stand still"), "{history:?}");
}

#[tokio::test]
async fn an_event_is_handled_with_other_data_once_they_fit_its_type() {
    let world = World::start().await;
    world.write("grace", 1, "person-created", 99, json!({"who": "Grace"})).await;
    world.parked("grace").await;
    let key = [DRIVER, "person", "grace"];
    let wrong = world.dlq("edit", &[&key, &WHY, &["--yes", "--json", r#"{"name":1}"#]]).await;
    assert_eq!(wrong.code, Some(7), "{wrong:?}");
    let right = created().to_string();
    let planned = world.dlq("edit", &[&key, &WHY, &["--json", &right]]).await;
    assert_eq!(planned.code, Some(2), "{planned:?}");
    assert_eq!(world.list(DRIVER).await.len(), 1);
    assert!(!world.onboarded("grace").await);

    let meant = ["--yes", "--wait", "--json", &right, "--output", "json"];
    let done = world.dlq("edit", &[&key, &WHY, &meant]).await;
    done.ok();
    assert_eq!(statuses(&done), ["requested", "released"]);
    assert!(world.onboarded("grace").await);
    let stored = world.context.get_stream("EVENTS").await.unwrap();
    let stored = stored.get_last_raw_message_by_subject("event.person.grace").await.unwrap();
    let stored = String::from_utf8(stored.payload.to_vec()).unwrap();
    assert!(stored.contains(r#"{"who":"Grace"}"#), "the stored event stays as it was: {stored}");
}

#[tokio::test]
async fn a_selection_acts_on_what_stands_as_it_was_seen_and_reports_what_has_moved() {
    let world = World::start().await;
    for id in ["grace", "mary"] {
        world.write(id, 1, "name-changed", 99, json!({})).await;
        world.write(id, 2, "person-created", 2, created()).await;
        world.parked(id).await;
    }
    let filters = ["--handler", DRIVER, "--class", "schema", "--json"];
    let planned = world.dlq("discard", &[&filters, &WHY]).await;
    assert_eq!(planned.code, Some(2), "{planned:?}");
    let plan: Value = serde_json::from_str(&planned.stdout).unwrap();
    assert_eq!(plan["count"], 2, "{plan}");
    let selection = plan["selection"].as_str().unwrap();

    // Somebody else tries one of them again meanwhile; it fails again.
    let meant = ["--yes", "--wait", "--json"];
    let again = world.dlq("retry", &[&[DRIVER, "person", "mary"], &WHY, &meant]).await;
    assert_eq!(
        (again.code, statuses(&again)),
        (Some(1), vec!["requested".into(), "parked".into()])
    );

    // What failed later is not of the selection either.
    world.write("ruth", 1, "name-changed", 99, json!({})).await;
    world.parked("ruth").await;
    let done = world.dlq("discard", &[&["--selection", selection], &WHY, &meant]).await;
    assert_eq!(done.code, Some(4), "{done:?}");
    assert_eq!(statuses(&done), ["requested", "moved", "released"]);
    let still: Vec<_> = world.list(DRIVER).await;
    let still: Vec<_> = still.iter().map(|it| it["id"].as_str().unwrap()).collect();
    assert_eq!(still, ["mary", "ruth"]);
    assert!(world.onboarded("grace").await && !world.onboarded("mary").await);

    let exported = world.dlq("export", &[&["--handler", DRIVER]]).await.json();
    assert_eq!(exported.len(), 2);
    let stored = exported[0]["original"]["body"]["text"].as_str().unwrap();
    assert!(stored.contains("person.name-changed"), "{stored}");

    for wrong in [&["retry", "--why", "x"][..], &["retry", "--all", "--class", "bug", "--why", "x"]]
    {
        let refused = world.run(&[&["dlq"], wrong].concat()).await;
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.stderr.contains("which keys are meant"), "{refused:?}");
    }
    let unknown = world.dlq("retry", &[&[DRIVER, "person", "nobody"], &WHY]).await;
    assert_eq!(unknown.code, Some(5), "{unknown:?}");
}

#[tokio::test]
async fn a_message_that_is_no_record_does_not_keep_a_key_from_being_asked_about() {
    let world = World::start().await;
    world.write("grace", 1, "name-changed", 99, json!({})).await;
    world.parked("grace").await;
    let foreign = world.context.publish(format!("dlq.{DRIVER}.person.grace"), "what".into()).await;
    foreign.unwrap().await.unwrap();
    let words = [DRIVER, "person", "grace", "--yes", "--wait", "--json"];
    let done = world.dlq("discard", &[&words, &WHY]).await;
    done.ok();
    assert_eq!(statuses(&done), ["requested", "released"]);
    let shown = world.dlq("show", &[&[DRIVER, "person", "grace"]]).await;
    assert!(shown.ok().contains("unreadable"), "{shown:?}");
}

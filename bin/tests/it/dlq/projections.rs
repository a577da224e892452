//! Dead letters of a projection.

use async_nats::jetstream;
use serde_json::{Value, json};
use tests::{LIMIT, eventually};

use super::{WHY, created, statuses, write};
use crate::kit::Installation;

#[tokio::test]
async fn what_a_projection_cannot_fold_is_decided_upon_like_any_other() {
    let installation = Installation::start().await;
    let context = jetstream::new(async_nats::connect(&installation.dev.url).await.unwrap());
    for (version, kind, schema, data) in
        [(1, "person-created", 2, created()), (2, "name-changed", 99, json!({}))]
    {
        write(&context, "grace", version, kind, schema, data).await;
    }
    write(&context, "grace", 3, "tagged", 99, json!({})).await;
    let list = async || {
        let list = ["dlq", "list", "--handler", "people", "--json"];
        installation.run(&list).await.json()
    };
    eventually("the projection parks", LIMIT, async || (list().await.len() == 1).then_some(()))
        .await;
    let key = ["people", "person", "grace"];
    let shown = [&["dlq", "show"], &key[..], &["--json"]].concat();
    let shown = installation.run(&shown).await.json().remove(0);
    assert_eq!((&shown["waiting"], &shown["head"]["at"]), (&json!(1), &json!("2.0")), "{shown}");
    let act = async |action: &str, more: &[&str]| {
        let words =
            [&["dlq", action], &key[..], &WHY, more, &["--yes", "--wait", "--output", "json"]];
        installation.run(&words.concat()).await
    };
    let again = act("retry", &[]).await;
    assert_eq!(statuses(&again), ["requested", "parked"], "{again:?}");
    let name = json!({"name": {"given": ["Grace"], "family": ["Hopper"]}, "use": "official", "effective": "2025-07-08", "reason": "marriage"});
    let edited = act("edit", &["--json", &name.to_string()]).await;
    assert_eq!(statuses(&edited), ["requested", "parked"], "the next one fails, too: {edited:?}");
    let gone = act("discard", &[]).await;
    assert_eq!(statuses(&gone), ["requested", "released"], "{gone:?}");
    assert_eq!(list().await, Vec::<Value>::new());
    let found = installation.run(&["query", "people", "get", "--key", "grace", "--json"]).await;
    assert!(found.ok().contains("Hopper"), "{found:?}");
}

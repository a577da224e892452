//! Dead letters at the command line: a real log with an event that no policy can read.

use async_nats::jetstream::{self, context::Context};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{LIMIT, Server, Service, eventually};

use crate::kit::{Finished, Installation, binary, finish};

const BINARY: &str = env!("CARGO_BIN_EXE_headwater");
const DRIVER: &str = "onboarding-driver";
const WHY: [&str; 4] = ["--why", "a test", "--by", "ada"];

/// A service without projections, whose log is written to by hand.
struct World {
    server: Server,
    _service: Service,
    context: Context,
    data: TempDir,
}

/// What a person's first event says, as today's code writes it.
fn created() -> Value {
    json!({
        "name": {"given": ["Ada"], "family": ["Lovelace"]},
        "source": "api",
        "onboarding": true,
    })
}

impl World {
    async fn start() -> Self {
        Self::start_with("commands,policies").await
    }

    async fn start_with(roles: &str) -> Self {
        let server = Server::start().await;
        let service = Service::start(BINARY, server.url(), &["--roles", roles]).await;
        let context = jetstream::new(server.client().await);
        let data = tempfile::tempdir().unwrap();
        Self { server, _service: service, context, data }
    }

    async fn run(&self, arguments: &[&str]) -> Finished {
        let mut command = binary().await;
        command.args(arguments).args(["--nats", self.server.url(), "--data"]).arg(self.data.path());
        finish(command, "").await
    }

    async fn dlq(&self, action: &str, more: &[&[&str]]) -> Finished {
        self.run(&[&["dlq", action], more.concat().as_slice()].concat()).await
    }

    /// Writes one event of the person `id` as another program would.
    async fn write(&self, id: &str, version: u64, kind: &str, schema: u32, data: Value) {
        write(&self.context, id, version, kind, schema, data).await;
    }

    /// Queues a command as any client would.
    async fn enqueue(&self, id: &str, subject: &str, body: &str) {
        let mut headers = async_nats::HeaderMap::new();
        headers.insert("Command-Id", id);
        let queued =
            self.context.publish_with_headers(subject.to_owned(), headers, body.to_owned().into());
        queued.await.unwrap().await.unwrap();
    }

    /// The keys that stand still for `handler`.
    async fn list(&self, handler: &str) -> Vec<Value> {
        self.dlq("list", &[&["--handler", handler, "--json"]]).await.json()
    }

    async fn parked(&self, id: &str) {
        eventually(&format!("{id} stands still"), LIMIT, async || {
            let parked = self.list(DRIVER).await;
            parked.iter().any(|it| it["id"] == id).then_some(())
        })
        .await;
    }

    /// Whether the policy has ordered the onboarding of `id`.
    async fn onboarded(&self, id: &str) -> bool {
        self.run(&["events", "onboarding", id]).await.code == Some(0)
    }
}

/// Writes one event of the person `id` as another program would.
async fn write(context: &Context, id: &str, version: u64, kind: &str, schema: u32, data: Value) {
    let event = json!({
        "specversion": "1.0",
        "id": uuid::Uuid::now_v7(),
        "source": "headwater/person",
        "type": format!("person.{kind}"),
        "subject": id,
        "time": "2026-11-21T10:00:00Z",
        "datacontenttype": "application/json",
        "schemaversion": schema,
        "sequence": version.to_string(),
        "commandid": uuid::Uuid::now_v7().to_string(),
        "commandhash": "0".repeat(32),
        "correlationid": "a-test",
        "data": data,
    });
    let body = serde_json::to_vec(&json!([event])).unwrap();
    let written = context.publish(format!("event.person.{id}"), body.into()).await;
    written.unwrap().await.unwrap();
}

fn statuses(finished: &Finished) -> Vec<String> {
    let lines = finished.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.map(|line| line["status"].as_str().unwrap().to_owned()).collect()
}

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
async fn a_durable_command_that_fails_is_shown_put_right_or_discarded() {
    let world = World::start_with("commands,durable").await;
    let create = r#"{"name":{"given":["A"],"family":["B"]},"source":"api"}"#;
    world.run(&["send", "person", "ada", "create-person", "--json", create]).await.ok();
    world.enqueue("c-1", "enqueue.person.ada.tag", r#"{"tagg":"vip"}"#).await;
    world.enqueue("c-2", "enqueue.person.ada.teleport", "{}").await;
    eventually("both are set aside", LIMIT, async || {
        (world.list("commands").await.len() == 2).then_some(())
    })
    .await;
    let listed =
        world.dlq("list", &[&["--class", "refused", "--type", "person.tag", "--json"]]).await;
    let listed = listed.json();
    assert_eq!((listed.len(), &listed[0]["id"]), (1, &json!("c-1")), "{listed:?}");
    let shown = world.dlq("show", &[&["commands", "person", "c-1"]]).await;
    assert!(shown.ok().contains("command   person.tag") && !shown.stdout.contains("waiting"));
    assert!(!shown.stdout.contains("vip"), "only with --payload: {shown:?}");
    let exported = world.dlq("export", &[&["--handler", "commands", "--id", "c-1"]]).await.json();
    assert_eq!(exported[0]["original"]["body"]["text"], r#"{"tagg":"vip"}"#);

    let edit = ["commands", "person", "c-1", "--json"];
    for (body, code) in [(r#"{"tagg":1}"#, 7), ("nonsense", 7), (r#"{"tag":1}"#, 7)] {
        let refused = world.dlq("edit", &[&edit, &[body], &WHY]).await;
        assert_eq!(refused.code, Some(code), "{body} {refused:?}");
    }
    let versioned = world.dlq("edit", &[&edit, &["{}", "--version", "1"], &WHY]).await;
    assert_eq!(versioned.code, Some(2), "{versioned:?}");
    let file = world.data.path().join("body.json");
    std::fs::write(&file, r#"{"tag":"vip"}"#).unwrap();
    let body = format!("@{}", file.display());
    let planned = world.dlq("edit", &[&edit, &[&body], &WHY]).await;
    assert_eq!(planned.code, Some(2), "{planned:?}");
    let words = [&edit[..], &[&body, "--yes", "--wait", "--output", "json"], &WHY].concat();
    let done = world.dlq("edit", &[&words]).await;
    done.ok();
    assert_eq!(statuses(&done), ["requested", "released"]);
    let history = world.run(&["events", "person", "ada", "--json"]).await.json();
    assert_eq!(history.last().unwrap()["command_id"], "c-1", "{history:?}");

    let retried = ["commands", "person", "c-2", "--yes", "--wait", "--json"];
    let again = world.dlq("retry", &[&retried, &WHY]).await;
    assert_eq!(
        (again.code, statuses(&again)),
        (Some(1), vec!["requested".into(), "parked".into()])
    );
    let gone = world.dlq("discard", &[&retried, &WHY]).await;
    gone.ok();
    assert_eq!(world.list("commands").await, Vec::<Value>::new());
}

#[tokio::test]
async fn filters_leave_what_they_say() {
    let world = World::start().await;
    world.write("grace", 1, "name-changed", 99, json!({})).await;
    world.write("mary", 1, "person-created", 98, json!({})).await;
    world.parked("grace").await;
    world.parked("mary").await;
    let ids = async |filters: &[&str]| {
        let words = [&["--handler", DRIVER, "--json"], filters].concat();
        let found = world.dlq("list", &[&words]).await.json();
        found.iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&[]).await, ["grace", "mary"]);
    assert_eq!(ids(&["--type", "person.name-changed"]).await, ["grace"]);
    assert_eq!(ids(&["--type", "name-changed"]).await, Vec::<String>::new());
    assert_eq!(ids(&["--error", "version 98"]).await, ["mary"]);
    assert_eq!(ids(&["--error", "VERSION 98"]).await, ["mary"], "as people remember it");
    assert_eq!(ids(&["--error", "nothing like it"]).await, Vec::<String>::new());
    assert_eq!(ids(&["--older-than", "0s"]).await, ["grace", "mary"]);
    assert_eq!(ids(&["--older-than", "1h"]).await, Vec::<String>::new());
    assert_eq!(
        ids(&["--aggregate", "person", "--id", "mary", "--class", "schema"]).await,
        ["mary"]
    );
    let wrong = world.dlq("list", &[&["--older-than", "soon"]]).await;
    assert_eq!(wrong.code, Some(2));
}

#[tokio::test]
async fn an_empty_word_is_no_filter_and_no_reason() {
    let world = World::start().await;
    world.write("grace", 1, "name-changed", 99, json!({})).await;
    world.parked("grace").await;
    let long = "x".repeat(5_000);
    let key = [DRIVER, "person", "grace"];
    for arguments in [
        &["--error", "", "--why", "a test"][..],
        &["--handler", "", "--why", "a test"],
        &["--type", "", "--why", "a test"],
        &["--all", "--why", ""],
        &["--all", "--why", "  "],
        &["--all", "--why", &long],
        &["--all", "--why", "a test", "--by", ""],
        &["--all", "--handler", DRIVER, "--why", "a test"],
        &["--why", "a test"],
    ] {
        let refused = world.dlq("discard", &[arguments, &["--yes"]]).await;
        assert_eq!(refused.code, Some(2), "{arguments:?} {refused:?}");
    }
    let file = world.data.path().join("large.json");
    let family = "x".repeat(600 * 1024);
    let large = json!({"name": {"given": ["A"], "family": [family]}, "use": "official", "effective": "2025-07-08", "reason": "marriage"});
    std::fs::write(&file, large.to_string()).unwrap();
    let data = format!("@{}", file.display());
    let refused = world.dlq("edit", &[&key, &["--json", &data, "--yes"], &WHY]).await;
    assert_eq!(refused.code, Some(7), "{refused:?}");
    assert!(refused.stderr.contains("too-large"), "{refused:?}");
    assert_eq!(world.list(DRIVER).await.len(), 1);
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

//! Keys of personal data, wrapped anew by the built binary.

use std::fs;

use serde_json::json;

use super::{World, run, serve_with, text};

#[tokio::test]
async fn keys_are_wrapped_anew_once_every_instance_has_the_new_master_key_and_no_sooner() {
    let mut world = World::start().await;
    let (old, new) = ("08".repeat(32), "09".repeat(32));
    let (secret, file) = (world.path("secret"), world.path("master-key"));
    fs::write(&secret, [7; 32]).unwrap();
    fs::write(&file, &old).unwrap();
    let with_file = ["--master-key-file", text(&file)];
    assert!(world.service.stop().await);
    world.service = serve_with(&world.server, &world.sink, "old", &with_file).await;
    for id in ["ada", "bob", "carol"] {
        let body = json!({"email": format!("{id}@example.org")}).to_string();
        world.send(["design", id, "create-request"], &body, &[]).await;
    }
    let rewrap = ["keys", "rewrap", "--secret-file", text(&secret), with_file[0], with_file[1]];

    fs::write(&file, format!("{new}\n{}\n", "07".repeat(32))).unwrap();
    let wrong = world.run(&rewrap).await;
    assert_eq!(wrong.code, Some(4), "{wrong:?}");
    assert!(wrong.stderr.contains("master keys that are not here: 3 by "), "{wrong:?}");
    fs::write(&file, format!("{new}\n{old}\n")).unwrap();
    let planned = world.run(&[&rewrap[..], &["--dry-run", "--json"]].concat()).await;
    assert_eq!(planned.json()[0]["would_wrap"], 3, "{planned:?}");
    let early = world.run(&rewrap).await;
    assert_eq!(early.code, Some(4), "{early:?}");
    assert!(early.stderr.contains("the instances still wrap with"), "{early:?}");

    // What an instance without the new one would wrap now could soon not be unwrapped any more.
    assert!(serve_with(&world.server, &world.sink, "other", &with_file).await.stop().await);
    let body = json!({"email": "dave@example.org"}).to_string();
    let create = ["send", "design", "dave", "create-request", "--json", &body];
    let behind = run(&world.server, &create).await;
    assert_eq!(behind.code, Some(6), "{behind:?}");
    assert!(behind.stderr.contains("wraps new keys with the master key"), "{behind:?}");

    assert!(world.service.stop().await);
    world.service = serve_with(&world.server, &world.sink, "both", &with_file).await;
    let done = world.run(&[&rewrap[..], &["--json"]].concat()).await.json().remove(0);
    assert_eq!((&done["wrapped"], &done["keys"]["by_newest"]), (&json!(3), &json!(3)), "{done}");
    let again = world.run(&[&rewrap[..], &["--json"]].concat()).await.json().remove(0);
    assert_eq!(again["wrapped"], 0, "{again}");

    assert!(world.service.stop().await);
    fs::write(&file, &new).unwrap();
    world.service = serve_with(&world.server, &world.sink, "new", &with_file).await;
    let body = json!({"email": "other@example.org"}).to_string();
    let changed = ["send", "design", "ada", "submit-request", "--json", &body];
    run(&world.server, &changed).await.ok();
    // Whoever shows what is stored shows that it is sealed, and not what a cipher made of it.
    let events = ["events", "design", "ada"];
    let human = world.run(&events).await;
    assert!(human.ok().contains(r#""email":"[sealed]""#), "{human:?}");
    let machines = world.run(&[&events[..], &["--json"]].concat()).await.json().remove(0);
    assert_eq!(machines["sealed"], "commandhash data.email", "{machines}");
    let state = ["state", "design", "ada", "--json", with_file[0], with_file[1]];
    let shown = world.run(&state).await;
    assert!(shown.ok().contains("@example.org"), "{shown:?}");
}

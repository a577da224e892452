//! Backups of a log that three servers keep, and of one whose read models are in PostgreSQL.

use async_nats::jetstream;
use infrastructure::{
    client::Client,
    request::{CommandRequest, Reply, Status},
};
use test_postgres::Postgres;
use tests::{Cluster, LIMIT, Server, Service, alter_database, eventually};

use super::{ADA, BINARY, World, end, last_of, run, text};
use crate::kit::{Finished, binary, finish};

/// Runs the binary against whatever server of `cluster` takes it.
async fn at(cluster: &Cluster, arguments: &[&str]) -> Finished {
    let mut command = binary().await;
    command.args(arguments).args(["--nats", &cluster.url()]);
    finish(command, "").await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_three_servers_keep_is_backed_up_by_two_and_comes_back_on_three() {
    const PEOPLE: u64 = 40;
    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().join("backup");
    let mut cluster = Cluster::start(3).await;
    let roles = ["--replicas", "3", "--roles", "commands"];
    let service = Service::start(BINARY, &cluster.url(), &roles).await;
    let made = created(&cluster, PEOPLE).await;
    drop(service);

    // Whoever has the latest is the one that is missing.
    let context = jetstream::new(cluster.client().await);
    let leader = eventually("the log has a leader", LIMIT, async || {
        let stream = context.get_stream("EVENTS").await.ok()?;
        stream.cached_info().cluster.clone()?.leader
    })
    .await;
    let gone = (0..3).find(|node| leader == format!("node-{node}")).unwrap();
    cluster.nodes[gone].stop().await;
    eventually("a backup is made by the others", LIMIT * 2, async || {
        let made = at(&cluster, &["backup", "create", text(&backup)]).await;
        (made.code == Some(0)).then_some(())
    })
    .await;
    assert_eq!(last_of(&backup).await, PEOPLE, "all that was acknowledged");
    drop(cluster);

    let cluster = Cluster::start(3).await;
    let restore = ["restore", text(&backup), "--replicas", "3", "--json"];
    let mut restored = None;
    eventually("it is restored", LIMIT * 2, async || {
        let finished = at(&cluster, &restore).await;
        (finished.code == Some(0)).then(|| restored = Some(finished.json().remove(0)))
    })
    .await;
    assert_eq!(restored.unwrap()["compared"], PEOPLE);
    let context = jetstream::new(cluster.client().await);
    for name in ["EVENTS", "DLQ", "COMMANDS", "TIMERS", "KV_HANDLERS", "KV_KEYS", "KV_LEASES"] {
        let stream =
            eventually("the stream is there", LIMIT, async || context.get_stream(name).await.ok());
        assert_eq!(stream.await.cached_info().config.num_replicas, 3, "{name}");
    }
    let _service = Service::start(BINARY, &cluster.url(), &roles).await;
    let again = created(&cluster, PEOPLE).await;
    assert!(again.iter().all(|it| it.status == Status::Replayed), "{again:?}");
    let places = |replies: &[Reply]| replies.iter().map(|it| it.position).collect::<Vec<_>>();
    assert_eq!(places(&again), places(&made), "each stands where it stood");
}

/// What as many people's creations are answered, each under its own command id.
async fn created(cluster: &Cluster, people: u64) -> Vec<Reply> {
    let (client, mut replies) = (Client::new(cluster.client().await), Vec::new());
    for number in 0..people {
        let id = format!("p{number}").parse().unwrap();
        let mut request = CommandRequest::new("person", id, "create-person", ADA);
        request.command_id = Some(format!("made-{number}").parse().unwrap());
        let sent = async || client.send(&request).await.ok();
        replies.push(eventually("the command is acknowledged", LIMIT, sent).await);
    }
    replies
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_in_postgresql_are_of_the_old_log_and_are_dropped_by_whoever_restores() {
    if !test_postgres::is_installed() {
        return test_postgres::left_out("PostgreSQL");
    }
    let postgres = tokio::task::spawn_blocking(Postgres::start).await.unwrap();
    let database = postgres.database();
    let with_rows = ["--store", &database];
    let mut world = World::start().await;
    assert!(world.service.stop().await);
    let first = Server::start().await;
    let mut service = super::serve_with(&first, &world.sink, "one", &with_rows).await;
    for id in ["ada", "bob"] {
        run(&first, &["send", "person", id, "create-person", "--json", ADA]).await.ok();
    }
    let row = async |server: &Server, id: &str| {
        let after = end(server).await.to_string();
        let query = ["query", "people", "get", "--key", id, "--after", &after, "--json"];
        run(server, &query).await
    };
    eventually("the rows are there", LIMIT, async || {
        (row(&first, "ada").await.code == Some(0)).then_some(())
    })
    .await;
    let folder = world.backup_of(&first, "backup").await;
    // Behind the backup: what the rows have of it is in no log.
    run(&first, &["send", "person", "carol", "create-person", "--json", ADA]).await.ok();
    eventually("the rows have what the backup has not", LIMIT, async || {
        (row(&first, "carol").await.code == Some(0)).then_some(())
    })
    .await;
    assert!(service.stop().await);
    drop(first);

    let server = Server::start().await;
    run(&server, &["restore", text(&folder)]).await.ok();
    let secret = world.path("secret");
    std::fs::write(&secret, [7; 32]).unwrap();
    let projections = ["serve", "--roles", "commands,projections", "--secret-file", text(&secret)];
    let refused = run(&server, &[&projections[..], &with_rows].concat()).await;
    assert_eq!(refused.code, Some(6), "{refused:?}");
    assert!(refused.stderr.contains("folded from another event log"), "{refused:?}");

    alter_database(&database, "DROP SCHEMA headwater CASCADE").await;
    let _service = super::serve_with(&server, &world.sink, "two", &with_rows).await;
    for id in ["ada", "bob"] {
        eventually(&format!("{id} is folded anew"), LIMIT, async || {
            row(&server, id).await.stdout.contains("Lovelace").then_some(())
        })
        .await;
    }
    assert_eq!(row(&server, "carol").await.code, Some(5), "rows of what is in no log are gone");
}

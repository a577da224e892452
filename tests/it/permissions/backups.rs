//! Who makes backups and restores them: the service's user, since they hold the keys of personal data.

use async_nats::jetstream;
use headwater::contexts;
use infrastructure::backup::{Backup, Progress, Restore, backup};
use tests::Server;
use tokio_util::sync::CancellationToken;

use super::{PASSWORDS, guarded, role::Role};

#[tokio::test]
async fn only_the_services_user_makes_a_backup_and_restores_it() {
    let (server, service) = guarded().await;
    let context = jetstream::new(service.client);
    for id in ["a", "b"] {
        let subjects = [
            format!("event.person.{id}"),
            format!("enqueue.person.{id}.tag"),
            format!("dlq.welcome.person.{id}"),
            format!("timer.set.person.{id}.x"),
            format!("$KV.RESULTS.{id}"),
            format!("$KV.CHECKPOINTS.{id}"),
            format!("$KV.KEYS.{id}"),
        ];
        for subject in subjects {
            context.publish(subject, "[]".into()).await.unwrap().await.unwrap();
        }
    }
    let (folder, token) = (tempfile::tempdir().unwrap(), CancellationToken::new());
    let seen = |_: Progress<'_>| {};
    let operator = Role::connect(server.url(), "operator").await;
    let elsewhere = tempfile::tempdir().unwrap();
    let refused = backup(&operator.client, elsewhere.path(), (&seen, &token)).await;
    assert!(refused.is_err(), "an operator reads no keys");
    let service = Role::connect(server.url(), "service").await;
    let made = backup(&service.client, folder.path(), (&seen, &token)).await.unwrap();
    let counts: Vec<_> =
        made.contents().iter().map(|it| (it.stream.as_str(), it.records)).collect();
    let expected = [
        ("KV_CHECKPOINTS", 2),
        ("COMMANDS", 2),
        ("KV_HANDLERS", 0),
        ("DLQ", 2),
        ("TIMERS", 2),
        ("KV_RESULTS", 2),
        ("EVENTS", 2),
        ("KV_KEYS", 2),
    ];
    assert_eq!(counts, expected);

    let config = [nats::server::PERMISSIONS, nats::server::PASSWORDS].concat();
    let target = Server::start_with(&config, &PASSWORDS).await;
    let (made, composition) = (Backup::open(folder.path()).unwrap(), contexts::composition());
    let operator = Role::connect(target.url(), "operator").await;
    let (client, until, replicas) = (&operator.client, None, 1);
    let restore = Restore { client, backup: &made, composition: &composition, until, replicas };
    let plan = restore.plan(&seen).await.unwrap();
    assert!(restore.run(plan, (&seen, &token)).await.is_err(), "an operator only reads");
    let service = Role::connect(target.url(), "service").await;
    let (client, composition, until, replicas) = (&service.client, &composition, None, 1);
    let restore = Restore { client, backup: &made, composition, until, replicas };
    let plan = restore.plan(&seen).await.unwrap();
    let restored = restore.run(plan, (&seen, &token)).await.unwrap();
    assert_eq!((restored.compared, restored.others), (2, 12));
}

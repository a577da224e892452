//! What happens when the log comes back from a backup that is older than what was handled.

use std::{fs, path::Path};

use infrastructure::{
    doctor::examine,
    handler::{Handlers, HandlersError, past_the_end, rewind},
    provision::ProvisionOptions,
};
use kit::Position;

use super::{
    table_tennis::{Scores, Watch},
    world::{World, table},
};

/// Copies the files of the stream `EVENTS`, which is what a backup of the log is.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test]
async fn a_log_that_ends_before_what_was_handled_starts_nothing_until_that_is_settled() {
    let mut world = World::start().await;
    let watch = Watch::default();
    let composition = table().policy(watch.clone()).projection(Scores::<1, false>);
    let log = world.server.folder().join("nats/jetstream/$G/streams/EVENTS");
    let backup = world.server.folder().join("backup");

    let handlers = world.handlers(&composition, "one").await;
    world.serve("ada", 100).await;
    world.close().await;
    world.server.stop().await;
    copy(&log, &backup);
    world.server.restart().await;
    world.open().await;
    world.serve("ada", 101).await;
    let end = world.serve("ada", 102).await.position;
    world.reached("watch", end).await;
    let after = format!("{{\"after\":{end},\"wait_ms\":30000}}");
    let queries = handlers.queries();
    infrastructure::query::Queries::query(&queries, "scores", "list", after.into()).await.unwrap();
    handlers.stop().await;
    world.close().await;

    world.server.stop().await;
    fs::remove_dir_all(&log).unwrap();
    copy(&backup, &log);
    world.server.restart().await;
    assert_eq!(world.last().await, Position(1), "the log is the older one");

    let start =
        async || Handlers::start(&world.client, &composition, world.options("one")).await.map(drop);
    let refused = start().await.unwrap_err();
    assert!(matches!(&refused, HandlersError::LogBehind(behind)
        if (behind.handler.as_str(), behind.at, behind.last) == ("watch", end, Position(1))));
    assert!(refused.to_string().starts_with("log-behind: "), "{refused}");
    let report = examine(&world.connection, &ProvisionOptions::default()).await.unwrap();
    let told = |text: &str| report.problems.iter().any(|problem| problem.contains(text));
    assert!(told("log-behind: policy watch") && told("log-behind: projection scores"), "{report}");

    let moved = Box::pin(rewind(&world.connection, ("a test", "an older backup"))).await;
    assert_eq!(moved.unwrap().len(), 1);
    assert_eq!(past_the_end(&world.connection).await.unwrap(), []);
    let refused = start().await.unwrap_err();
    assert!(matches!(&refused, HandlersError::LogBehind(behind) if behind.handler == "scores"));

    fs::remove_file(world.file()).unwrap();
    let handlers = world.handlers(&composition, "one").await;
    world.open().await;
    let next = world.serve("ada", 103).await;
    assert_eq!(next.position, Position(2), "in the place of a commit that was lost");
    world.reached("watch", next.position).await;
    assert_eq!(watch.0.lock().unwrap().last(), Some(&103), "and it is handled");
    handlers.stop().await;
}

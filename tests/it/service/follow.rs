//! The chain of a command, through policies, until it is quiet.

use futures::TryStreamExt as _;
use headwater::contexts::composition;
use infrastructure::{
    client::Client,
    runtime::{Roles, Runtime, RuntimeOptions},
};
use tests::Server;

use super::{CREATE, command, options};

#[tokio::test]
async fn following_shows_what_a_command_sets_off_and_nothing_else() {
    let server = Server::start().await;
    let roles = Roles { projections: false, ..Roles::default() };
    let options = RuntimeOptions { composition: composition(), roles, ..options(&server, "one") };
    let runtime = Runtime::start(options).await.unwrap();
    let client = Client::new(server.client().await);
    let request = command("ada", "create-person", CREATE).identified();
    let id = request.command_id.clone().unwrap();
    let reply = client.send(&request).await.unwrap();
    client.send(&command("bob", "create-person", CREATE)).await.unwrap();

    let chain = client.follow(id.as_str(), reply.position);
    let chain: Vec<_> = Box::pin(chain.try_collect()).await.unwrap();

    let kinds: Vec<_> = chain.iter().map(|event| event.event.kind.as_str()).collect();
    assert_eq!(kinds, ["person.person-created", "onboarding.onboarding-started"]);
    assert!(chain.iter().all(|event| event.metadata.correlation_id == id.as_str()));
    let (first, second) = (&chain[0], &chain[1]);
    assert_eq!(second.metadata.causation_id, Some(first.id.to_string()));
    assert_eq!((first.metadata.hops, second.metadata.hops), (0, 1));
    runtime.drain().await;
}

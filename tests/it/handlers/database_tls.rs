//! Read models in a PostgreSQL that is reached over TLS, and only if it is the right one.

use infrastructure::{
    handler::{Handlers, HandlersError},
    query::Queries as _,
};
use test_postgres::Postgres;
use tests::Authority;
use tokio::task::spawn_blocking;

use super::{
    table_tennis::Scores,
    world::{World, table},
};

async fn database(authority: &Authority, host: &str) -> (Postgres, String) {
    let (certificate, key) = authority.issue(host);
    spawn_blocking(move || {
        let postgres = Postgres::start_with_tls(&certificate, &key);
        let url = postgres.database().replace("127.0.0.1", "localhost");
        (postgres, url)
    })
    .await
    .unwrap()
}

/// Starts projections on `url`, with these parameters and the trust in `authority`.
async fn start(
    url: &str,
    mode: &str,
    authority: &Authority,
) -> (World, Result<Handlers, HandlersError>) {
    let trusted = authority.path();
    let url = format!("{url}?sslmode={mode}&sslrootcert={}", trusted.display());
    let world = World::start_with(url.parse().unwrap(), tempfile::tempdir().unwrap()).await;
    let composition = table().projection(Scores::<1, false>);
    let handlers = Handlers::start(&world.client, &composition, world.options("one")).await;
    (world, handlers)
}

#[tokio::test]
async fn rows_go_over_tls_to_the_database_whose_certificate_is_trusted_and_is_its_own() {
    if !test_postgres::is_installed() {
        return;
    }
    let authority = Authority::new();
    let (postgres, url) = database(&authority, "localhost").await;
    let (world, handlers) = start(&url, "verify-full", &authority).await;
    let handlers = handlers.unwrap();
    let reply = world.serve("ada", 1).await;
    world.reached("scores", reply.position).await;
    let get = handlers.queries();
    let get = get.query("scores", "get", r#"{"key":"ada"}"#.into()).await.unwrap();
    assert!(String::from_utf8_lossy(&get).contains("ada"), "{get:?}");
    handlers.stop().await;

    // Only TLS is spoken there, so the rows went over it.
    assert!(start(&url, "disable", &authority).await.1.is_err());
    let (_, refused) = start(&url, "verify-full", &Authority::new()).await;
    let refused = refused.unwrap_err();
    let HandlersError::Store { source, .. } = &refused else { panic!("{refused}") };
    assert!(source.to_string().contains("certificate"), "{source}");
    spawn_blocking(|| drop(postgres)).await.unwrap();
}

#[tokio::test]
async fn a_database_with_the_certificate_of_another_host_gets_no_rows() {
    if !test_postgres::is_installed() {
        return;
    }
    let authority = Authority::new();
    let (postgres, url) = database(&authority, "elsewhere.test").await;
    let (_, refused) = start(&url, "verify-full", &authority).await;
    assert!(matches!(refused.unwrap_err(), HandlersError::Store { .. }));
    // It is the name alone.
    let (_, handlers) = start(&url, "verify-ca", &authority).await;
    handlers.unwrap().stop().await;
    spawn_blocking(|| drop(postgres)).await.unwrap();
}

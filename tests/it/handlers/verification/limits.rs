//! What a verification does not judge, and what it refuses to.

use infrastructure::{composition::Composition, readmodel::verify};
use kit::Position;

use super::{
    super::{
        table_tennis::Scores,
        world::{World, table, with_every_store},
    },
    scoring, serve, sound, verified,
};

async fn what_was_folded_by_a_program_that_did_not_count_is_not_judged(world: World) {
    let handlers = world.handlers(&scoring(), "one").await;
    serve(&world, 0..20).await;
    handlers.stop().await;
    world.execute("DELETE FROM stretches").await;
    world.execute("DELETE FROM counted_from").await;
    let handlers = world.handlers(&scoring(), "one").await;
    serve(&world, 20..60).await;
    let verdict = verified(&world).await;
    assert_eq!(verdict.counted_from, Position(1_000));
    sound(&verdict, 1_200 - 999, 0);
    world.execute("UPDATE documents_scores_1 SET document = '{}' WHERE key = 's07'").await;
    assert_eq!(verified(&world).await.differing, ["s07"], "documents are compared all the same");
    handlers.stop().await;
}

async fn rows_of_another_store_log_or_version_are_not_verified(world: World) {
    let handlers = world.handlers(&scoring(), "one").await;
    serve(&world, 0..1).await;
    let refused = async |composition: Composition| {
        let (asked, _folder) = world.verification("scores");
        verify(&world.connection, &composition, &asked, |_| {}).await.unwrap_err().code
    };
    assert_eq!(refused(table()).await, "not-found");
    assert_eq!(refused(table().projection(Scores::<2, false>)).await, "conflict");
    world.execute("UPDATE meta SET value = 'another' WHERE name = 'store'").await;
    assert_eq!(refused(scoring()).await, "store-elsewhere");
    world.execute("UPDATE meta SET value = 'another' WHERE name = 'log'").await;
    assert_eq!(refused(scoring()).await, "store-elsewhere");
    handlers.stop().await;
}

async fn a_scratch_file_that_holds_rows_already_proves_nothing(world: World) {
    let handlers = world.handlers(&scoring(), "one").await;
    serve(&world, 0..2).await;
    let (asked, _folder) = world.verification("scores");
    let once = async || verify(&world.connection, &scoring(), &asked, |_| {}).await;
    sound(&once().await.unwrap(), 40, 0);
    let refused = once().await.unwrap_err();
    assert_eq!((refused.status, &*refused.code), (409, "conflict"), "{refused}");
    assert!(refused.detail.contains("rows.sqlite holds rows up to 40"), "{refused}");
    handlers.stop().await;
}

with_every_store! {
    what_was_folded_by_a_program_that_did_not_count_is_not_judged,
    rows_of_another_store_log_or_version_are_not_verified,
    a_scratch_file_that_holds_rows_already_proves_nothing,
}

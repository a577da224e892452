//! A snapshot that is kept while something else takes its time.

use std::{pin::pin, time::Duration};

use tokio::time::sleep;

use crate::{problem::Problem, readmodel::sql::Tx};

/// A database may end a transaction in which nothing happens for longer.
const INTERVAL: Duration = Duration::from_secs(2);

/// Does `work` without letting `tx` fall asleep.
pub(super) async fn while_held<T>(
    tx: &mut Tx,
    work: impl Future<Output = Result<T, Problem>>,
) -> Result<T, Problem> {
    let mut work = pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = sleep(INTERVAL) => {}
        }
        let kept: sqlx::Result<Option<(i64,)>> = tx.first("SELECT count(*) FROM meta", &[]).await;
        kept.map_err(|error| Problem::unavailable(format!("the store does not answer: {error}")))?;
    }
}

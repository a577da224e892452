//! What has happened so far, for effects that need to know: read from the log's leader, on a
//! connection that is opened when it is first needed.
//! Not here: what commands and queries read.

use effects::{History, HistoryError};
use infrastructure::{
    aggregates::Aggregates,
    connection::{ConnectOptions, connect},
    histories::Histories,
    sealing::{Keys, MasterKeys},
};
use kit::{Aggregate, AggregateId};
use tokio::sync::OnceCell;

/// The log behind a NATS.
#[derive(Debug)]
pub(crate) struct Past {
    nats: ConnectOptions,
    masters: Option<MasterKeys>,
    histories: OnceCell<Histories>,
}

impl Past {
    /// The same, with what is sealed in it opened by keys that `masters` have wrapped.
    pub(crate) fn new(nats: ConnectOptions, masters: Option<MasterKeys>) -> Self {
        let nats = ConnectOptions { name: Some("effects".to_owned()), ..nats };
        Self { nats, masters, histories: OnceCell::new() }
    }

    async fn open(&self) -> Result<Histories, String> {
        let connection = connect(&self.nats).await.map_err(|error| error.to_string())?;
        let keys = self.masters.clone().map(|masters| Keys::new(connection.clone(), masters));
        // Who asks knows the type.
        let histories = Histories::open(connection, Aggregates::new());
        let histories = histories.await.map_err(|problem| problem.detail)?;
        Ok(match keys {
            Some(keys) => histories.opening(keys),
            None => histories,
        })
    }
}

impl History for Past {
    async fn state<A: Aggregate>(&self, id: &AggregateId) -> Result<A, HistoryError> {
        let histories = self.histories.get_or_try_init(|| self.open()).await;
        let state = histories.map_err(HistoryError::Away)?.fold(id).await;
        state.map_err(|problem| match problem.code.as_str() {
            "corrupt" => HistoryError::Unreadable(problem.detail),
            _ => HistoryError::Away(problem.detail),
        })
    }
}

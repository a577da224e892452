//! What has happened so far, for effects that need to know: read from the log's leader, on a
//! connection that is opened when it is first needed.
//! Not here: what commands and queries read.

use effects::{History, HistoryError};
use infrastructure::{
    connection::{ConnectOptions, connect},
    jetstream::{JetStreamOptions, JetStreamStore},
    sealing::{Keys, MasterKeys},
    store::{Freshness, Pages, ReadError, Start, StreamKey},
};
use kit::{Aggregate, AggregateId};
use tokio::sync::OnceCell;

use crate::reader;

/// The log behind a NATS.
#[derive(Debug)]
pub(crate) struct Past {
    nats: ConnectOptions,
    masters: Option<MasterKeys>,
    store: OnceCell<JetStreamStore>,
}

impl Past {
    /// The same, with what is sealed in it opened by keys that `masters` have wrapped.
    pub(crate) fn new(nats: ConnectOptions, masters: Option<MasterKeys>) -> Self {
        let nats = ConnectOptions { name: Some("effects".to_owned()), ..nats };
        Self { nats, masters, store: OnceCell::new() }
    }

    async fn open(&self) -> Result<JetStreamStore, String> {
        let connection = connect(&self.nats).await.map_err(|error| error.to_string())?;
        let keys = self.masters.clone().map(|masters| Keys::new(connection.clone(), masters));
        let store =
            JetStreamStore::new(connection.clone(), connection, JetStreamOptions::default());
        Ok(store.await.map_err(|error| error.to_string())?.opening(keys))
    }
}

impl History for Past {
    async fn state<A: Aggregate>(&self, id: &AggregateId) -> Result<A, HistoryError> {
        let store = self.store.get_or_try_init(|| self.open()).await.map_err(HistoryError::Away)?;
        let key = StreamKey { aggregate: A::TYPE.into(), id: id.clone() };
        // A replica that lags behind might not know the contact yet.
        let mut pages = Pages::new(store, &key, Start::WHOLE, Freshness::Leader);
        let mut state = A::default();
        let away = |error: ReadError| HistoryError::Away(error.to_string());
        while let Some(page) = pages.next().await.map_err(away)? {
            for commit in &page {
                let taken = reader::advance(&mut state, commit);
                taken.map_err(|error| HistoryError::Unreadable(error.to_string()))?;
            }
        }
        Ok(state)
    }
}

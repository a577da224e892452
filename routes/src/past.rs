//! What one aggregate's history says and adds up to, for routes that decide what to ask by it.
//! Not here: lists, which are a read model's; and deciding anything that a command decides.

use std::sync::Arc;

use gateway::access::OwnerOf;
use infrastructure::{
    client::Client,
    envelope,
    histories::{Owner, Owners},
    jetstream::{JetStreamOptions, JetStreamStore},
    problem::Problem,
    store::{Freshness, Pages, Start, Store as _, StreamKey},
};
use kit::{Aggregate, AggregateId, Position, Recorded};
use tokio::sync::OnceCell;

/// The log, as its leader knows it.
#[derive(Debug, Clone)]
pub(crate) struct Past {
    client: Client,
    store: OnceCell<JetStreamStore>,
    owners: Arc<Owners>,
}

impl Past {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, store: OnceCell::new(), owners: Arc::default() }
    }

    /// The state of `id`; that of one without a history if there is none.
    pub(crate) async fn state<A: Aggregate>(&self, id: &AggregateId) -> Result<A, Problem> {
        let mut state = A::default();
        self.each::<A>(id, Position::ZERO, |recorded| state.evolve(&recorded.event)).await?;
        Ok(state)
    }

    /// Gives `visit` every event of `id` that stands behind `after`, in order.
    pub(crate) async fn each<A: Aggregate>(
        &self,
        id: &AggregateId,
        after: Position,
        mut visit: impl FnMut(&Recorded<A::Event>),
    ) -> Result<(), Problem> {
        // What was just recorded by the same caller must be seen.
        let key = key::<A>(id);
        let mut pages =
            Pages::new(self.store().await?, &key, Start::After(after), Freshness::Leader);
        while let Some(page) = pages.next().await.map_err(|error| away(&error))? {
            for commit in &page {
                let unreadable = || {
                    let position = commit.position;
                    Problem::corrupt(format!("the commit at position {position} cannot be read"))
                };
                let elements = envelope::decode(&commit.body).map_err(|_| unreadable())?;
                for (index, element) in elements.iter().enumerate() {
                    let recorded = element.record::<A::Event>(A::TYPE, commit.position, index);
                    visit(&recorded.map_err(|_| unreadable())?);
                }
            }
        }
        Ok(())
    }

    /// Where the last commit of `id` stands; zero if there is none.
    pub(crate) async fn last<A: Aggregate>(&self, id: &AggregateId) -> Result<Position, Problem> {
        self.store().await?.last(&key::<A>(id)).await.map_err(|error| away(&error))
    }

    async fn store(&self) -> Result<&JetStreamStore, Problem> {
        let connection = self.client.connection();
        let open = async || {
            let options = JetStreamOptions::default();
            let store = JetStreamStore::new(connection.clone(), connection.clone(), options).await;
            store.map(|store| store.opening(self.client.keys().cloned()))
        };
        self.store.get_or_try_init(open).await.map_err(|error| away(&error))
    }
}

impl OwnerOf for Past {
    async fn owner(&self, aggregate: &str, id: &AggregateId) -> Result<Owner, Problem> {
        let key = StreamKey { aggregate: aggregate.into(), id: id.clone() };
        self.owners.of(self.store().await?, &key).await
    }
}

fn key<A: Aggregate>(id: &AggregateId) -> StreamKey {
    StreamKey { aggregate: A::TYPE.into(), id: id.clone() }
}

fn away(error: &dyn std::fmt::Display) -> Problem {
    Problem::unavailable(format!("the log cannot be read: {error}"))
}

//! What one aggregate's history adds up to, for routes that decide what to ask by it.
//! Not here: lists, which are a read model's; and deciding anything that a command decides.

use infrastructure::{
    client::Client,
    envelope,
    jetstream::{JetStreamOptions, JetStreamStore},
    problem::Problem,
    store::{Commit, Freshness, Pages, Start, StreamKey},
};
use kit::{Aggregate, AggregateId};
use tokio::sync::OnceCell;

/// The log, as its leader knows it.
#[derive(Debug, Clone)]
pub(crate) struct Past {
    client: Client,
    store: OnceCell<JetStreamStore>,
}

impl Past {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, store: OnceCell::new() }
    }

    /// The state of `id`; that of one without a history if there is none.
    pub(crate) async fn state<A: Aggregate>(&self, id: &AggregateId) -> Result<A, Problem> {
        let away = |error: &dyn std::fmt::Display| {
            Problem::unavailable(format!("the log cannot be read: {error}"))
        };
        let connection = self.client.connection();
        let open = || {
            let options = JetStreamOptions::default();
            JetStreamStore::new(connection.clone(), connection.clone(), options)
        };
        let store = self.store.get_or_try_init(open).await.map_err(|error| away(&error))?;
        let key = StreamKey { aggregate: A::TYPE.into(), id: id.clone() };
        // What was just recorded by the same caller must be seen.
        let mut pages = Pages::new(store, &key, Start::WHOLE, Freshness::Leader);
        let mut state = A::default();
        while let Some(page) = pages.next().await.map_err(|error| away(&error))? {
            for commit in &page {
                advance(&mut state, commit)?;
            }
        }
        Ok(state)
    }
}

fn advance<A: Aggregate>(state: &mut A, commit: &Commit) -> Result<(), Problem> {
    let position = commit.position;
    let unreadable =
        || Problem::corrupt(format!("the commit at position {position} is unreadable"));
    let elements = envelope::decode(&commit.body).map_err(|_| unreadable())?;
    for (index, element) in elements.iter().enumerate() {
        let recorded = element.record::<A::Event>(A::TYPE, position, index);
        state.evolve(&recorded.map_err(|_| unreadable())?.event);
    }
    Ok(())
}

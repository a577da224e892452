//! Answers that do not end by themselves, such as streams of events, end when what let them in does.
//! Not here: letting in.

use std::{sync::Arc, time::Duration};

use axum::{body::Body, response::Response};
use chrono::{DateTime, Utc};
use futures::StreamExt as _;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::{
    book::{Book, Kept},
    token::Tokens,
};

/// The longest that nothing is looked at; a time that is further away is slept to in steps.
const STEP: Duration = Duration::from_secs(3600);

/// By what somebody was let in.
#[derive(Debug, Clone)]
pub(super) enum Standing {
    /// A key of the file, as it was.
    Key(Arc<Kept>),
    /// A token of the issuer of the file, as that was, and when it expires.
    Token(Arc<Tokens>, DateTime<Utc>),
}

impl Standing {
    /// Whether `book` would let it in as it did before.
    fn holds(&self, book: &Book) -> bool {
        if self.until().is_some_and(|until| until <= Utc::now()) {
            return false;
        }
        match self {
            Self::Key(kept) => {
                book.keys.get(&kept.entry.id).is_some_and(|now| now.entry == kept.entry)
            }
            Self::Token(tokens, _) => {
                book.tokens.as_ref().is_some_and(|now| Arc::ptr_eq(now, tokens))
            }
        }
    }

    fn until(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Key(kept) => kept.entry.expires,
            Self::Token(_, until) => Some(*until),
        }
    }

    /// Returns when it holds no longer, or when its roles mean something else.
    async fn ended(self, mut book: watch::Receiver<Arc<Book>>) {
        let roles = book.borrow_and_update().roles.clone();
        loop {
            let now = Arc::clone(&book.borrow_and_update());
            if !self.holds(&now) || now.roles != roles {
                return;
            }
            let left = self.until().map(|until| (until - Utc::now()).to_std().unwrap_or_default());
            let step = left.unwrap_or(STEP).min(STEP);
            match timeout(step, book.changed()).await {
                Ok(Err(_)) => return,
                Ok(Ok(())) => {}
                // Not before its time, by this clock either.
                Err(_) => sleep(Duration::from_millis(1)).await,
            }
        }
    }

    /// The same answer, for as long as this holds.
    pub(super) fn limit(self, response: Response, book: watch::Receiver<Arc<Book>>) -> Response {
        let ended = Box::pin(self.ended(book));
        response.map(|body| Body::from_stream(body.into_data_stream().take_until(ended)))
    }
}

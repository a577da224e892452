//! One stream while it is open: what it shows, in order, and when it ends.
//! Not here: a client that reads too slowly; its connection ends it.

use std::{collections::VecDeque, time::Duration};

use axum::response::sse::Event;
use infrastructure::{
    envelope,
    histories::{Live, LiveCommit},
    problem::Problem,
    record::Record,
};
use serde::Serialize;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::{Filter, places::Place};
use crate::{cursor::Cursor, problem::Fault, service::Service};

/// How long a client waits before it comes back.
const RETRY: Duration = Duration::from_secs(1);

/// An open stream.
pub(super) struct Feed {
    live: Live,
    filter: Filter,
    /// Behind what is shown or passed over.
    seen: Cursor,
    /// Read and not yet handed out.
    ready: VecDeque<Event>,
    heartbeat: Duration,
    until: Instant,
    stop: CancellationToken,
    ended: bool,
    _place: Place,
}

impl Feed {
    pub(super) async fn open(
        service: &Service,
        filter: Filter,
        seen: Cursor,
        place: Place,
    ) -> Result<Self, Fault> {
        let live = service.histories.live(&filter.of, seen.before().next()).await?;
        // Who connects and hears nothing has a place to come back to all the same.
        let hello = beat(seen, "open").retry(RETRY);
        Ok(Self {
            live,
            filter,
            seen,
            ready: VecDeque::from([hello]),
            heartbeat: service.limits.heartbeat,
            until: Instant::now() + service.limits.stream_time,
            stop: service.stop.clone(),
            ended: false,
            _place: place,
        })
    }

    /// The next thing to send; none at the end.
    pub(super) async fn step(mut self) -> Option<(Event, Self)> {
        while self.ready.is_empty() {
            if self.ended {
                return None;
            }
            self.read().await;
        }
        self.ready.pop_front().map(|event| (event, self))
    }

    async fn read(&mut self) {
        let next = tokio::select! {
            biased;
            () = self.stop.cancelled() => return self.end("the server ends"),
            () = sleep_until(self.until) => return self.end("come back"),
            next = timeout(self.heartbeat, self.live.next()) => next,
        };
        match next {
            Err(_) => self.ready.push_back(beat(self.seen, "")),
            Ok(Ok(commit)) => self.take(&commit),
            Ok(Err(problem)) => {
                tracing::debug!(%problem, "a stream of events is interrupted");
                self.end("interrupted");
            }
        }
    }

    /// Clients come back by themselves, behind what they have seen.
    fn end(&mut self, why: &str) {
        self.ready.push_back(beat(self.seen, why));
        self.ended = true;
    }

    fn take(&mut self, commit: &LiveCommit) {
        let position = commit.position;
        match envelope::decode(&commit.body) {
            Ok(elements) => {
                for (index, element) in elements.iter().enumerate() {
                    let at = Cursor::at(position, index);
                    if at > self.seen && self.filter.shows(&element.kind) {
                        let record = Record::new(element, position, index, true);
                        self.ready.push_back(event(at, &element.kind, &record));
                    }
                }
            }
            // One bad commit must not hide the ones behind it, nor itself.
            Err(error) => {
                let problem = Problem::corrupt(format!("position {position}: {error}"));
                self.ready.push_back(event(Cursor::whole(position), "problem", &problem));
            }
        }
        self.seen = self.seen.max(Cursor::whole(position));
    }
}

fn event(at: Cursor, kind: &str, shown: &impl Serialize) -> Event {
    // A record always has a JSON form, in one line.
    let data = serde_json::to_string(shown).unwrap_or_default();
    Event::default().id(at.to_string()).event(kind).data(data)
}

/// An id without data moves the client's last one, and is no event to it.
fn beat(seen: Cursor, words: &str) -> Event {
    Event::default().id(seen.to_string()).comment(words)
}

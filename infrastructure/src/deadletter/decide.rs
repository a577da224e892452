//! What somebody asked for becomes what is decided: a fact, or an answer why not.
//! Not here: handling what waits behind it.

use chrono::Utc;

use super::{
    Action, Class, Declined, Discarded, Overridden, Record, Requested, Standing,
    book::{Book, BookError},
    ledger::Head,
};

impl Book {
    /// Writes down what is to become of the event at the head of `key`; false if nothing is to be
    /// handled. A declined request does not keep a drain that had begun from going on.
    pub(crate) async fn decide(&self, key: &str, head: &Head) -> Result<bool, BookError> {
        let request = match &head.standing {
            Standing::Parked => return Ok(head.class == Class::Waiting),
            Standing::Draining => return Ok(true),
            Standing::Requested(request) => request,
        };
        let (handler, epoch) = (self.handler(), self.epoch());
        let (action, who, why) = (request.action, &request.who, &request.why);
        tracing::info!(handler, key, ?action, who, why, "a dead letter is acted upon");
        match decision(head, request, epoch) {
            Ok(None) => Ok(true),
            Ok(Some(record)) => self.append(key, record).await.map(|()| true),
            Err(reason) => {
                let (request, time) = (request.request, Utc::now());
                let declined = Declined { request, reason, epoch, time };
                let begun = head.at != head.event.at;
                self.append(key, Record::Declined(declined)).await.map(|()| begun)
            }
        }
    }
}

/// The record that makes a request a fact; none if it asks for nothing but another attempt.
fn decision(head: &Head, request: &Requested, epoch: u64) -> Result<Option<Record>, String> {
    let Requested { request: id, action, event, data, schema_version, who, why, .. } =
        request.clone();
    if action == Action::Retry {
        return Ok(None);
    }
    if event != head.event || head.at != event.at {
        return Err(format!("the event at {} is not the one that failed", event.at));
    }
    let time = Utc::now();
    match (action, data) {
        (Action::Override, Some(data)) if event.kind.is_some() => {
            let request = id;
            Ok(Some(Record::Overridden(Overridden {
                event,
                data,
                schema_version,
                request,
                who,
                why,
                epoch,
                time,
            })))
        }
        (Action::Override, _) => {
            Err("there is no data to override, or none to override it with".to_owned())
        }
        (Action::Discard | Action::Retry, _) => {
            Ok(Some(Record::Discarded(Discarded { event, request: id, who, why, epoch, time })))
        }
    }
}

//! One timer whose time has come: its command sent, its answer kept, its traces cleared.
//! Not here: which one comes when, and trying again.

use chrono::Utc;
use kit::HOPS_MAX;
use tokio::sync::watch;

use super::{
    Planned, TimerName, TimerOptions, TimerRecord,
    store::{Stored, TimerError, TimerStore},
};
use crate::{
    client::Client,
    durable::{Outcome, Results},
    fail_points,
    handler::Validity,
    problem::Problem,
    request::{CommandRequest, Status},
};

/// A timer that was fired, or should have been.
#[derive(Debug, Clone)]
pub(super) struct Due {
    /// The message that says so.
    pub(super) sequence: u64,
    pub(super) timer: TimerName,
    pub(super) planned: Planned,
    /// Whether the server fired it; if not, the message is the schedule itself.
    pub(super) fired: bool,
}

/// Why a timer is not done with.
#[derive(Debug, thiserror::Error)]
pub(super) enum FireError {
    #[error(transparent)]
    Timer(#[from] TimerError),
    #[error("{0}")]
    Problem(#[from] Problem),
    #[error("the lease has run out")]
    Lost,
}

/// What fires.
pub(super) struct Gun {
    pub(super) store: TimerStore,
    pub(super) client: Client,
    pub(super) results: Results,
    pub(super) options: TimerOptions,
    pub(super) validity: watch::Receiver<Validity>,
}

impl Gun {
    /// Sends the command of a timer whose time has come, unless it was cancelled, moved or answered
    /// since. False if it is to be sent once more when clocks cannot differ by as much any more.
    pub(super) async fn fire(&self, due: &Due) -> Result<bool, FireError> {
        let last = self.store.last(&due.timer.set_subject()).await?;
        let Some(expected) = due.still(last.as_ref()) else {
            self.clear(due).await?;
            return Ok(true);
        };
        let request = due.planned.request();
        fail_points::pass("timers.before-command");
        let sent = self.send(&request).await?;
        fail_points::pass("timers.after-command");
        let outcome = match sent {
            Ok(status) => status.to_owned(),
            Err(problem) => {
                if (self.options.clock)() - self.options.skew < due.planned.at {
                    return Ok(false);
                }
                let code = problem.code.clone();
                tracing::warn!(timer = %due.timer, code, "a timer's command was refused");
                let id = due.planned.command_id.clone();
                self.results.keep(Outcome::refused(id, &request, problem)).await?;
                code
            }
        };
        let (cause, time) = (due.planned.cause.clone(), Utc::now());
        let done = TimerRecord::Done { cause, time, outcome };
        match self.store.write(&due.timer, &done, expected).await {
            // It was set anew or cancelled meanwhile, which says as much.
            Ok(()) | Err(TimerError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
        self.clear(due).await?;
        Ok(true)
    }

    async fn clear(&self, due: &Due) -> Result<(), TimerError> {
        if due.fired { self.store.remove(due.sequence).await } else { Ok(()) }
    }

    /// The status of an accepted command, or why it was refused for good.
    async fn send(
        &self,
        request: &CommandRequest,
    ) -> Result<Result<&'static str, Problem>, FireError> {
        if request.hops > HOPS_MAX {
            let why = format!("there were {HOPS_MAX} before this one");
            return Ok(Err(Problem::too_many_hops(why)));
        }
        let validity = *self.validity.borrow();
        if !validity.holds() {
            return Err(FireError::Lost);
        }
        let request = CommandRequest { deadline: Some(validity.deadline), ..request.clone() };
        match self.client.send(&request).await {
            Ok(reply) => Ok(Ok(match reply.status {
                Status::Committed => "committed",
                Status::Unchanged => "unchanged",
                Status::Replayed => "replayed",
            })),
            // An older instance may not know the command yet.
            Err(problem) if problem.is_transient() || problem.status == 404 => Err(problem.into()),
            Err(problem) if problem.status < 500 => Ok(Err(problem)),
            Err(problem) => Err(problem.into()),
        }
    }
}

impl Due {
    /// Over what its answer is to be written; `None` if it does not count any more.
    fn still(&self, last: Option<&Stored>) -> Option<u64> {
        let Some(last) = last else {
            // A schedule that is gone has fired.
            return self.fired.then_some(0);
        };
        let (mine, known) = (self.planned.cause.place(), last.record.cause().place());
        match &last.record {
            TimerRecord::Set(_) if known == mine => Some(last.sequence),
            _ if known >= mine => None,
            _ => Some(last.sequence),
        }
    }
}

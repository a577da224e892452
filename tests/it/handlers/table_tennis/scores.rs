//! Projections of the table: what was served and how often it came back.

use kit::{Field, Projection, Recorded, Term};
use serde::{Deserialize, Serialize};

use super::{POISON, ReceiverEvent, Returned, Served, ServerEvent};

/// What one server has served, in order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Score {
    pub(crate) name: String,
    pub(crate) balls: Vec<u64>,
}

/// The score of each server. `VERSION` and the poison are the test's to choose.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scores<const VERSION: u32, const POISONED: bool>;

impl<const VERSION: u32, const POISONED: bool> Projection for Scores<VERSION, POISONED> {
    const NAME: &'static str = "scores";
    const VERSION: u32 = VERSION;
    const FIELDS: &'static [Field] = &[Field::prefix("name"), Field::exact("ball")];
    type When = ServerEvent;
    type Document = Score;

    fn key(event: &Recorded<ServerEvent>) -> Option<String> {
        Some(event.aggregate_id.to_string())
    }

    fn fold(score: &mut Score, event: &Recorded<ServerEvent>) {
        let ServerEvent::Served(Served { ball }) = &event.event;
        assert!(!(POISONED && *ball == POISON), "a poisoned ball");
        score.name = match VERSION {
            1 => event.aggregate_id.to_string(),
            _ => event.aggregate_id.to_string().to_uppercase(),
        };
        score.balls.push(*ball);
    }

    fn terms(score: &Score) -> Vec<Term> {
        let name = Term { field: "name", value: score.name.to_lowercase() };
        let ball = |ball: &u64| Term { field: "ball", value: ball.to_string() };
        std::iter::once(name).chain(score.balls.iter().map(ball)).collect()
    }

    fn order(score: &Score) -> String {
        score.name.to_lowercase()
    }
}

/// How often each ball was returned: a second projection, which nothing poisons.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Returns;

impl Projection for Returns {
    const NAME: &'static str = "returns";
    const VERSION: u32 = 1;
    type When = ReceiverEvent;
    type Document = u64;

    fn key(event: &Recorded<ReceiverEvent>) -> Option<String> {
        let ReceiverEvent::Returned(Returned { ball }) = &event.event;
        Some(ball.to_string())
    }

    fn fold(count: &mut u64, _: &Recorded<ReceiverEvent>) {
        *count += 1;
    }
}

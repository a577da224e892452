//! How the process ends: the exit code by what the caller does next, and the message for it.
//! Not here: how failures arise.

use std::io;

use infrastructure::problem::Problem;

use crate::{arguments::Format, output::clean};

/// A failure with a word on what to do next.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Advised {
    message: String,
    advice: String,
}

impl Advised {
    /// What is wrong, and what to do about it.
    pub fn new(message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { message: message.into(), advice: advice.into() }
    }
}

/// An end with a code whose reason has been printed already.
#[derive(Debug, thiserror::Error)]
#[error("exit code {0}")]
pub struct Quietly(pub u8);

/// The exit code for an HTTP status.
#[must_use]
pub const fn code_of(status: u16) -> u8 {
    match status {
        422 => 3,
        409 => 4,
        404 => 5,
        503 | 504 => 6,
        400 | 413 => 7,
        _ => 1,
    }
}

/// The exit code for `error`, and what to write to standard error, if anything.
#[must_use]
pub fn explain(error: &anyhow::Error, format: Format) -> (u8, Option<String>) {
    if let Some(Quietly(code)) = error.downcast_ref() {
        return (*code, None);
    }
    // Whoever reads the output has seen enough, as `head` does.
    let closed = |cause: &io::Error| cause.kind() == io::ErrorKind::BrokenPipe;
    if error.chain().filter_map(|cause| cause.downcast_ref()).any(closed) {
        return (0, None);
    }
    let problem = error.downcast_ref::<Problem>();
    let advised = error.downcast_ref::<Advised>();
    let code = problem.map_or(1, |problem| code_of(problem.status));
    let text = match (format, problem) {
        (Format::Json, Some(problem)) => serde_json::to_string(problem).unwrap_or_default(),
        (Format::Json, None) => serde_json::json!({
            "title": "The command line tool failed",
            "status": 500,
            "code": "failed",
            "detail": format!("{error:#}"),
        })
        .to_string(),
        (Format::Human, Some(problem)) => in_words(problem, advised),
        (Format::Human, None) => match advised {
            Some(advised) => format!("error: {error:#}\n{}", advised.advice),
            None => format!("error: {error:#}"),
        },
    };
    (code, Some(text))
}

/// A problem with what the caller does next.
fn in_words(problem: &Problem, advised: Option<&Advised>) -> String {
    let next = advised.map_or_else(|| advice(problem), |advised| &advised.advice);
    let first = format!("{}: {} ({})", problem.code, clean(&problem.detail), problem.title);
    if next.is_empty() { first } else { format!("{first}\n{next}") }
}

fn advice(problem: &Problem) -> &'static str {
    match (problem.status, problem.code.as_str()) {
        (_, "outcome-unknown") => "Repeat it with the same --command-id: it happens once.",
        (_, "unknown-aggregate" | "unknown-command" | "unknown-query") => {
            "`headwater charts` and `headwater doctor` show what there is."
        }
        (_, "id-reused") => "Choose a new --command-id for a new command.",
        (_, "store-elsewhere") => "Ask the instance that owns the read models' store.",
        (_, "timeout") => "Nothing is lost: ask again, or wait longer with --wait-ms.",
        (409, _) => "Read the state again, then decide again.",
        (503 | 504, _) => "It may pass: repeat it with the same --command-id.",
        (500, _) => "`headwater doctor` looks at the whole installation.",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_has_the_documented_exit_code() {
        let code = |name| {
            let (status, ..) = Problem::ALL.iter().find(|(_, code, _)| *code == name).unwrap();
            code_of(*status)
        };
        assert_eq!(code_of(Problem::refused("not-yet", "").status), 3);
        assert_eq!(code("wrong-version"), 4);
        assert_eq!(code("unknown-aggregate"), 5);
        assert_eq!((code("busy"), code("outcome-unknown")), (6, 6));
        assert_eq!((code("invalid"), code("too-large")), (7, 7));
        assert_eq!(code("corrupt"), 1);
    }

    #[test]
    fn a_problem_is_found_below_its_context() {
        let error = anyhow::Error::from(Problem::busy("the queue is full")).context("line 3");
        let (code, text) = explain(&error, Format::Human);
        assert_eq!(code, 6);
        assert!(text.unwrap().contains("busy: the queue is full"));
        let (_, text) = explain(&error, Format::Json);
        assert!(serde_json::from_str::<Problem>(&text.unwrap()).is_ok());
    }

    #[test]
    fn advice_given_where_it_went_wrong_comes_before_the_general() {
        let advised = Advised::new("no connection", "Start one.");
        let error = anyhow::Error::from(Problem::unavailable("refused")).context(advised);
        let (code, text) = explain(&error, Format::Human);
        let expected = "unavailable: refused (A part that the service needs is away)\nStart one.";
        assert_eq!((code, text.as_deref()), (6, Some(expected)));
        let (_, text) = explain(&Advised::new("wrong", "Do right.").into(), Format::Human);
        assert_eq!(text.as_deref(), Some("error: wrong\nDo right."));
    }

    #[test]
    fn a_reader_who_has_seen_enough_is_no_failure() {
        let error = anyhow::Error::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(explain(&error, Format::Human), (0, None));
    }
}

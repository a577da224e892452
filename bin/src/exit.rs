//! How the process ends: the exit code by what the caller does next, and the message for it.
//! Not here: how failures arise.

use std::{borrow::Cow, io};

use clap::error::ContextValue;
use infrastructure::problem::Problem;
use kit::excerpt;
use serde_json::{Value, json};

use crate::{options::Format, output::clean};

/// The exit code of a wrong command line, which clap uses too.
const USAGE: u8 = 2;

/// A failure with a word on what to do next.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Advised {
    message: String,
    advice: String,
    code: u8,
    /// Whether what the service would say of such a problem is left out.
    plain: bool,
}

impl Advised {
    /// What is wrong, and what to do about it.
    pub fn new(message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { message: message.into(), advice: advice.into(), code: 1, plain: false }
    }

    /// What is wrong with the command line or with a file that it names, and what would be right.
    pub fn usage(message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { code: USAGE, ..Self::new(message, advice) }
    }

    /// What to do about a problem whose title and usual advice are those of a command, and do not fit.
    pub fn instead(advice: impl Into<String>) -> Self {
        Self { plain: true, ..Self::new("", advice) }
    }
}

/// An end with a code whose reason has been printed already.
#[derive(Debug, thiserror::Error)]
#[error("exit code {0}")]
pub struct Quietly(pub u8);

/// A refusal of the command line that does not repeat all of what may be a whole file.
#[must_use]
pub fn shortened(mut error: clap::Error) -> clap::Error {
    let long = error.context().filter_map(|(kind, value)| match value {
        ContextValue::String(text) => match excerpt(text) {
            Cow::Owned(cut) => Some((kind, cut)),
            Cow::Borrowed(_) => None,
        },
        _ => None,
    });
    for (kind, cut) in long.collect::<Vec<_>>() {
        error.insert(kind, ContextValue::String(cut));
    }
    error
}

/// The exit code for a problem. Whether the kernel or the domain says that nothing is there, the
/// caller does the same next.
#[must_use]
pub fn code_of(problem: &Problem) -> u8 {
    match (problem.status, problem.code.as_str()) {
        (404, _) | (_, "not-found") => 5,
        (422, _) => 3,
        (409, _) => 4,
        (503 | 504, _) => 6,
        (400 | 413, _) => 7,
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
    let below = || error.chain().find_map(|cause| cause.downcast_ref());
    let problem = error.downcast_ref::<Problem>().or_else(below);
    let advised = error.downcast_ref::<Advised>();
    let code = problem.map(code_of).or(advised.map(|advised| advised.code)).unwrap_or(1);
    let next = match (advised, problem) {
        (Some(advised), _) => advised.advice.as_str(),
        (None, Some(problem)) => advice(problem),
        (None, None) => "",
    };
    let text = match format {
        Format::Json => in_json(error, problem, code, next).to_string(),
        Format::Human => in_words(error, problem, (advised, next)),
    };
    (code, Some(text))
}

/// A failure for people, with what to do next.
fn in_words(
    error: &anyhow::Error,
    problem: Option<&Problem>,
    (advised, next): (Option<&Advised>, &str),
) -> String {
    let first = match problem {
        Some(Problem { code, detail, .. }) if advised.is_some_and(|it| it.plain) => {
            format!("{code}: {}", clean(detail))
        }
        Some(Problem { code, detail, title, .. }) => format!("{code}: {} ({title})", clean(detail)),
        None => format!("error: {}", clean(&format!("{error:#}"))),
    };
    if next.is_empty() { first } else { format!("{first}\n{next}") }
}

/// The same for machines: an RFC 9457 problem with `hint` as its extension.
fn in_json(error: &anyhow::Error, problem: Option<&Problem>, code: u8, next: &str) -> Value {
    let mut value = match problem {
        Some(problem) => json!(problem),
        None if code == USAGE => json!({
            "title": "The command line is wrong",
            "status": 400,
            "code": "usage",
            "detail": format!("{error:#}"),
        }),
        None => json!({
            "title": "The command line tool failed",
            "status": 500,
            "code": "failed",
            "detail": format!("{error:#}"),
        }),
    };
    if !next.is_empty() {
        value["hint"] = json!(next);
    }
    value
}

fn advice(problem: &Problem) -> &'static str {
    match (problem.status, problem.code.as_str()) {
        (_, "outcome-unknown") => "Repeat it with the same --command-id: it happens once.",
        (_, "unknown-aggregate" | "unknown-command") => {
            "`headwater commands` lists every aggregate with its commands."
        }
        (_, "deadline") => {
            "Nothing was carried out. If it still matters, send it with a later --deadline."
        }
        (_, "id-reused") => "Choose a new --command-id for a new command.",
        (_, "store-elsewhere") => {
            "`headwater store` says which instance has the read models' store."
        }
        (_, "timeout") => "Nothing is lost: ask again, or wait longer with --wait-ms.",
        (_, "secret-differs") => {
            "Give it the others' secret: --secret-file, or for `headwater dev` the old file `secret` in \
             its data folder."
        }
        (_, "master-key-differs") => "Give it --master-key-file with the others' master key.",
        (409, _) => "Read the state again, then decide again.",
        (503 | 504, _) => "It may pass: try again, a command with the same --command-id.",
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
            code_of(&Problem { status: *status, ..Problem::refused(name, "") })
        };
        assert_eq!(code_of(&Problem::refused("not-yet", "")), 3);
        assert_eq!(
            code_of(&Problem::refused("not-found", "")),
            5,
            "nothing there is nothing there"
        );
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
    fn what_a_command_would_say_is_left_out_where_it_does_not_fit() {
        let advised = Advised::instead("Take an empty server.");
        let error = anyhow::Error::from(Problem::conflict("it is used")).context(advised);
        let (code, text) = explain(&error, Format::Human);
        let expected = "conflict: it is used\nTake an empty server.";
        assert_eq!((code, text.as_deref()), (4, Some(expected)));
    }

    #[test]
    fn a_reader_who_has_seen_enough_is_no_failure() {
        let error = anyhow::Error::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(explain(&error, Format::Human), (0, None));
    }
}

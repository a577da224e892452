//! Every status against every command: one row per command, one column per status.

use domain::design::{Design, DesignCommand, DesignStatus};
use kit::{
    Aggregate, Command, DomainError,
    scenario::{context, fold, noon},
};
use strum::VariantArray;

use super::{ask, happened, names};

/// A row: the command, what else has happened to the request, and the answer while it is UNKNOWN, DRAFT,
/// SUBMITTED, PAID, `IN_DESIGN`, COMPLETED, CANCELLED. `.` stands for unchanged, an answer in the past
/// tense for the event that follows, any other for the code of the refusal.
type Row = (&'static str, &'static [&'static str], [&'static str; 7]);

#[rustfmt::skip]
const TABLE: &[Row] = &[
    ("create-request", &[], ["request-created", "request-exists", "request-exists", "request-exists", "request-exists", "request-exists", "request-exists"]),
    ("answer-question", &[], ["not-found", "answer-versioned", "answer-versioned", "answer-versioned", "answer-versioned", "not-while", "not-while"]),
    ("submit-request", &[], ["not-found", "request-submitted", ".", ".", ".", ".", "not-while"]),
    ("cancel-request", &[], ["not-found", "request-cancelled", "request-cancelled", "request-cancelled refund-requested", "not-while", "not-while", "."]),
    ("quote", &[], ["not-found", "request-quoted", "request-quoted", "request-quoted", "request-quoted", "not-while", "not-while"]),
    ("quote", &["request-quoted"], ["not-found", ".", ".", ".", ".", ".", "."]),
    ("record-payment", &[], ["not-found", "payment-failed", "payment-failed", "payment-failed", "payment-failed", "payment-failed", "payment-failed"]),
    ("record-payment", &["payment-failed"], ["not-found", ".", ".", ".", ".", ".", "."]),
    ("record-fees", &["payment-failed"], ["not-found", "payment-fees-recorded", "payment-fees-recorded", "payment-fees-recorded", "payment-fees-recorded", "payment-fees-recorded", "payment-fees-recorded"]),
    ("record-fees", &[], ["not-found", "payment-not-found", "payment-not-found", "payment-fees-recorded", "payment-fees-recorded", "payment-fees-recorded", "payment-not-found"]),
    ("start-design", &[], ["not-found", "not-while", "not-while", "design-started", ".", "not-while", "not-while"]),
    ("complete-design", &[], ["not-found", "not-while", "not-while", "not-while", "design-completed", ".", "not-while"]),
    ("erase-personal-data", &[], ["not-found", "personal-data-erased", "personal-data-erased", "personal-data-erased", "personal-data-erased", "personal-data-erased", "personal-data-erased"]),
    ("erase-personal-data", &["personal-data-erased"], ["not-found", ".", ".", ".", ".", ".", "."]),
];

/// A request in `status` to which `more` has happened first.
fn design(status: DesignStatus, more: &[&str]) -> Design {
    let way: &[&str] = match status {
        DesignStatus::Unknown => return Design::default(),
        DesignStatus::Draft => &[],
        DesignStatus::Submitted => &["request-submitted"],
        DesignStatus::Paid => &["request-submitted", "payment-succeeded"],
        DesignStatus::InDesign => &["request-submitted", "payment-succeeded", "design-started"],
        DesignStatus::Completed => {
            &["request-submitted", "payment-succeeded", "design-started", "design-completed"]
        }
        DesignStatus::Cancelled => &["request-cancelled"],
    };
    let names: Vec<_> = [&["request-created"], more, way].concat();
    let events: Vec<_> = names.into_iter().map(happened).collect();
    let design: Design = fold(&events);
    assert_eq!(design.status(), status);
    design
}

fn answer(design: &Design, command: &str) -> String {
    match design.decide(&ask(command), &context(noon(), 1)) {
        Err(error) => error.code().to_owned(),
        Ok(events) if events.is_empty() => ".".to_owned(),
        Ok(events) => names(&events).join(" "),
    }
}

#[test]
fn every_command_has_a_row() {
    for name in DesignCommand::NAMES {
        assert!(TABLE.iter().any(|(row, ..)| row == name), "{name} has no row");
    }
}

#[test]
fn every_status_answers_every_command_as_the_table_says() {
    for (command, past, answers) in TABLE {
        for (status, expected) in DesignStatus::VARIANTS.iter().zip(answers) {
            let got = answer(&design(*status, past), command);
            assert_eq!(got, *expected, "{command} while {status:?}");
        }
    }
}

//! What is left for other instances and tools is read for ever.

use std::{fs, path::Path};

use chrono::{DateTime, Utc};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    claim::{StoreClaim, StoreRelease},
    generation::{Filling, Outcome, Plan},
    requests::{
        FillingInfo, FillingPhase, GenerationAction, GenerationInfo, GenerationReport,
        GenerationRequest, GenerationRole,
    },
};

fn time() -> DateTime<Utc> {
    "2026-11-21T12:00:00.123456Z".parse().unwrap()
}

fn request(action: GenerationAction) -> GenerationRequest {
    let (id, by) = ("0192f3a1-7b00-7000-8000-000000000001".to_owned(), "ada".to_owned());
    GenerationRequest { id, action, by, time: time() }
}

fn outcome(request: Option<&str>, differing: &[&str]) -> Outcome {
    let differing = differing.iter().map(|&key| key.to_owned()).collect();
    let told = "generation 2 answers now".to_owned();
    Outcome { request: request.map(str::to_owned), done: differing == [""; 0], told, differing }
}

fn report(phase: FillingPhase, outcome: Option<Outcome>) -> GenerationReport {
    let generation =
        |generation, role| GenerationInfo { generation, version: 3, position: 4_711, role };
    GenerationReport {
        projection: "people".to_owned(),
        epoch: 9,
        version: 3,
        generations: vec![
            generation(1, GenerationRole::Current),
            generation(2, GenerationRole::Filling),
            generation(3, GenerationRole::Standby),
            generation(4, GenerationRole::Left),
        ],
        filling: Some(FillingInfo {
            generation: 2,
            phase,
            position: 42,
            target: 4_711,
            rate: 1_000,
            seconds_left: Some(4),
        }),
        outcome,
    }
}

fn claim(released: Option<StoreRelease>) -> StoreClaim {
    let store = "0192f3a1-7b00-7000-8000-000000000002".to_owned();
    StoreClaim { store, instance: "one".to_owned(), released }
}

/// Compares `written` with the newest fixture of `name`, and reads every one of them.
fn kept<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(name: &str, written: &T) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/readmodel/wire");
    let json = serde_json::to_string_pretty(written).unwrap() + "\n";
    let of = |number: usize| folder.join(format!("{name}.{number}.json"));
    if !of(1).exists() {
        fs::write(of(1), &json).unwrap();
        panic!("{name} is new: look at what is now in {} and keep it", of(1).display());
    }
    let all: Vec<_> = (1..).map(of).take_while(|path| path.exists()).collect();
    for path in &all {
        let text = fs::read_to_string(path).unwrap();
        let read: T = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{} is not read any more: {error}", path.display()));
        if Some(path) == all.last() {
            assert_eq!((&read, &text), (written, &json), "{name}: add another fixture");
        }
    }
}

#[test]
fn what_tools_ask_of_an_owner_is_read() {
    use GenerationAction as Action;
    kept("request-rebuild", &request(Action::Rebuild { accept: true }));
    kept("request-rollback", &request(Action::Rollback));
    kept("request-drop", &request(Action::Drop { generation: Some(2) }));
    kept("request-drop-only", &request(Action::Drop { generation: None }));
}

#[test]
fn what_an_owner_tells_is_read() {
    let failed = FillingPhase::Failed { reason: "7.0: a poisoned ball".to_owned() };
    kept("report-filling", &report(FillingPhase::Filling, None));
    kept("report-comparing", &report(FillingPhase::Comparing, Some(outcome(None, &[]))));
    kept("report-failed", &report(failed, Some(outcome(Some("id"), &["ada", "bob"]))));
}

#[test]
fn what_is_planned_is_read() {
    let filling = Filling { generation: 2, accept: false, failed: Some("why".to_owned()) };
    // As a new projection's row begins.
    assert_eq!(serde_json::from_str::<Plan>("{}").unwrap(), Plan::default());
    kept("plan-none", &Plan::default());
    kept(
        "plan",
        &Plan {
            request: Some("id".to_owned()),
            filling: Some(filling),
            outcome: Some(outcome(Some("id"), &[])),
        },
    );
}

#[test]
fn whose_the_read_models_are_is_read() {
    let (by, why) = ("ada".to_owned(), "the disk is gone".to_owned());
    kept("claim", &claim(None));
    kept("claim-released", &claim(Some(StoreRelease { by, why, at: time() })));
}

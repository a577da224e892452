//! Which rows of skills an event changes. Not here: what a database makes of them.

use domain::person::{PersonEvent, examples};
use kit::{
    Event as _, TableProjection as _,
    tables::{Change, Value},
};
use projections::Skills;
use serde_json::{Value as Json, json};

use crate::history::{event, log};

fn changes(kind: &str, with: Json) -> Vec<Change> {
    Skills::changes(&log("ada", &[event(kind, with)])[0]).unwrap()
}

#[test]
fn a_skill_is_a_row_that_is_found_by_its_name_in_lower_case() {
    let [Change::Put { table, row }] = &changes("skill-claimed", Json::Null)[..] else {
        panic!("one row")
    };
    assert_eq!(*table, "skills");
    let value = |name| row.iter().find(|(column, _)| *column == name).unwrap().1.clone();
    assert_eq!((value("name"), value("sought")), ("Analysis".into(), "analysis".into()));
    assert_eq!((value("level"), value("rank")), ("advanced".into(), Value::Int(2)));
}

#[test]
fn a_certificate_comes_and_goes_without_the_skill() {
    let key: Vec<Value> = vec!["ada".into(), "analysis".into()];
    for (kind, issuer) in
        [("skill-certified", "Royal Society".into()), ("certification-expired", Value::Null)]
    {
        let [Change::Set { table: "skills", key: of, values }] = &changes(kind, Json::Null)[..]
        else {
            panic!("some columns of one row")
        };
        assert_eq!((of, &values[0]), (&key, &("issuer", issuer)), "{kind}");
        assert_eq!(values.len(), 3);
    }
}

#[test]
fn a_skill_that_goes_takes_its_endorsements_along() {
    let removed = changes("skill-removed", Json::Null);
    assert!(matches!(
        &removed[..],
        [Change::Delete { table: "skills", .. }, Change::Run { values, .. }] if values.len() == 2
    ));
}

#[test]
fn only_the_official_name_is_shown() {
    let name = json!({"given": ["Augusta"], "family": ["King"]});
    let other = json!({"use": "nickname", "name": name});
    assert!(changes("name-changed", other).is_empty());
    let official = changes("name-changed", json!({"use": "official", "name": name}));
    assert!(matches!(&official[..], [Change::Set { table: "people", .. }]));
}

#[test]
fn every_event_names_rows_of_the_declared_tables_or_none() {
    let every = examples::events();
    assert_eq!(every.len(), PersonEvent::KINDS.len());
    for recorded in log("ada", &every) {
        for change in Skills::changes(&recorded).unwrap() {
            let table = match change {
                Change::Put { table, .. }
                | Change::Set { table, .. }
                | Change::Delete { table, .. } => table,
                Change::Run { statement, .. } => {
                    assert!(Skills::STATEMENTS.contains(&statement));
                    continue;
                }
            };
            assert!(Skills::TABLES.iter().any(|declared| declared.name == table), "{table}");
        }
    }
}

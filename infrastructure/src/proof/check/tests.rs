//! What is changed in a document is found, and named by where it stands.

use bytes::Bytes;
use chrono::DateTime;
use kit::Position;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::proof::document::versions;

const PLACES: [u64; 5] = [2, 3, 7, 8, 20];

fn payload(version: usize) -> Bytes {
    let event = serde_json::json!({
        "specversion": "1.0", "id": "019e0000-0000-7000-8000-000000000001",
        "source": "headwater/person", "type": "person.tagged", "subject": "ada",
        "time": "2026-11-21T12:00:00Z", "schemaversion": 1, "sequence": format!("{version:010}"),
        "commandid": "c", "commandhash": "0", "correlationid": "c", "data": {"tag": version},
    });
    serde_json::to_vec(&[event]).unwrap().into()
}

/// A commit at `position` that follows the one at `behind`.
fn entry(position: u64, behind: u64, version: usize, chain: Hash) -> Entry {
    let expected = nats::headers::EXPECTED_LAST_SUBJECT_SEQUENCE.to_owned();
    let (headers, payload) = (vec![(expected, behind.to_string())], payload(version));
    let position = Position(position);
    let subject = "event.person.ada";
    let leaf = Message { position, subject, headers: &headers, payload: &payload }.leaf();
    let versions = versions(&payload);
    assert!(versions.is_some(), "it is a commit as the service writes them");
    Entry {
        position,
        stored_at: DateTime::UNIX_EPOCH,
        first_version: versions.map(|it| it.0),
        last_version: versions.map(|it| it.1),
        headers,
        payload,
        events: None,
        leaf,
        chain: chain.then(leaf),
    }
}

fn commits(places: &[u64]) -> Vec<Entry> {
    let mut all: Vec<Entry> = Vec::new();
    for (place, version) in places.iter().zip(1..) {
        let (behind, chain) = all.last().map_or((0, Hash::START), |it| (it.position.0, it.chain));
        all.push(entry(*place, behind, version, chain));
    }
    all
}

/// A document of these commits, with the head that belongs to them.
fn document(commits: Vec<Entry>) -> Vec<String> {
    let id: kit::AggregateId = "ada".parse().unwrap();
    let last = commits.last().unwrap();
    let head = Head {
        aggregate: "person".to_owned(),
        id: id.clone(),
        commits: commits.len() as u64,
        version: last.last_version.unwrap(),
        position: last.position,
        chain: last.chain,
        lines: Hash::START,
        exported_at: DateTime::UNIX_EPOCH,
        program: "a test".to_owned(),
    };
    let opening = Opening {
        format: FORMAT.to_owned(),
        aggregate: "person".to_owned(),
        id,
        subject: "event.person.ada".to_owned(),
    };
    let mut lines = vec![Line::History(opening)];
    lines.extend(commits.into_iter().map(Line::Commit));
    let mut lines: Vec<_> =
        lines.iter().map(|line| serde_json::to_string(line).unwrap() + "\n").collect();
    let head = Head { lines: Hash::end(Sha256::new_with_prefix(lines.concat())), ..head };
    lines.push(serde_json::to_string(&Line::Head(head)).unwrap() + "\n");
    lines
}

fn check(lines: &[String], noted: Option<Hash>) -> Verdict {
    let mut check = Check::new(noted);
    for line in lines {
        check.take(line.as_bytes());
    }
    check.finish()
}

/// Faults with their positions; without those that any change of the file has.
fn faults(lines: &[String]) -> Vec<(Option<u64>, Fault)> {
    let found = check(lines, None).findings.into_iter();
    let found = found.map(|it| (it.position.map(|position| position.0), it.fault));
    found.filter(|(_, fault)| !matches!(fault, Fault::Lines | Fault::Head)).collect()
}

fn changed(line: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut value: Value = serde_json::from_str(line).unwrap();
    change(&mut value["commit"]);
    value.to_string() + "\n"
}

#[test]
fn a_document_that_nobody_touched_is_whole() {
    let lines = document(commits(&PLACES));
    assert_eq!(check(&lines, None).findings, []);
    let third = commits(&PLACES)[2].chain;
    assert_eq!(check(&lines, Some(third)).noted_at, Some(Position(7)));
}

#[test]
fn what_was_altered_is_named() {
    let lines = document(commits(&PLACES));
    for (at, place) in PLACES.into_iter().enumerate() {
        let mut altered = lines.clone();
        let forged = serde_json::to_value(entry(place, 0, 9, Hash::START)).unwrap();
        altered[at + 1] = changed(&lines[at + 1], |it| it["payload"] = forged["payload"].clone());
        let found = faults(&altered);
        assert!(found.contains(&(Some(place), Fault::Altered)), "{place}: {found:?}");
        let later = "2001-01-01T00:00:00Z";
        altered[at + 1] = changed(&lines[at + 1], |it| it["stored_at"] = later.into());
        let only: Vec<_> = check(&altered, None).findings.iter().map(|it| it.fault).collect();
        assert_eq!(only, [Fault::Lines], "times are in the lines alone");
    }
}

#[test]
fn what_was_removed_is_named_even_if_all_hashes_were_made_anew() {
    let lines = document(commits(&PLACES));
    for (at, place) in PLACES.into_iter().enumerate() {
        let mut less = lines.clone();
        less.remove(at + 1);
        assert_eq!(faults(&less), [(Some(place), Fault::Removed)], "{place}");
    }
    // A forger who chains anew what is left.
    let mut left = commits(&PLACES);
    left.remove(2);
    let mut chain = Hash::START;
    for entry in &mut left {
        chain = chain.then(entry.leaf);
        entry.chain = chain;
    }
    assert_eq!(faults(&document(left)), [(Some(7), Fault::Removed)]);
}

#[test]
fn what_was_added_or_stands_elsewhere_is_named() {
    let lines = document(commits(&PLACES));
    let mut more = lines.clone();
    let behind = commits(&PLACES)[1].chain;
    let added = Line::Commit(entry(5, 3, 3, behind));
    more.insert(3, serde_json::to_string(&added).unwrap() + "\n");
    assert_eq!(faults(&more), [(Some(5), Fault::Added)]);
    // At the end, all but the head made anew.
    let mut longer = lines.clone();
    let last = commits(&PLACES)[4].chain;
    let added = Line::Commit(entry(21, 20, 6, last));
    longer.insert(6, serde_json::to_string(&added).unwrap() + "\n");
    assert_eq!(faults(&longer), [(Some(21), Fault::Added)]);
    let mut swapped = lines.clone();
    swapped.swap(2, 3);
    assert_eq!(faults(&swapped), [(Some(3), Fault::Reordered)]);
    let mut twice = lines.clone();
    twice.insert(3, lines[2].clone());
    assert_eq!(faults(&twice), [(Some(3), Fault::Reordered)]);
}

#[test]
fn headers_that_are_written_as_one_are_not_taken_for_the_same() {
    let mut lines = document(commits(&PLACES));
    lines[2] = changed(&lines[2], |it| it["headers"] = serde_json::json!([["A", "1\nB: 2"]]));
    assert!(faults(&lines).iter().filter(|it| it.1 == Fault::Altered).count() == 2);
}

#[test]
fn a_history_that_was_rewritten_does_not_hold_the_head_that_was_noted() {
    let noted = commits(&PLACES)[4].chain;
    let rewritten = document(commits(&[2, 3, 7, 9, 20]));
    let verdict = check(&rewritten, Some(noted));
    assert_eq!(verdict.findings.iter().map(|it| it.fault).collect::<Vec<_>>(), [Fault::Rewritten]);
}

#[test]
fn what_is_no_document_is_refused_line_by_line() {
    let lines = document(commits(&PLACES));
    let cut = check(&lines[..3], None).findings;
    assert!(cut.iter().any(|it| it.fault == Fault::Head && it.detail.contains("cut off")));
    let headless = check(&lines[1..], None).findings;
    assert!(headless.iter().any(|it| it.detail.contains("line 1 is none")), "{headless:?}");
    let odd = ["", "\n", "[]\n", "{\"commit\":{}}\n", "\u{0}"].map(str::to_owned);
    assert_eq!(check(&odd, None).findings.len(), odd.len() + 1);
    let behind = [lines.as_slice(), &lines[1..2]].concat();
    assert_eq!(faults(&behind), [(None, Fault::Unreadable)]);
    let many = vec!["x\n".to_owned(); 1_000];
    assert!(check(&many, None).findings.len() <= FINDINGS_MAX);
}

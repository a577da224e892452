//! The rows of each projection, against a fold of the log with what was decided about dead letters.

use std::collections::{BTreeMap, HashMap};

use infrastructure::{deadletter::Cursor, envelope::Data};
use kit::{EventSet as _, Key, Projection};
use projections::{Directory, OnboardingBoard, People, Timeline};
use serde_json::Value;

use super::{
    Evidence, Violation,
    history::History,
    letters::{Decided, Letters},
};

/// The projections whose rows are documents; the others are left to the service's own verification.
pub(in crate::soak) const DOCUMENTS: [&str; 4] =
    [People::NAME, Directory::NAME, Timeline::NAME, OnboardingBoard::NAME];

/// The number of documents.
pub(super) fn check(
    evidence: &Evidence,
    history: &History<'_>,
    letters: &Letters,
) -> Result<usize, Violation> {
    let of = Looked { evidence, history, letters };
    let count = of.at::<People>()?
        + of.at::<Directory>()?
        + of.at::<Timeline>()?
        + of.at::<OnboardingBoard>()?;
    for (projection, verdict) in &evidence.verified {
        if !verdict.is_sound() {
            let what = serde_json::to_string(verdict).unwrap_or_default();
            return Err(Violation::new("rows-verified", what).of(projection));
        }
    }
    Ok(count)
}

struct Looked<'a> {
    evidence: &'a Evidence,
    history: &'a History<'a>,
    letters: &'a Letters,
}

/// A document, and the last event that touched it.
struct Row<D> {
    document: D,
    at: Cursor,
}

impl Looked<'_> {
    fn at<P: Projection>(&self) -> Result<usize, Violation> {
        let rows = self.fold::<P>()?;
        let found = self.evidence.rows.get(P::NAME).map_or(&[][..], Vec::as_slice);
        let mut left: HashMap<String, usize> = HashMap::new();
        for document in found {
            *left.entry(document.to_string()).or_default() += 1;
        }
        for (key, row) in &rows {
            let document = serde_json::to_value(&row.document)
                .map_err(|error| wrong::<P>(key, row.at, error.to_string()))?;
            match left.get_mut(&document.to_string()) {
                Some(count) if *count > 0 => *count -= 1,
                _ => return Err(wrong::<P>(key, row.at, differs(&document, found))),
            }
        }
        let extra = left.into_iter().find(|(_, count)| *count > 0);
        match extra {
            None => Ok(rows.len()),
            Some((document, _)) => {
                let what = format!("a row that follows from no event: {document}");
                Err(Violation::new("rows-equal-fold", what).of(P::NAME))
            }
        }
    }

    fn fold<P: Projection>(&self) -> Result<BTreeMap<Key, Row<P::Document>>, Violation> {
        let mut rows: BTreeMap<Key, Row<P::Document>> = BTreeMap::new();
        let read = P::When::aggregates();
        for event in &self.history.events {
            if !read.contains(&&*event.aggregate) {
                continue;
            }
            let mut element = event.element.clone();
            match self.letters.of_event(P::NAME, element.id) {
                None => {}
                Some(Decided::Discarded) => continue,
                Some(Decided::Overridden(data, schema)) => {
                    element.data = Data::Json(&data.0);
                    element.schema_version = schema.unwrap_or(element.schema_version);
                }
            }
            let recorded =
                element.record::<P::When>(&event.aggregate, event.at.position, event.at.index);
            let recorded = recorded.map_err(|error| {
                let what = format!("it is neither discarded nor readable: {error}");
                wrong::<P>(&event.key, event.at, what)
            })?;
            let Some(key) = P::key(&recorded) else { continue };
            let row = rows
                .entry(key)
                .or_insert_with(|| Row { document: P::Document::default(), at: event.at });
            P::fold(&mut row.document, &recorded);
            row.at = event.at;
        }
        Ok(rows)
    }
}

fn wrong<P: Projection>(key: &str, at: Cursor, what: String) -> Violation {
    Violation::new("rows-equal-fold", what).of(P::NAME).about(key).at(at)
}

/// The expected document, and the one that has the same id, if documents have one.
fn differs(expected: &Value, found: &[Value]) -> String {
    let same = |field: &str| {
        let id = expected.get(field)?;
        found.iter().find(|it| it.get(field) == Some(id))
    };
    match same("id") {
        Some(other) => format!("the row is {other}, and follows to be {expected}"),
        None => format!("no row is {expected}"),
    }
}

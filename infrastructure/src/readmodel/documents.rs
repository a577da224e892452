//! The style of documents, its types erased: events in, a document and its terms out, as JSON text;
//! and a batch of them into the rows: load, fold, write.

use std::collections::{BTreeMap, HashMap};

use kit::{Field, Key, Position, Projection, Recorded, Term};

use super::{
    AnyProjection, Rows, Touch,
    batch::ApplyError,
    generation::Generation,
    sql::{DocumentRow, TermRow, Tx},
    text,
};
use crate::handler::{Failure, Source, guarded};

/// PostgreSQL cuts longer names, so that the tables of two generations could become one: 63 bytes hold
/// the projection's name, its generation, and what a table or an index is for.
const NAME_MAX: usize = 40;

/// A document after some events.
pub(crate) struct Folded {
    /// The document as JSON.
    pub(crate) document: String,
    /// Where it stands in lists.
    pub(crate) order: String,
    /// Whether it stands where it was stored.
    pub(crate) stays: bool,
    /// The values under which it is found, if they are not what they were.
    pub(crate) terms: Option<Vec<Term>>,
}

/// Any [`Projection`], as what folds documents.
pub(crate) trait AnyDocuments: Send + Sync {
    fn fields(&self) -> &'static [Field];
    /// The JSON Schema of a document.
    fn schema(&self) -> serde_json::Value;
    fn normalise(&self, field: &str, value: &str) -> String;

    /// Folds `touches`, all of one key, into the stored document or into the empty one.
    ///
    /// # Errors
    /// The failure, and which of `touches` it happened at.
    fn fold(&self, stored: Option<&str>, touches: &[&Touch]) -> Result<Folded, (usize, Failure)>;
}

impl<P: Projection> AnyProjection for P {
    fn name(&self) -> &'static str {
        P::NAME
    }

    fn version(&self) -> u32 {
        P::VERSION
    }

    fn aggregates(&self) -> Vec<&'static str> {
        <P::When as kit::EventSet>::aggregates()
    }

    fn check(&self) -> Result<(), String> {
        if P::NAME.len() > NAME_MAX {
            return Err(format!("its name has more than {NAME_MAX} bytes"));
        }
        Ok(())
    }

    fn touch(&self, source: &Source<'_>) -> Result<Option<Touch>, Failure> {
        let event = source.record::<P::When>()?;
        let key = guarded(|| Ok(P::key(&event)))?;
        if let Some(key) = key.as_deref().filter(|key| !text::is_key(key)) {
            let length = key.len();
            let max = text::BYTES_MAX;
            let unfit = format!("its key has {length} bytes, of at most {max} without a NUL");
            return Err(Failure::Permanent(unfit));
        }
        let (position, index) = (source.position, source.index);
        Ok(key.map(|key| Touch { key, position, index, event: Box::new(event) }))
    }

    fn rows(&self) -> Rows<'_> {
        Rows::Documents(self)
    }
}

impl<P: Projection> AnyDocuments for P {
    fn fields(&self) -> &'static [Field] {
        P::FIELDS
    }

    fn schema(&self) -> serde_json::Value {
        let empty = serde_json::to_value(P::Document::default()).ok();
        kit::schema::of::<P::Document>(empty.as_ref())
    }

    fn normalise(&self, field: &str, value: &str) -> String {
        text::value(P::normalise(field, value))
    }

    fn fold(&self, stored: Option<&str>, touches: &[&Touch]) -> Result<Folded, (usize, Failure)> {
        let mut document = match stored {
            None => P::Document::default(),
            Some(json) => serde_json::from_str(json).map_err(|error| {
                let place =
                    format!("a stored document does not read back, column {}", error.column());
                (0, Failure::Permanent(place))
            })?,
        };
        let last = touches.len().saturating_sub(1);
        let found =
            |document: &P::Document| (text::value(P::order(document)), terms::<P>(document));
        let before = guarded(|| Ok(stored.map(|_| found(&document))));
        let before = before.map_err(|failure| (last, failure))?;
        for (at, touch) in touches.iter().enumerate() {
            let Some(event) = touch.event.downcast_ref::<Recorded<P::When>>() else {
                let foreign = "an event of another projection".to_owned();
                return Err((at, Failure::Bug(foreign)));
            };
            let fold = || {
                P::fold(&mut document, event);
                Ok(())
            };
            guarded(fold).map_err(|failure| (at, failure))?;
        }
        guarded(|| {
            let (order, terms) = found(&document);
            let (place, known) = before.unzip();
            Ok(Folded {
                document: serde_json::to_string(&document).map_err(|error| {
                    Failure::Bug(format!("a document has no JSON form: {error}"))
                })?,
                stays: place.is_some_and(|place| place == order),
                order,
                terms: (known.as_ref() != Some(&terms)).then_some(terms),
            })
        })
        .map_err(|failure| (last, failure))
    }
}

/// The values under which `document` is found, each once and as an index can hold it.
fn terms<P: Projection>(document: &P::Document) -> Vec<Term> {
    let mut terms = P::terms(document);
    for term in &mut terms {
        term.value = text::value(std::mem::take(&mut term.value));
    }
    terms.sort();
    terms.dedup();
    terms
}

/// Folds `touches` into the documents of one generation.
pub(super) async fn write<'a>(
    tx: &mut Tx,
    generation: &Generation,
    projection: &dyn AnyDocuments,
    touches: impl Iterator<Item = &'a Touch>,
) -> Result<(), ApplyError> {
    let mut keys: BTreeMap<&Key, Vec<&Touch>> = BTreeMap::new();
    for touch in touches {
        keys.entry(&touch.key).or_default().push(touch);
    }
    let names: Vec<_> = keys.keys().map(|key| key.as_str()).collect();
    let stored = tx.documents(&generation.tables.documents, &names).await?;
    let folded = fold(projection, &keys, &stored)?;
    Ok(put(tx, generation, &folded).await?)
}

/// One document to write; `terms` only if they changed.
struct Row<'a> {
    key: &'a Key,
    position: Position,
    folded: Folded,
}

/// Folds every key. Of several events that fail, the first in the log is the one to report.
fn fold<'a>(
    projection: &dyn AnyDocuments,
    keys: &BTreeMap<&'a Key, Vec<&'a Touch>>,
    stored: &HashMap<Key, String>,
) -> Result<Vec<Row<'a>>, ApplyError> {
    let mut rows = Vec::with_capacity(keys.len());
    let mut failed: Option<(Position, usize, Failure)> = None;
    for (key, touches) in keys {
        match projection.fold(stored.get(*key).map(String::as_str), touches) {
            Ok(folded) => {
                let position = touches.last().map_or(Position::ZERO, |touch| touch.position);
                rows.push(Row { key, position, folded });
            }
            Err((at, failure)) => {
                let Some(touch) = touches.get(at) else { continue };
                let place = (touch.position, touch.index);
                if failed.as_ref().is_none_or(|(p, i, _)| place < (*p, *i)) {
                    failed = Some((touch.position, touch.index, failure));
                }
            }
        }
    }
    match failed {
        None => Ok(rows),
        Some((position, index, failure)) => Err(ApplyError::Event { position, index, failure }),
    }
}

async fn put(tx: &mut Tx, generation: &Generation, rows: &[Row<'_>]) -> sqlx::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    for stays in [false, true] {
        let documents = rows.iter().filter(|row| row.folded.stays == stays);
        let documents = documents.map(|row| DocumentRow {
            key: row.key,
            sort: &row.folded.order,
            position: row.position.0.cast_signed(),
            document: &row.folded.document,
        });
        let documents: Vec<_> = documents.collect();
        tx.put_documents(&generation.tables.documents, &documents, stays).await?;
    }
    let (mut keys, mut terms) = (Vec::new(), Vec::new());
    for row in rows {
        let Some(changed) = &row.folded.terms else { continue };
        let key = row.key.as_str();
        keys.push(key);
        let changed = changed.iter();
        terms.extend(changed.map(|term| TermRow { field: term.field, value: &term.value, key }));
    }
    if keys.is_empty() {
        return Ok(());
    }
    tx.put_terms(&generation.tables.terms, &keys, &terms).await
}

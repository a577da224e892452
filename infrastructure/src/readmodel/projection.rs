//! Projections with their types erased: events in, a document and its terms out, as JSON text.

use std::any::Any;

use kit::{Field, Key, Position, Projection, Recorded, Term};

use super::text;
use crate::handler::{Failure, Source, guarded};

/// An event that touches a document, read into the projection's own types.
pub(crate) struct Touch {
    /// The document.
    pub(crate) key: Key,
    /// The commit.
    pub(crate) position: Position,
    /// The event's place in the commit.
    pub(crate) index: usize,
    event: Box<dyn Any + Send + Sync>,
}

/// A document after some events.
pub(crate) struct Folded {
    /// The document as JSON.
    pub(crate) document: String,
    /// Where it stands in lists.
    pub(crate) order: String,
    /// The values under which it is found, if they are not what they were.
    pub(crate) terms: Option<Vec<Term>>,
}

/// Any [`Projection`].
pub(crate) trait AnyProjection: Send + Sync {
    fn name(&self) -> &'static str;
    fn version(&self) -> u32;
    fn fields(&self) -> &'static [Field];
    fn aggregates(&self) -> Vec<&'static str>;
    fn normalise(&self, field: &str, value: &str) -> String;

    /// Reads one event; `None` if it touches no document.
    fn touch(&self, source: &Source<'_>) -> Result<Option<Touch>, Failure>;

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

    fn fields(&self) -> &'static [Field] {
        P::FIELDS
    }

    fn aggregates(&self) -> Vec<&'static str> {
        <P::When as kit::EventSet>::aggregates()
    }

    fn normalise(&self, field: &str, value: &str) -> String {
        text::value(P::normalise(field, value))
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

    fn fold(&self, stored: Option<&str>, touches: &[&Touch]) -> Result<Folded, (usize, Failure)> {
        let mut document = match stored {
            None => P::Document::default(),
            Some(json) => serde_json::from_str(json).map_err(|error| {
                let place =
                    format!("a stored document does not read back, column {}", error.column());
                (0, Failure::Permanent(place))
            })?,
        };
        let before = stored.is_some().then(|| document.clone());
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
        let last = touches.len().saturating_sub(1);
        guarded(|| {
            Ok(Folded {
                document: serde_json::to_string(&document).map_err(|error| {
                    Failure::Bug(format!("a document has no JSON form: {error}"))
                })?,
                order: text::value(P::order(&document)),
                terms: {
                    let terms = sorted(P::terms(&document));
                    let known = before.map(|before| sorted(P::terms(&before)));
                    (known.as_ref() != Some(&terms)).then_some(terms)
                },
            })
        })
        .map_err(|failure| (last, failure))
    }
}

fn sorted(mut terms: Vec<Term>) -> Vec<Term> {
    for term in &mut terms {
        term.value = text::value(std::mem::take(&mut term.value));
    }
    terms.sort();
    terms.dedup();
    terms
}

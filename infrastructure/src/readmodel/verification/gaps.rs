//! Stretches whose counts differ from the log's. Pure but for reading the counts, page by page.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use kit::Position;

use super::{
    findings::FIRST_MAX,
    view::{View, away},
};
use crate::{
    deadletter::Cursor,
    problem::Problem,
    readmodel::{
        sql::Param,
        stretches::{self, Mark, SPAN, Tally},
    },
};

/// Rows read at a time.
const PAGE: usize = 1_000;

/// One stretch whose counts are not what they should be.
#[derive(Debug, Clone)]
pub(super) struct Difference {
    pub(super) stretch: u64,
    pub(super) expected: Tally,
    pub(super) found: Tally,
}

/// Events that stand one after the other, in the log or among those of one aggregate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) first: Cursor,
    pub(super) last: Cursor,
    /// The subject that all of them stand on.
    pub(super) subject: Option<String>,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Differences {
    pub(super) first: Vec<Difference>,
    pub(super) all: u64,
    /// Events in all stretches that were compared.
    pub(super) events: u64,
}

/// Compares the counts of `view` with those of the log.
pub(super) async fn compare(
    view: &mut View,
    expected: &BTreeMap<u64, Tally>,
) -> Result<Differences, Problem> {
    // Of a stretch that was begun by a program that did not count, only a part is.
    let begin = match view.counted_after {
        Position::ZERO => 0,
        after => stretches::stretch_of(after) + 1,
    };
    let mut differences = Differences::default();
    let mut after = begin;
    loop {
        let found = page(view, after).await?;
        let end = match found.last_key_value() {
            Some((last, _)) if found.len() == PAGE => *last,
            _ => u64::MAX,
        };
        let mut both: BTreeMap<u64, (Tally, Tally)> = BTreeMap::new();
        for (stretch, tally) in expected.range(after..=end) {
            both.entry(*stretch).or_default().0 = *tally;
        }
        for (stretch, tally) in found {
            both.entry(stretch).or_default().1 = tally;
        }
        for (stretch, (expected, found)) in both {
            differences.events += expected.events;
            if expected != found {
                differences.all += 1;
                if differences.first.len() < FIRST_MAX {
                    differences.first.push(Difference { stretch, expected, found });
                }
            }
        }
        if end == u64::MAX {
            return Ok(differences);
        }
        after = end + 1;
    }
}

async fn page(view: &mut View, from: u64) -> Result<BTreeMap<u64, Tally>, Problem> {
    let select = "SELECT stretch, events, sum FROM stretches
         WHERE projection = $1 AND generation = $2 AND stretch >= $3
         ORDER BY stretch LIMIT 1000";
    let params =
        [Param::Text(view.projection), Param::Int(view.generation), Param::Int(from.cast_signed())];
    let rows: Vec<(i64, i64, i64)> =
        view.tx.all(select, &params).await.map_err(|error| away(&error))?;
    let tally = |(stretch, events, sum): (i64, i64, i64)| {
        let tally = Tally { events: events.cast_unsigned(), sum: sum.cast_unsigned() };
        (stretch.cast_unsigned(), tally)
    };
    Ok(rows.into_iter().map(tally).collect())
}

impl Difference {
    /// The first and the last position of the stretch, as far as it is read.
    pub(super) fn bounds(&self, read: Position) -> (Position, Position) {
        let first = self.stretch * SPAN;
        (Position(first), Position(first + SPAN - 1).min(read))
    }

    /// Which of `events`, all of the stretch in the order of the log, are missing or are there
    /// twice: those whose marks are the difference.
    pub(super) fn run(&self, events: &[(Arc<str>, Mark)]) -> Option<Run> {
        let lost = self.found.events < self.expected.events;
        let (more, less) =
            if lost { (self.expected, self.found) } else { (self.found, self.expected) };
        let difference = more.without(less);
        let many = usize::try_from(difference.events).ok().filter(|many| *many > 0)?;
        let run = |events: &[Mark], subject: Option<&Arc<str>>| {
            let mut before = vec![Tally::default()];
            for mark in events {
                let mut tally = before.last().copied().unwrap_or_default();
                tally.add(*mark);
                before.push(tally);
            }
            let mut ends = before.iter().zip(before.iter().skip(many));
            let first = ends.position(|(before, end)| end.without(*before) == difference)?;
            let (first, last) = (events.get(first)?.at, events.get(first + many - 1)?.at);
            Some(Run { first, last, subject: subject.map(ToString::to_string) })
        };
        let mut of: HashMap<&Arc<str>, Vec<Mark>> = HashMap::new();
        for (subject, mark) in events {
            of.entry(subject).or_default().push(*mark);
        }
        let single = of.iter().find_map(|(subject, marks)| run(marks, Some(*subject)));
        single.or_else(|| {
            let all: Vec<_> = events.iter().map(|(_, mark)| *mark).collect();
            run(&all, None)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Twenty commits by two aggregates that take turns.
    fn events() -> Vec<(Arc<str>, Mark)> {
        let at = |position| Cursor { position: Position(position), index: 0 };
        let subjects = ["event.clock.tower", "event.clock.tide"].into_iter().cycle();
        subjects
            .zip(0..20)
            .map(|(it, position)| (it.into(), Mark::of(at(position), None)))
            .collect()
    }

    fn tally<'a>(events: impl IntoIterator<Item = &'a (Arc<str>, Mark)>) -> Tally {
        let mut tally = Tally::default();
        events.into_iter().for_each(|(_, mark)| tally.add(*mark));
        tally
    }

    fn found(found: Tally) -> Option<(u64, u64, Option<String>)> {
        let events = events();
        let run = Difference { stretch: 0, expected: tally(&events), found }.run(&events)?;
        Some((run.first.position.0, run.last.position.0, run.subject))
    }

    #[test]
    fn a_run_that_is_missing_or_there_twice_is_named() {
        let events = events();
        let without = |lost: fn(usize) -> bool| {
            tally(events.iter().enumerate().filter(|(at, _)| !lost(*at)).map(|(_, it)| it))
        };
        let tower = || Some("event.clock.tower".to_owned());
        assert_eq!(found(without(|at| at == 6)), Some((6, 6, tower())));
        assert_eq!(found(without(|at| (5..9).contains(&at))), Some((5, 8, None)));
        assert_eq!(found(without(|at| [4, 6, 8].contains(&at))), Some((4, 8, tower())));
        assert_eq!(found(tally(events.iter().chain(&events[6..7]))), Some((6, 6, tower())));
        assert_eq!(found(tally(events.iter().chain(&events[3..7]))), Some((3, 6, None)));
    }

    #[test]
    fn what_cannot_be_told_is_not() {
        let events = events();
        let apart = [1, 4, 10];
        let some = events.iter().enumerate().filter(|(at, _)| !apart.contains(at));
        assert_eq!(found(tally(some.map(|(_, it)| it))), None);
        let exchanged = events.iter().skip(1).chain(&events[5..6]);
        assert_eq!(found(tally(exchanged)), None, "one is lost and another there twice");
    }
}

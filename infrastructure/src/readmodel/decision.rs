//! What becomes of a request: a pure function of what there is. Not here: doing it.

use kit::Position;

use super::{
    generation::{Filling, Lineage, Outcome, Plan},
    requests::{GenerationAction, GenerationRequest},
    succession::Change,
};

/// What a request changes: `fed` are the generations that are up to date, `version` that of the
/// code, `last` the end of the log.
pub(super) fn decide(
    lineage: &Lineage,
    fed: &[i64],
    version: u32,
    last: Position,
    request: &GenerationRequest,
) -> (Change, Plan) {
    let decided = match request.action {
        GenerationAction::Rebuild { accept } => rebuild(lineage, fed, version, last, accept),
        GenerationAction::Rollback => rollback(lineage, fed, version),
        GenerationAction::Drop { generation } => discard(lineage, generation),
    };
    let id = Some(request.id.as_str());
    let mut plan = Plan { request: id.map(str::to_owned), ..lineage.plan.clone() };
    match decided {
        Ok(Decided::Filling(change, filling)) => {
            plan.filling = Some(filling);
            (change, plan)
        }
        Ok(Decided::Done(change, told)) => {
            plan.filling = plan.filling.filter(|filling| {
                ![Change::Drop(filling.generation), Change::Switch(filling.generation)]
                    .contains(&change)
            });
            plan.outcome = Some(Outcome::new(id, true, told));
            (change, plan)
        }
        Err(why) => {
            plan.outcome = Some(Outcome::new(id, false, why));
            (Change::Nothing, plan)
        }
    }
}

enum Decided {
    /// It takes its time.
    Filling(Change, Filling),
    /// At once.
    Done(Change, String),
}

fn rebuild(
    lineage: &Lineage,
    fed: &[i64],
    version: u32,
    last: Position,
    accept: bool,
) -> Result<Decided, String> {
    let filling = |generation| Filling { generation, accept, failed: None };
    // One that has stopped, or is still at it, goes on where it stands.
    if let Some(row) = lineage.filling_row().filter(|row| row.version == version) {
        return Ok(Decided::Filling(Change::Nothing, filling(row.generation)));
    }
    if lineage.current_row().is_some_and(|row| row.version > version) {
        return Err("its rows are of newer code than the running program's".to_owned());
    }
    match lineage.spare(version) {
        Some(row) if accept && row.generation > lineage.current => {
            if fed.contains(&row.generation) {
                let told = format!("generation {} answers now", row.generation);
                return Ok(Decided::Done(Change::Switch(row.generation), told));
            }
            Err(format!("generation {} is not fed; drop it first", row.generation))
        }
        Some(row) => Err(format!("generation {} still stands by; drop it first", row.generation)),
        None => {
            let number = lineage.next_number();
            Ok(Decided::Filling(Change::Begin { number, complete_at: last }, filling(number)))
        }
    }
}

fn rollback(lineage: &Lineage, fed: &[i64], version: u32) -> Result<Decided, String> {
    let Some(row) = lineage.spare(version).copied() else {
        return Err(format!("there is no other generation of version {version} of its code"));
    };
    let number = row.generation;
    if lineage.filling_row().is_some_and(|filling| filling.generation == number) {
        return Err(format!("generation {number} is still being filled"));
    }
    let newer = lineage.current_row().is_some_and(|current| current.version > version);
    if !row.is_whole() || !(newer || fed.contains(&number)) {
        return Err(format!("generation {number} is behind, at {}", row.position));
    }
    let told = format!("generation {number} answers again, {} is kept", lineage.current);
    Ok(Decided::Done(Change::Switch(number), told))
}

fn discard(lineage: &Lineage, generation: Option<i64>) -> Result<Decided, String> {
    let mut others = lineage.rows.iter().map(|row| row.generation);
    let number = match generation {
        Some(number) if number == lineage.current => {
            return Err(format!("queries read generation {number}"));
        }
        Some(number) if others.any(|other| other == number) => number,
        Some(number) => return Err(format!("there is no generation {number}")),
        None => {
            let others: Vec<_> = others.filter(|other| *other != lineage.current).collect();
            match others[..] {
                [number] => number,
                [] => return Err(format!("there is only generation {}", lineage.current)),
                _ => return Err(format!("say which of the generations {others:?}")),
            }
        }
    };
    let filling = lineage.filling_row().is_some_and(|row| row.generation == number);
    let of_newer_code =
        lineage.row(number).map(|row| row.version) > lineage.current_row().map(|row| row.version);
    if filling && of_newer_code {
        return Err(format!("generation {number} is the only one that the running code can fill"));
    }
    Ok(Decided::Done(Change::Drop(number), format!("generation {number} is gone")))
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;
    use crate::readmodel::generation::CheckpointRow;

    /// Generations of the versions `versions`, numbered from 1, all of them whole.
    fn lineage(versions: &[u32], current: i64, filling: Option<i64>) -> Lineage {
        let row = |(number, version): (i64, &u32)| CheckpointRow {
            generation: number,
            position: Position(9),
            version: *version,
            complete_at: Position(9),
        };
        let filling = filling.map(|generation| Filling { generation, accept: false, failed: None });
        let plan = Plan { filling, ..Plan::default() };
        Lineage { current, plan, rows: (1..).zip(versions).map(row).collect() }
    }

    fn decided(lineage: &Lineage, action: GenerationAction) -> (Change, Plan) {
        let fed: Vec<_> = lineage.rows.iter().map(|row| row.generation).collect();
        let (id, by) = ("id".to_owned(), "ada".to_owned());
        let request = GenerationRequest { id, action, by, time: Utc::now() };
        let (change, plan) = decide(lineage, &fed, 1, Position(10), &request);
        assert_eq!(plan.request.as_deref(), Some("id"), "no request is acted on twice");
        (change, plan)
    }

    fn refused(lineage: &Lineage, action: GenerationAction) -> String {
        let (change, plan) = decided(lineage, action);
        let outcome = plan.outcome.unwrap();
        assert!(change == Change::Nothing && !outcome.done, "{outcome:?}");
        outcome.told
    }

    const REBUILD: GenerationAction = GenerationAction::Rebuild { accept: false };
    const ACCEPT: GenerationAction = GenerationAction::Rebuild { accept: true };
    const DROP: GenerationAction = GenerationAction::Drop { generation: None };

    #[test]
    fn a_rebuild_begins_one_generation_and_goes_on_with_one_that_has_stopped() {
        let (change, plan) = decided(&lineage(&[1], 1, None), REBUILD);
        assert_eq!(change, Change::Begin { number: 2, complete_at: Position(10) });
        assert_eq!(plan.filling.unwrap().generation, 2);
        let (change, plan) = decided(&lineage(&[1, 1], 1, Some(2)), ACCEPT);
        assert_eq!(change, Change::Nothing);
        assert!(plan.filling.unwrap().accept);
        assert!(refused(&lineage(&[1, 1], 2, None), REBUILD).contains("drop it first"));
        assert!(refused(&lineage(&[2], 1, None), REBUILD).contains("newer code"));
    }

    #[test]
    fn a_filled_generation_takes_over_if_it_is_accepted() {
        let (change, plan) = decided(&lineage(&[1, 1], 1, None), ACCEPT);
        assert_eq!((change, plan.filling), (Change::Switch(2), None));
    }

    #[test]
    fn a_rollback_needs_a_whole_generation_of_this_code() {
        assert_eq!(
            decided(&lineage(&[1, 1], 2, None), GenerationAction::Rollback).0,
            Change::Switch(1)
        );
        assert_eq!(
            decided(&lineage(&[1, 2], 2, None), GenerationAction::Rollback).0,
            Change::Switch(1)
        );
        refused(&lineage(&[1], 1, None), GenerationAction::Rollback);
        refused(&lineage(&[2, 1], 2, None), GenerationAction::Rollback);
        refused(&lineage(&[1, 1], 1, Some(2)), GenerationAction::Rollback);
        let mut behind = lineage(&[1, 1], 2, None);
        behind.rows[0].position = Position(8);
        assert!(refused(&behind, GenerationAction::Rollback).contains("behind"));
    }

    #[test]
    fn a_drop_takes_neither_what_answers_nor_what_is_not_named() {
        assert_eq!(decided(&lineage(&[1, 1], 2, None), DROP).0, Change::Drop(1));
        let (change, plan) = decided(&lineage(&[1, 1], 1, Some(2)), DROP);
        assert_eq!((change, plan.filling), (Change::Drop(2), None));
        refused(&lineage(&[1], 1, None), DROP);
        refused(&lineage(&[1, 1, 1], 2, None), DROP);
        refused(&lineage(&[1, 1], 2, None), GenerationAction::Drop { generation: Some(2) });
        refused(&lineage(&[1, 1], 2, None), GenerationAction::Drop { generation: Some(7) });
    }
}

//! How far handlers were behind, from what clients and handlers noted.
//! Not here: the load.

use serde::Serialize;

use super::worker::Reached;

/// Three values of many.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct Spread {
    pub(super) p50: f64,
    pub(super) p99: f64,
    pub(super) max: f64,
}

/// How far all handlers of one kind were behind.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Behind {
    /// From the acknowledgement of a commit until all of them had handled it.
    pub(super) ms: Spread,
    /// Commits that were acknowledged and that not all of them had handled.
    pub(super) commits: Spread,
}

/// A commit as its client saw it, in microseconds of the clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Committed {
    pub(super) at: u64,
    pub(super) position: u64,
}

/// How far handlers that came along as `reached` says were behind `committed`, both in the order of
/// the log.
pub(super) fn behind(committed: &[Committed], reached: &[Reached]) -> Behind {
    let until_handled = committed.iter().filter_map(|commit| {
        let at = reached.partition_point(|reached| reached.position < commit.position);
        Some(reached.get(at)?.at.saturating_sub(commit.at) as f64 / 1e3)
    });
    let mut acknowledged: Vec<_> = committed.iter().map(|commit| commit.at).collect();
    acknowledged.sort_unstable();
    // Just before the handlers got further, they were furthest behind.
    let waiting = reached.windows(2).filter_map(|pair| {
        let [before, after] = pair else { return None };
        let known = acknowledged.partition_point(|at| *at < after.at);
        let handled = committed.partition_point(|commit| commit.position <= before.position);
        (known > 0).then(|| known.saturating_sub(handled) as f64)
    });
    Behind { ms: spread(until_handled.collect()), commits: spread(waiting.collect()) }
}

/// How many of `committed` are beyond what all handlers of some kind had reached in the end.
pub(super) fn unhandled(committed: &[Committed], kinds: &[&[Reached]]) -> usize {
    let last = |reached: &[Reached]| reached.last().map_or(0, |last| last.position);
    let position = kinds.iter().map(|reached| last(reached)).min().unwrap_or_default();
    committed.iter().filter(|commit| commit.position > position).count()
}

pub(super) fn spread(mut values: Vec<f64>) -> Spread {
    values.sort_unstable_by(f64::total_cmp);
    let at = |percent: usize| values.get(values.len().saturating_sub(1) * percent / 100).copied();
    let at = |percent| at(percent).unwrap_or_default();
    Spread { p50: at(50), p99: at(99), max: at(100) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_behind_until_everything_up_to_it_is_handled() {
        let commit = |at, position| Committed { at, position };
        let reach = |at, position| Reached { at, position };
        let committed = [commit(1_000, 1), commit(2_000, 2), commit(9_000, 4)];
        let reached = [reach(0, 0), reach(5_000, 3), reach(9_500, 4)];
        let Behind { ms, commits } = behind(&committed, &reached);
        assert_eq!((ms.p50, ms.max), (3.0, 4.0));
        assert_eq!((commits.p50, commits.max), (1.0, 2.0));
        assert_eq!(unhandled(&committed, &[&reached]), 0);
        assert_eq!(unhandled(&committed, &[&reached, &reached[..2]]), 1);
    }
}

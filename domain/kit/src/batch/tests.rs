use chrono::DateTime;
use proptest::prelude::*;

use super::*;
use crate::{EventId, Metadata, Position, Version};

fn batched(position: u64, id: &str, kind: &str) -> Batched<u64> {
    let event_id = EventId::from_u128(u128::from(position));
    let metadata = Metadata {
        command_id: CommandId::derived("h", event_id, 0),
        command_hash: String::new(),
        correlation_id: String::new(),
        causation_id: None,
        user_id: None,
        session_id: None,
        request_id: None,
        hops: 0,
        traceparent: None,
    };
    let event = Recorded {
        id: event_id,
        aggregate: "lamp".to_owned(),
        aggregate_id: id.parse().unwrap(),
        version: Version(1),
        position: Position(position),
        index: 0,
        time: DateTime::default(),
        metadata,
        event: position,
    };
    Batched { event, kind: kind.to_owned(), key: CommandId::derived("h", event_id, 0) }
}

fn shown(batch: &Batch<u64>) -> Vec<Vec<(&str, Vec<u64>)>> {
    let runs = batch.runs().into_iter().map(|run| {
        let places =
            |group: &Group<'_, u64>| group.events.iter().map(|it| it.1.event.event).collect();
        run.groups.iter().map(|group| (group.kind, places(group))).collect()
    });
    runs.collect()
}

#[test]
fn events_of_one_type_come_together_as_long_as_no_aggregate_goes_backwards() {
    let of = [("a", "lit"), ("b", "lit"), ("a", "out"), ("c", "lit"), ("a", "lit"), ("c", "out")];
    let events = (1..).zip(of).map(|(position, (id, kind))| batched(position, id, kind));
    let batch = Batch::new(events.collect());
    assert_eq!(
        shown(&batch),
        [vec![("lit", vec![1, 2, 4]), ("out", vec![3])], vec![("lit", vec![5]), ("out", vec![6])],]
    );
}

proptest! {
    #[test]
    fn groups_taken_one_after_the_other_keep_every_event_and_the_order_of_every_aggregate(
        of in prop::collection::vec(("[a-c]", "lit|out|broken"), 0..40),
    ) {
        let events = (1..).zip(&of).map(|(position, (id, kind))| batched(position, id, kind));
        let batch = Batch::new(events.collect());
        let mut seen: HashMap<String, Vec<u64>> = HashMap::new();
        for run in batch.runs() {
            let mut kinds = std::collections::HashSet::new();
            for group in run.groups {
                prop_assert!(kinds.insert(group.kind), "one group of a type in a run");
                for (place, it) in group.events {
                    prop_assert_eq!(u64::try_from(place).unwrap() + 1, it.event.position.0);
                    prop_assert_eq!(&it.kind, group.kind);
                    let id = it.event.aggregate_id.to_string();
                    seen.entry(id).or_default().push(it.event.event);
                }
            }
        }
        prop_assert_eq!(seen.values().map(Vec::len).sum::<usize>(), of.len());
        for order in seen.values() {
            prop_assert!(order.is_sorted(), "{:?}", order);
        }
    }
}

//! What a chart says about a machine.

use kit::Chart;

use crate::lamp::{Lamp, examples};

fn chart() -> Chart {
    Chart::explore::<Lamp>("lamp", &examples())
}

#[test]
fn a_stage_that_nothing_leads_to_is_unreached() {
    assert_eq!(chart().unreached(), ["Melted"]);
}

#[test]
fn a_stage_that_nothing_leaves_is_a_dead_end() {
    assert_eq!(chart().dead_ends(), ["Broken", "Melted"]);
}

#[test]
fn an_event_that_no_stage_takes_is_never_accepted() {
    assert_eq!(chart().never_accepted(), ["polished"]);
}

#[test]
fn arrows_stand_in_the_order_of_stages_and_then_of_examples() {
    let arrows: Vec<_> = chart().arrows.iter().map(|a| (a.from, a.event, a.to)).collect();
    let expected = [
        ("Dark", "lit", "Shining"),
        ("Dark", "burst", "Broken"),
        ("Shining", "lit", "Shining"),
        ("Shining", "put-out", "Dark"),
        ("Shining", "burst", "Broken"),
    ];
    assert_eq!(arrows, expected);
}

#[test]
fn several_examples_of_one_event_make_one_arrow() {
    let twice = [examples(), vec![crate::lamp::lit(7)]].concat();
    let chart = Chart::explore::<Lamp>("lamp", &twice);
    assert_eq!(chart.arrows, self::chart().arrows);
    assert_eq!(chart.never_accepted(), ["polished"]);
}

#[test]
fn the_picture_and_the_table_show_the_same() {
    let text = chart().mermaid();
    assert!(text.starts_with("stateDiagram-v2\n    [*] --> Dark\n    Dark --> Shining: lit\n"));
    assert!(text.contains("    Broken --> [*]\n"));
    assert!(!text.contains("Melted"), "what nothing reaches is not drawn");
    assert_eq!(chart().table().lines().count(), 2 + chart().arrows.len());
}

//! The machines of the person, as people read them.

use domain::person::Person;
use kit::{Aggregate, Chart};

#[track_caller]
fn chart(name: &str) -> Chart {
    Person::charts().into_iter().find(|chart| chart.name == name).unwrap()
}

#[test]
fn a_life_reaches_every_stage_and_can_always_go_on() {
    let chart = chart("lifecycle");
    assert!(chart.unreached().is_empty());
    assert!(chart.dead_ends().is_empty());
    insta::assert_snapshot!(format!("{}\n{}", chart.mermaid(), chart.table()));
}

#[test]
fn a_contact_reaches_every_stage_and_ends_removed() {
    let chart = chart("contact");
    assert!(chart.unreached().is_empty());
    assert_eq!(chart.dead_ends(), ["Removed"]);
    insta::assert_snapshot!(format!("{}\n{}", chart.mermaid(), chart.table()));
}

#[test]
fn a_skill_reaches_every_stage_and_ends_removed() {
    let chart = chart("skill");
    assert!(chart.unreached().is_empty());
    assert_eq!(chart.dead_ends(), ["Removed"]);
    insta::assert_snapshot!(format!("{}\n{}", chart.mermaid(), chart.table()));
}

#[test]
fn every_event_moves_a_machine_or_changes_the_profile() {
    let profile = [
        "name-changed",
        "birth-date-set",
        "birth-date-corrected",
        "preferred-contact-changed",
        "component-added",
        "component-updated",
        "component-removed",
        "tagged",
        "untagged",
        "preferences-changed",
    ];
    let charts = Person::charts();
    for event in charts[0].never_accepted() {
        let elsewhere = charts.iter().any(|chart| !chart.never_accepted().contains(&event));
        assert!(elsewhere != profile.contains(&event), "{event}");
    }
}

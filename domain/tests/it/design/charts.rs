//! The two machines of a request, as people read them.

use domain::design::Design;
use kit::{Aggregate, Chart};

#[track_caller]
fn chart(name: &str) -> Chart {
    Design::charts().into_iter().find(|chart| chart.name == name).unwrap()
}

#[test]
fn a_request_reaches_every_status_and_ends_completed_or_cancelled() {
    let chart = chart("request");
    assert!(chart.unreached().is_empty());
    assert_eq!(chart.dead_ends(), ["COMPLETED", "CANCELLED"]);
    insta::assert_snapshot!(format!("{}\n{}", chart.mermaid(), chart.table()));
}

#[test]
fn a_payment_reaches_every_status_and_nothing_leaves_a_success() {
    let chart = chart("payment");
    assert!(chart.unreached().is_empty());
    assert_eq!(chart.dead_ends(), ["SUCCEEDED"]);
    insta::assert_snapshot!(format!("{}\n{}", chart.mermaid(), chart.table()));
}

#[test]
fn every_event_moves_a_machine_or_is_kept_beside_them() {
    let beside = [
        "answer-versioned",
        "request-quoted",
        "payment-held",
        "payment-unfit",
        "payment-fees-recorded",
        "refund-requested",
        "personal-data-erased",
    ];
    let charts = Design::charts();
    for event in charts[0].never_accepted() {
        let elsewhere = charts.iter().any(|chart| !chart.never_accepted().contains(&event));
        assert!(elsewhere != beside.contains(&event), "{event}");
    }
}

//! A request is opened, handed in, worked on or called off.

use domain::design::{
    CancelRequest, Design, DesignError, DesignEvent, DesignStatus, PaymentStatus, Provenance,
    RequestCreated, RequestSubmitted,
};
use kit::Personal;
use kit::scenario::{given, given_nothing};
use serde_json::json;

use super::{ask, asking, happened, names, request};

fn submitted(status: DesignStatus) -> DesignEvent {
    let provenance = Some(Provenance::by("ada@example.org".parse().unwrap()).into());
    let email = Personal::Known("ada@example.org".parse().unwrap());
    RequestSubmitted { email, status, provenance }.into()
}

#[test]
fn the_original_example_opens_a_request_and_repeats_change_nothing() {
    let data = json!({"email": null, "design_code": "D-7", "product_id": "sofa"});
    let body = json!({"product_id": "sofa", "design_code": "D-7", "email": null, "provenance": {"created_by": null, "data": data}});
    let again =
        json!({"product_id": "sofa", "design_code": "D-7", "provenance": {"created_by": "ada"}});
    let given = given_nothing::<Design>();
    let created = RequestCreated {
        product_id: Some("sofa".parse().unwrap()),
        design_code: Some("D-7".parse().unwrap()),
        email: None,
        provenance: serde_json::from_value(json!({"data": data})).unwrap(),
    };
    given
        .when(asking("create-request", &body))
        .then([created.into()])
        .when(asking("create-request", &again))
        .then_unchanged()
        .when(asking("create-request", &json!({"design_code": "D-8"})))
        .then_refused(DesignError::RequestExists);
}

#[test]
fn a_request_goes_from_draft_to_completed() {
    let design = request(&[])
        .when(ask("submit-request"))
        .then([submitted(DesignStatus::Submitted)])
        .when(ask("start-design"))
        .then_refused(DesignError::NotWhile(DesignStatus::Submitted));
    assert_eq!(design.state().payment.status(), PaymentStatus::None);
    let past = ["request-created", "request-submitted", "payment-succeeded"].map(happened);
    given::<Design>(past)
        .when(ask("complete-design"))
        .then_refused(DesignError::NotWhile(DesignStatus::Paid))
        .when(ask("start-design"))
        .then([happened("design-started")])
        .when(ask("cancel-request"))
        .then_refused(DesignError::NotWhile(DesignStatus::InDesign))
        .when(ask("complete-design"))
        .then([happened("design-completed")])
        .when(ask("start-design"))
        .then_refused(DesignError::NotWhile(DesignStatus::Completed));
}

#[test]
fn a_request_that_was_paid_first_is_paid_as_soon_as_it_is_submitted() {
    let design = request(&["payment-succeeded"])
        .when(ask("submit-request"))
        .then([submitted(DesignStatus::Paid)]);
    assert_eq!(design.state().status(), DesignStatus::Paid);
}

#[test]
fn a_request_is_submitted_by_one_address() {
    request(&["request-submitted"])
        .when(asking("submit-request", &json!({"email": "eve@example.org"})))
        .then_refused(DesignError::AlreadySubmitted);
}

#[test]
fn what_is_cancelled_stays_so() {
    let cancelled = request(&[]).when(CancelRequest { reason: None, provenance: None });
    assert_eq!(names(cancelled.decided().as_ref().unwrap()), ["request-cancelled"]);
    request(&["request-cancelled"])
        .when(ask("submit-request"))
        .then_refused(DesignError::NotWhile(DesignStatus::Cancelled))
        .when(ask("answer-question"))
        .then_refused(DesignError::NotWhile(DesignStatus::Cancelled));
}

//! A verified address belongs to one person.

use domain::reservation::{
    Release, Reservation, ReservationError, ReservationEvent, ReservationReleased, examples,
};
use examples::{holder, made, reserve};
use kit::{
    Aggregate, Chart,
    scenario::{given, given_nothing},
};

use crate::{answers, wire};

fn released(person: &str, contact: u128) -> ReservationEvent {
    ReservationReleased { holder: holder(person, contact) }.into()
}

#[test]
fn the_first_person_gets_the_address() {
    given_nothing::<Reservation>().when(reserve("ada", 1, 4)).then([made("ada", 1, 4)]);
}

#[test]
fn the_same_contact_asking_again_changes_nothing() {
    given::<Reservation>([made("ada", 1, 4)]).when(reserve("ada", 1, 4)).then_unchanged();
}

#[test]
fn an_address_that_was_verified_again_is_reserved_again() {
    given::<Reservation>([made("ada", 1, 4)])
        .when(reserve("ada", 1, 9))
        .then([made("ada", 1, 9)])
        .when(reserve("ada", 1, 4))
        .then_unchanged();
}

#[test]
fn the_second_person_is_refused() {
    given::<Reservation>([made("ada", 1, 4)])
        .when(reserve("bob", 2, 4))
        .then_refused(ReservationError::ContactTaken);
}

#[test]
fn the_same_person_may_move_the_address_to_another_contact() {
    given::<Reservation>([made("ada", 1, 4)])
        .when(reserve("ada", 3, 9))
        .then([made("ada", 3, 9)])
        .when(Release(holder("ada", 1)))
        .then_refused(ReservationError::NotTheHolder);
}

#[test]
fn the_holder_gives_the_address_up_and_another_person_gets_it() {
    given::<Reservation>([made("ada", 1, 4)])
        .when(Release(holder("ada", 1)))
        .then([released("ada", 1)])
        .when(reserve("bob", 2, 4))
        .then([made("bob", 2, 4)]);
}

#[test]
fn nobody_else_gives_it_up() {
    given::<Reservation>([made("ada", 1, 4)])
        .when(Release(holder("bob", 1)))
        .then_refused(ReservationError::NotTheHolder);
}

#[test]
fn what_nobody_has_cannot_be_given_up_and_is_already_free() {
    given_nothing::<Reservation>().when(Release(holder("ada", 1))).then_unchanged();
}

#[test]
fn a_command_refuses_unknown_fields() {
    use kit::Command;
    type Commands = <Reservation as Aggregate>::Command;
    assert!(Commands::read("reserve", br#"{"person":"ada","contact":"1","as_of":4}"#).is_ok());
    assert!(
        Commands::read("reserve", br#"{"person":"ada","contact":"1","as_of":4,"x":1}"#).is_err()
    );
}

#[test]
fn the_life_of_a_reservation() {
    let [chart]: [Chart; 1] = Reservation::charts().try_into().unwrap();
    assert!(chart.unreached().is_empty() && chart.never_accepted().is_empty());
    assert!(chart.dead_ends().is_empty());
    insta::assert_snapshot!(chart.mermaid());
}

#[test]
fn every_stage_answers_every_command() {
    let pasts = [vec![], vec![made("ada", 1, 4)], vec![made("bob", 2, 4)]];
    insta::assert_snapshot!(answers::table::<Reservation>(&pasts, &examples::commands()));
}

#[test]
fn the_wire_of_reservations_is_kept() {
    wire::is_kept(&examples::events());
    wire::is_readable_for_ever::<ReservationEvent>();
}

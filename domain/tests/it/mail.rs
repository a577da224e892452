//! A mail is asked for once, taken up once at a time, and then sent or failed.

use domain::mail::{
    FailureReason, Letter, Mail, MailCommand, MailDeferred, MailError, MailEvent, MailFailed,
    MailRequested, MailSending, MailSent, MailStage, MarkMailDeferred, MarkMailFailed,
    MarkMailSending, MarkMailSent, RequestMail, examples,
};
use examples::{verification, welcome};
use kit::{
    Aggregate, Chart, Command as _, Event as _, EventSet as _,
    scenario::{given, given_nothing, id},
};

use crate::{answers, wire};

const REJECTED: FailureReason = FailureReason::AddressRejected;

fn requested(letter: Letter) -> MailEvent {
    MailRequested { letter }.into()
}

fn failed() -> MailEvent {
    MailFailed { reason: REJECTED }.into()
}

#[test]
fn a_mail_is_requested_and_sent() {
    given_nothing::<Mail>()
        .when(RequestMail(verification()))
        .then([requested(verification())])
        .when(MarkMailSent {})
        .then([MailSent {}.into()]);
}

#[test]
fn a_requested_mail_can_fail() {
    given::<Mail>([requested(welcome())])
        .when(MarkMailFailed { reason: REJECTED })
        .then([failed()]);
}

#[test]
fn a_sent_mail_can_bounce() {
    given::<Mail>([requested(welcome()), MailSent {}.into()])
        .when(MarkMailFailed { reason: REJECTED })
        .then([failed()]);
}

#[test]
fn a_mail_is_taken_up_before_it_is_sent_and_only_once_at_a_time() {
    given::<Mail>([requested(welcome())])
        .when(MarkMailSending {})
        .then([MailSending {}.into()])
        .when(MarkMailSending {})
        .then_unchanged()
        .when(MarkMailSent {})
        .then([MailSent {}.into()])
        .when(MarkMailSending {})
        .then_refused(MailError::NotWhile(MailStage::Sent));
}

#[test]
fn a_mail_that_was_put_off_can_be_taken_up_again() {
    given::<Mail>([requested(welcome()), MailSending {}.into()])
        .when(MarkMailDeferred {})
        .then([MailDeferred {}.into()])
        .when(MarkMailDeferred {})
        .then_unchanged()
        .when(MarkMailSending {})
        .then([MailSending {}.into()]);
}

#[test]
fn a_mail_of_unknown_outcome_has_failed_unless_it_is_known_to_be_sent() {
    let unknown = MarkMailFailed { reason: FailureReason::UnknownOutcome };
    given::<Mail>([requested(welcome()), MailSending {}.into()])
        .when(unknown.clone())
        .then([MailFailed { reason: FailureReason::UnknownOutcome }.into()]);
    given::<Mail>([requested(welcome()), MailSending {}.into(), MailSent {}.into()])
        .when(unknown)
        .then_unchanged();
}

#[test]
fn a_failed_mail_was_not_sent() {
    given::<Mail>([requested(welcome()), failed()])
        .when(MarkMailSent {})
        .then_refused(MailError::NotWhile(MailStage::Failed));
}

#[test]
fn an_id_stands_for_one_letter() {
    given::<Mail>([requested(welcome())])
        .when(RequestMail(verification()))
        .then_refused(MailError::AnotherLetter);
}

#[test]
fn a_sent_letter_is_not_requested_again() {
    given::<Mail>([requested(welcome()), MailSent {}.into()])
        .when(RequestMail(welcome()))
        .then_unchanged();
}

#[test]
fn a_letter_has_what_its_template_needs() {
    for bad in [
        r#"{"template":"verify-contact","person":"ada","contact":"home"}"#,
        r#"{"template":"verify-contact","person":"ada","contact":"home","challenge":"c"}"#,
        r#"{"template":"welcome","person":"ada"}"#,
        r#"{"template":"design-completed","person":"ada","contact":"home"}"#,
        r#"{"template":"design-completed","design":"request-1","surprise":1}"#,
        r#"{"template":"goodbye","person":"ada","contact":"home"}"#,
        r#"{"person":"ada","contact":"home"}"#,
    ] {
        assert!(MailCommand::read("request-mail", bad.as_bytes()).is_err(), "{bad}");
    }
    for command in examples::commands() {
        let again = MailCommand::read(command.name(), &command.body().unwrap());
        assert_eq!(again.unwrap(), command);
    }
}

#[test]
fn a_letter_of_the_first_shape_is_read_whatever_else_it_holds() {
    let old = br#"{"person":"ada","contact":"home","template":"welcome","expires_at":"2026-01-02T03:04:05Z"}"#;
    let read = MailEvent::read("mail", "mail-requested", 1, old).unwrap();
    let letter = Letter::Welcome { person: id("ada"), contact: "home".parse().unwrap() };
    assert_eq!(read, requested(letter));
}

#[test]
fn nothing_is_sent_that_was_not_requested() {
    given_nothing::<Mail>()
        .when(MarkMailSent {})
        .then_refused(MailError::NotWhile(MailStage::Unknown));
}

#[test]
fn the_life_of_a_mail() {
    let [chart]: [Chart; 1] = Mail::charts().try_into().unwrap();
    assert!(chart.unreached().is_empty() && chart.never_accepted().is_empty());
    assert_eq!(chart.dead_ends(), ["Failed"]);
    insta::assert_snapshot!(chart.mermaid());
}

#[test]
fn every_stage_answers_every_command() {
    let pasts = [
        vec![],
        vec![requested(verification())],
        vec![requested(verification()), MailSending {}.into()],
        vec![requested(verification()), MailSent {}.into()],
        vec![requested(verification()), failed()],
    ];
    insta::assert_snapshot!(answers::table::<Mail>(&pasts, &examples::commands()));
}

#[test]
fn the_wire_of_mail_is_kept_and_holds_nothing_personal() {
    wire::is_kept(&examples::events());
    wire::is_readable_for_ever::<MailEvent>();
}

#[test]
fn every_old_reason_is_read_as_itself() {
    for (name, reason) in [
        ("address-rejected", FailureReason::AddressRejected),
        ("contact-gone", FailureReason::ContactGone),
        ("expired", FailureReason::Expired),
        ("provider-refused", FailureReason::ProviderRefused),
    ] {
        let old = format!(r#"{{"reason":"{name}"}}"#);
        let read = MailEvent::read("mail", "mail-failed", 1, old.as_bytes()).unwrap();
        assert_eq!(read, MailFailed { reason }.into());
        assert_eq!(read.data().unwrap(), old.as_bytes());
    }
}

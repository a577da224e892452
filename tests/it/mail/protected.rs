//! Mail over TLS and behind a password: what an operator gets wrong keeps mails here and fails none.

use std::fs;

use effects::{Security, SmtpOptions};
use tests::{Authority, MailFailure, MailGate, MailSink, MailStep};

use super::{facing_options, options, run, sending, told, verification, welcome};

const SENT: &str = "done: mark-mail-sent {}";
const HOST: &str = "localhost";

/// A server behind `gate`, and how to reach it with the authority's trust and `password`.
async fn behind(gate: MailGate, authority: &Authority, password: &str) -> (MailSink, SmtpOptions) {
    let security = if gate.is_wrapped() { Security::Tls } else { Security::StartTls };
    let sink = MailSink::start_behind(gate).await;
    let options = SmtpOptions {
        user: Some(("robot".to_owned(), password.to_owned())),
        security,
        roots: Some(fs::read(authority.path()).unwrap()),
        ..options(sink.port())
    };
    (sink, options)
}

#[tokio::test]
async fn a_mail_goes_through_tls_of_either_kind_and_a_login_of_either_kind() {
    let authority = Authority::new();
    for gate in [MailGate::start_tls(&authority, HOST), MailGate::tls(&authority, HOST)] {
        for mechanism in ["PLAIN", "LOGIN"] {
            let gate = gate.clone().with_login(mechanism, "robot", "s3cret");
            let (sink, options) = behind(gate, &authority, "s3cret").await;
            assert_eq!(told(&run(&sending(options), &welcome()).await), SENT, "{mechanism}");
            assert_eq!(sink.received().len(), 1);
        }
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_or_is_of_another_host_is_named_and_gets_nothing() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let table = [
        (MailGate::start_tls(&stranger, HOST), "after STARTTLS"),
        (MailGate::tls(&stranger, HOST), "after connecting"),
        (MailGate::start_tls(&authority, "elsewhere.test"), "after STARTTLS"),
        (MailGate::tls(&authority, "elsewhere.test"), "after connecting"),
    ];
    for (gate, expected) in table {
        let gate = gate.with_login("PLAIN", "robot", "s3cret");
        let (sink, options) = behind(gate, &authority, "s3cret").await;
        let outcome = told(&run(&sending(options), &verification()).await);
        assert!(outcome.starts_with("away: invalid peer certificate: "), "{outcome}");
        assert!(outcome.ends_with(expected), "{outcome}");
        assert_eq!((sink.logins(), sink.received().len()), (0, 0));
    }
}

#[tokio::test]
async fn a_wrong_password_or_none_keeps_the_mail_until_the_operator_has_mended_it() {
    let authority = Authority::new();
    for mechanism in ["PLAIN", "LOGIN"] {
        let gate = MailGate::start_tls(&authority, HOST).with_login(mechanism, "robot", "s3cret");
        let (sink, wrong) = behind(gate, &authority, "wrong").await;
        let none = SmtpOptions { user: None, ..wrong.clone() };
        let right = Some(("robot".to_owned(), "s3cret".to_owned()));
        let right = SmtpOptions { user: right, ..wrong.clone() };
        for (options, expected) in
            [(wrong, "away: 535 after AUTH"), (none, "away: 530 after MAIL"), (right, SENT)]
        {
            assert_eq!(told(&run(&sending(options), &verification()).await), expected);
        }
        assert_eq!(sink.received().len(), 1);
    }
    let (_sink, unasked) =
        behind(MailGate::start_tls(&authority, HOST), &authority, "s3cret").await;
    let outcome = told(&run(&sending(unasked), &verification()).await);
    assert_eq!(outcome, "away: the server lacks what is needed after AUTH");
}

#[tokio::test]
async fn without_tls_nothing_is_sent_where_it_is_required() {
    let sink = MailSink::start().await;
    let effect = sending(SmtpOptions { security: Security::StartTls, ..options(sink.port()) });
    let expected = "away: the server lacks what is needed after STARTTLS";
    assert_eq!(told(&run(&effect, &welcome()).await), expected);
    assert!(sink.received().is_empty());
}

#[tokio::test]
async fn a_failure_while_the_way_is_being_opened_says_nothing_about_the_mail() {
    use MailFailure::{Answer, Cut, Hang};
    let authority = Authority::new();
    let gate = MailGate::start_tls(&authority, HOST).with_login("PLAIN", "robot", "s3cret");
    let (sink, options) = behind(gate, &authority, "s3cret").await;
    let table = [
        (MailStep::StartTls, Answer("454 not now"), "away: 454 after STARTTLS"),
        (MailStep::StartTls, Answer("554 never"), "away: 554 after STARTTLS"),
        (MailStep::StartTls, Hang, "away: no answer in time after STARTTLS"),
        (MailStep::StartTls, Cut, "away: the connection was cut after STARTTLS"),
        (MailStep::Login, Answer("454 4.7.0 not now"), "away: 454 after AUTH"),
        (MailStep::Login, Answer("534 5.7.9 too weak"), "away: 534 after AUTH"),
        (MailStep::Login, Hang, "away: no answer in time after AUTH"),
        (MailStep::Login, Cut, "away: the connection was cut after AUTH"),
    ];
    for (step, failure, expected) in table {
        sink.fail(step, failure);
        let effect = sending(facing_options(options.clone(), failure));
        let outcome = told(&run(&effect, &verification()).await);
        assert_eq!(outcome, expected, "{step:?} {failure:?}");
    }
    assert!(sink.received().is_empty());
}

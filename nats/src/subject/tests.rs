//! Subjects as they are written, and read back.

use proptest::prelude::*;

use super::*;

fn word() -> impl Strategy<Value = String> {
    "[a-z0-9-]{1,64}"
}

fn id() -> impl Strategy<Value = AggregateId> {
    "[A-Za-z0-9_=-]{1,128}".prop_map(|text| text.parse().unwrap())
}

fn timer() -> impl Strategy<Value = String> {
    prop_oneof![word(), (word(), id()).prop_map(|(name, part)| format!("{name}={part}"))]
}

fn subject() -> impl Strategy<Value = Subject> {
    prop_oneof![
        (word(), id()).prop_map(|(aggregate, id)| Subject::Event { aggregate, id }),
        (word(), id(), word()).prop_map(|(aggregate, id, name)| Subject::Command {
            aggregate,
            id,
            name
        }),
        (word(), id(), word()).prop_map(|(aggregate, id, name)| Subject::Enqueue {
            aggregate,
            id,
            name
        }),
        (word(), word()).prop_map(|(projection, name)| Subject::Query { projection, name }),
        (word(), word(), id()).prop_map(|(handler, aggregate, id)| Subject::DeadLetter {
            handler,
            aggregate,
            id
        }),
        word().prop_map(|handler| Subject::DeadLetterOwners { handler }),
        word().prop_map(|handler| Subject::HandlerReset { handler }),
        (word(), id(), timer()).prop_map(|(aggregate, id, name)| Subject::TimerSet {
            aggregate,
            id,
            name
        }),
        (word(), id(), timer()).prop_map(|(aggregate, id, name)| Subject::TimerDue {
            aggregate,
            id,
            name
        }),
    ]
}

/// Text that is nearly a subject finds more than text that is not.
fn nearly() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        Just("event".to_owned()),
        Just("command".to_owned()),
        Just("enqueue".to_owned()),
        Just("query".to_owned()),
        Just("dlq".to_owned()),
        Just("*".to_owned()),
        Just(">".to_owned()),
        Just(String::new()),
        word(),
        ".{0,130}",
    ];
    prop::collection::vec(token, 0..6).prop_map(|tokens| tokens.join("."))
}

proptest! {
    #[test]
    fn a_subject_is_read_back_as_it_was_written(subject in subject()) {
        prop_assert_eq!(Subject::parse(&subject.to_string()), Some(subject));
    }

    #[test]
    fn whatever_is_read_is_written_back_the_same(text in prop_oneof![nearly(), ".*"]) {
        if let Some(subject) = Subject::parse(&text) {
            prop_assert_eq!(subject.to_string(), text);
        }
    }

    #[test]
    fn nothing_with_a_wildcard_or_another_token_gets_in(
        subject in subject(),
        at in any::<prop::sample::Index>(),
        intruder in prop_oneof![Just("."), Just("*"), Just(">"), Just(" "), Just("\r\n"), Just("ä")],
    ) {
        let mut text = subject.to_string();
        // After the first token, so that the text stays a subject of ours but for the intruder.
        let first = text.find('.').unwrap();
        text.insert_str(first + 1 + at.index(text.len() - first), intruder);
        match Subject::parse(&text) {
            None => {}
            // A dot can make another valid subject out of one with fewer tokens.
            Some(other) => {
                prop_assert_eq!(intruder, ".");
                prop_assert_ne!(other, subject);
            }
        }
    }
}

#[test]
fn every_subject_lies_in_the_filter_of_its_stream() {
    let id: AggregateId = "a".parse().unwrap();
    let event = Subject::Event { aggregate: "person".to_owned(), id: id.clone() };
    assert_eq!(event.to_string(), Subject::event("person", &id));
    let (aggregate, name) = ("person".to_owned(), "tag".to_owned());
    let command = Subject::Command { aggregate, id: id.clone(), name };
    assert_eq!(command.to_string(), Subject::command("person", &id, "tag"));
    assert!(Subject::COMMANDS_FILLER.starts_with(Subject::COMMANDS.trim_end_matches('>')));
    assert_eq!(Subject::parse(Subject::COMMANDS_FILLER), None);
    let prefix = Subject::EVENTS.trim_end_matches('>');
    assert!(event.to_string().starts_with(prefix));
    assert!(Subject::events_of("person").starts_with(prefix));
    let (aggregate, name) = ("person".to_owned(), "expire=a".to_owned());
    let due = Subject::TimerDue { aggregate, id, name }.to_string();
    assert!(due.starts_with(Subject::TIMERS_DUE.trim_end_matches('>')));
    assert!(due.starts_with(Subject::TIMERS.trim_end_matches('>')));
}

#[test]
fn an_answer_goes_to_an_inbox_and_nowhere_else() {
    for reply in ["_INBOX.client.x", "inbox.1"] {
        assert!(Subject::may_answer(reply), "{reply}");
    }
    for reply in ["", "event.person.a", "command.person.a.tag", "$KV.LEASES.x", "dlq.x"] {
        assert!(!Subject::may_answer(reply), "{reply}");
    }
}

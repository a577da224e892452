//! Commands refuse what they do not know.

use kit::{BadCommand, Command};

use crate::lamp::{Douse, LampCommand, Light};

#[test]
fn a_command_comes_back_from_its_body() {
    let command = LampCommand::from(Light { lumens: 800 });
    let again = LampCommand::read(command.name(), &command.body().unwrap());
    assert_eq!(again, Ok(command));
}

#[test]
fn an_empty_body_is_an_empty_object() {
    assert_eq!(LampCommand::read("douse", b""), Ok(Douse {}.into()));
    assert!(matches!(LampCommand::read("light", b""), Err(BadCommand::Body(_))));
}

#[test]
fn an_unknown_name_and_a_bad_body_are_told_apart() {
    assert_eq!(LampCommand::read("sell", b"{}"), Err(BadCommand::Unknown("sell".to_owned())));
    for body in
        ["[]", "{", r#"{"lumens":"many"}"#, r#"{"lumens":1,"colour":2}"#, r#"{"lumens":-1}"#]
    {
        let read = LampCommand::read("light", body.as_bytes());
        assert!(matches!(read, Err(BadCommand::Body(_))), "{body}");
    }
}

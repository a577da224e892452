//! A mail as its reader will see it, rendered from ids with what the log and the secret know.
//! Not here: sending it.

use chrono::SecondsFormat;
use domain::{
    design::Design,
    mail::Letter,
    person::{CONTACT_VERIFICATION, NameUse, Person, verification_code},
    values::EmailAddress,
};
use kit::{AggregateId, PartId, Secret};
use serde::Serialize;

/// A rendered mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rendered {
    /// Where it goes.
    pub to: String,
    /// What it is about.
    pub subject: String,
    /// What it says.
    pub body: String,
    /// The challenge that its code answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub challenge: Option<String>,
    /// The code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// Whose letter it is, as the log knows them.
#[derive(Debug, Clone, PartialEq)]
pub enum Reader {
    /// The person to one of whose contacts it goes.
    Person(Box<Person>),
    /// The request whose submitter gets it.
    Design(Box<Design>),
}

/// Renders `letter` to `reader`; `None` if there is no address any more.
#[must_use]
pub fn render(letter: &Letter, reader: &Reader, secret: &Secret) -> Option<Rendered> {
    match (letter, reader) {
        (Letter::VerifyContact { contact, challenge, expires_at, .. }, Reader::Person(person)) => {
            let code = verification_code(
                secret.digest(CONTACT_VERIFICATION, challenge.as_str().as_bytes()),
            );
            let until = expires_at.to_rfc3339_opts(SecondsFormat::Secs, true);
            let text = format!(
                "Your code is {code}. It works until {until}. If you did not ask for it, ignore it."
            );
            let challenge = Some(challenge.as_str().to_owned());
            let mail = to_person(person, contact, "Your code", &text)?;
            Some(Rendered { challenge, code: Some(code), ..mail })
        }
        (Letter::Welcome { contact, .. }, Reader::Person(person)) => {
            to_person(person, contact, "Welcome", "You are all set.")
        }
        (Letter::DesignCompleted { design: id }, Reader::Design(design)) => {
            Some(to_requester(design.email.as_ref()?, id, design))
        }
        (Letter::VerifyContact { .. } | Letter::Welcome { .. }, Reader::Design(_))
        | (Letter::DesignCompleted { .. }, Reader::Person(_)) => None,
    }
}

fn to_person(person: &Person, contact: &PartId, subject: &str, text: &str) -> Option<Rendered> {
    let to = person.contacts.all.get(contact)?.point.value().to_owned();
    let name = person.names.get(&NameUse::Official).map(ToString::to_string).unwrap_or_default();
    let (subject, body) = (subject.to_owned(), format!("Dear {name},\n\n{text}"));
    Some(Rendered { to, subject, body, challenge: None, code: None })
}

fn to_requester(email: &EmailAddress, id: &AggregateId, design: &Design) -> Rendered {
    let code = design.origin.as_ref().and_then(|origin| origin.design_code.as_ref());
    let what = code.map_or_else(|| "Your design".to_owned(), |code| format!("Your design {code}"));
    let body = format!("Hello,\n\n{what} is done. The number of your request is {id}.");
    let (to, subject) = (email.as_str().to_owned(), "Your design is done".to_owned());
    Rendered { to, subject, body, challenge: None, code: None }
}

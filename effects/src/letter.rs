//! A mail as its reader will see it, rendered from ids with what the log and the secret know.
//! Not here: sending it.

use chrono::SecondsFormat;
use domain::{
    mail::{Letter, Template},
    person::{CONTACT_VERIFICATION, NameUse, Person, verification_code},
};
use kit::Secret;
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

/// Renders `letter` to `person`; `None` if the contact is gone.
#[must_use]
pub fn render(letter: &Letter, person: &Person, secret: &Secret) -> Option<Rendered> {
    let to = person.contacts.all.get(&letter.contact)?.point.value().to_owned();
    let name = person.names.get(&NameUse::Official).map(ToString::to_string).unwrap_or_default();
    let challenge = letter.challenge.as_ref().map(|challenge| challenge.as_str().to_owned());
    let code = challenge.as_ref().map(|challenge| {
        verification_code(secret.digest(CONTACT_VERIFICATION, challenge.as_bytes()))
    });
    let (subject, text) = match letter.template {
        Template::Welcome => ("Welcome".to_owned(), "You are all set.".to_owned()),
        Template::VerifyContact => {
            let code = code.as_deref().unwrap_or_default();
            let until =
                letter.expires_at.map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true));
            let until = until.map(|time| format!(" until {time}")).unwrap_or_default();
            (
                "Your code".to_owned(),
                format!(
                    "Your code is {code}. It works{until}. If you did not ask for it, ignore it."
                ),
            )
        }
    };
    Some(Rendered { to, subject, body: format!("Dear {name},\n\n{text}"), challenge, code })
}

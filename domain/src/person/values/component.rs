//! Components: facts about a person that need no rules of their own, each with a typed form.
//! Not here: e-mail, telephone, skills, tags and preferences; they have commands of their own.

mod custom;
mod forms;
mod places;

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantNames};

pub use custom::CustomAttribute;
pub use forms::*;
pub use places::Country;

/// One component: its type and the form that goes with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, IntoStaticStr, VariantNames)]
#[serde(tag = "component_type", content = "data", rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Component {
    /// A postal address.
    Address(Address),
    /// Anything else, in plain strings.
    CustomAttribute(CustomAttribute),
    /// A group of customers.
    CustomerSegment(CustomerSegment),
    /// A school, course or degree.
    Education(Education),
    /// A job.
    Employment(Employment),
    /// A place where the person is.
    Location(Location),
    /// A handle in a messenger.
    MessagingApp(MessagingApp),
    /// A membership.
    ProfessionalAffiliation(ProfessionalAffiliation),
    /// Work that the person took part in.
    Project(Project),
    /// Another person and what they are to this one.
    Relationship(Relationship),
    /// A profile in a social network.
    SocialProfile(SocialProfile),
    /// A page of the person's own.
    Website(Website),
}

impl Component {
    /// The type on the wire.
    #[must_use]
    pub fn component_type(&self) -> &'static str {
        self.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Component, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn the_original_welcome_mail_note_is_a_custom_attribute() {
        let json = r#"{"component_type":"custom_attribute","data":{"template":"welcome_new_user","to":"John Doe","type":"welcome_email"}}"#;
        let component = read(json).unwrap();
        assert_eq!(component.component_type(), "custom_attribute");
        assert_eq!(serde_json::to_string(&component).unwrap(), json);
    }

    #[test]
    fn a_form_refuses_what_is_not_in_it() {
        for bad in [
            r#"{"component_type":"custom_attribute","data":{"to":"John"}}"#,
            r#"{"component_type":"custom_attribute","data":{"type":"x","n":1}}"#,
            r#"{"component_type":"website","data":{"url":"javascript:alert(1)"}}"#,
            r#"{"component_type":"website","data":{"url":"https:// x"}}"#,
            r#"{"component_type":"website","data":{"url":"https://example.org","x":1}}"#,
            r#"{"component_type":"address","data":{"locality":"Bern","country":"Switzerland"}}"#,
            r#"{"component_type":"email_address","data":{"value":"ada@example.org"}}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}

//! The forms of components that have fields of their own.
//! Not here: the one that takes any field.

use chrono::NaiveDate;
use kit::AggregateId;
use serde::{Deserialize, Serialize};

use crate::person::{Country, Label, Text, WebAddress};

macro_rules! form {
    ($(#[$doc:meta])* $Name:ident {
        $($(#[$must_doc:meta])* $must:ident: $Must:ty,)*
        $(; $($(#[$may_doc:meta])* $may:ident: $May:ty,)*)?
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $Name {
            $($(#[$must_doc])* pub $must: $Must,)*
            $($($(#[$may_doc])*
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub $may: Option<$May>,)*)?
        }
    };
}

form! {
    /// A postal address.
    Address {
        /// Town or village.
        locality: Label,
        /// Two letters, ISO 3166-1.
        country: Country,
        ;
        /// Street, number, and what else stands above the town.
        street: Label,
        /// State, canton or province.
        region: Label,
        /// Postal code.
        postal_code: Text<20>,
    }
}

form! {
    /// A group of customers.
    CustomerSegment {
        /// Its name.
        segment: Label,
        ;
        /// Since when.
        since: NaiveDate,
    }
}

form! {
    /// A school, course or degree.
    Education {
        /// Where.
        institution: Label,
        ;
        /// What it led to.
        degree: Label,
        /// The subject.
        field: Label,
        /// First day.
        start: NaiveDate,
        /// Last day.
        end: NaiveDate,
    }
}

form! {
    /// A job. What changes about it is a new form of it: leave and notice have no rules here.
    Employment {
        /// With whom.
        organisation: Label,
        ;
        /// As what.
        role: Label,
        /// First day.
        start: NaiveDate,
        /// Last day.
        end: NaiveDate,
    }
}

form! {
    /// A place where the person is.
    Location {
        /// The place in words.
        place: Label,
        ;
        /// Since when.
        since: NaiveDate,
    }
}

form! {
    /// A handle in a messenger.
    MessagingApp {
        /// The messenger.
        service: Label,
        /// The person's name there.
        handle: Label,
    }
}

form! {
    /// A membership.
    ProfessionalAffiliation {
        /// In what.
        organisation: Label,
        ;
        /// As what.
        role: Label,
        /// First day.
        start: NaiveDate,
        /// Last day.
        end: NaiveDate,
    }
}

form! {
    /// Work that the person took part in.
    Project {
        /// What it is called.
        name: Label,
        ;
        /// The person's part in it.
        role: Label,
        /// Where to read about it.
        url: WebAddress,
        /// First day.
        start: NaiveDate,
        /// Last day.
        end: NaiveDate,
    }
}

form! {
    /// Another person and what they are to this one.
    Relationship {
        /// What they are, such as `sister`.
        kind: Label,
        /// The other person's id.
        person: AggregateId,
    }
}

form! {
    /// A profile in a social network.
    SocialProfile {
        /// The network.
        platform: Label,
        /// The person's name there.
        handle: Label,
        ;
        /// Where it is.
        url: WebAddress,
    }
}

form! {
    /// A page of the person's own.
    Website {
        /// Where it is.
        url: WebAddress,
        ;
        /// What to call it.
        label: Label,
    }
}

//! Shapes on the wire: bodies of commands, data of events, and strings of a certain form.
//! Not here: names and versions; the macros of the kit take them.

/// The bodies of commands. Unknown fields are refused: a caller who misspells one must hear of it.
macro_rules! bodies {
    ($($(#[$doc:meta])* $Name:ident {
        $($(#[$field_doc:meta])* $field:ident: $Type:ty),* $(,)?
    })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $Name {
            $($(#[$field_doc])* pub $field: $Type,)*
        }
    )*};
}

/// The data of events. Unknown fields are passed over: newer code may have written them.
macro_rules! payloads {
    ($($(#[$doc:meta])* $Name:ident {
        $($(#[$field_doc:meta])* $field:ident: $Type:ty),* $(,)?
    })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, ::serde::Serialize, ::serde::Deserialize)]
        pub struct $Name {
            $($(#[$field_doc])* pub $field: $Type,)*
        }
    )*};
}

/// Strings that have one form or are refused.
macro_rules! shaped {
    ($(#[$doc:meta])* $Name:ident, $shape:expr, $message:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $Name(String);

        impl TryFrom<String> for $Name {
            type Error = Invalid;
            fn try_from(text: String) -> Result<Self, Invalid> {
                let shape: fn(&str) -> bool = $shape;
                if shape(&text) { Ok(Self(text)) } else { Err(Invalid($message.to_owned())) }
            }
        }

        impl From<$Name> for String {
            fn from(value: $Name) -> Self {
                value.0
            }
        }
    };
}

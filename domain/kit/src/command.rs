//! Commands: a name in the imperative and a body whose unknown fields are refused.
//! Not here: headers, deadlines, or how a command arrives.

use std::fmt::Debug;

use crate::CommandInfo;

/// Why a request is not a command of the aggregate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCommand {
    /// No command has that name.
    #[error("unknown command {0:?}")]
    Unknown(String),
    /// The body is not the command's: not JSON, a field too many or too few, or a wrong type.
    #[error("{0}")]
    Body(String),
}

/// The commands of one aggregate: an enum that [`commands!`](crate::commands) writes.
pub trait Command: Clone + PartialEq + Debug + Send + Sync + Sized + 'static {
    /// Every command name in kebab case.
    const NAMES: &'static [&'static str];

    /// Reads the body of the command `name`.
    ///
    /// # Errors
    /// [`BadCommand`], by what is wrong with it.
    fn read(name: &str, body: &[u8]) -> Result<Self, BadCommand>;

    /// What each command takes, with the first of `examples` that is one.
    #[must_use]
    fn catalogue(examples: &[Self]) -> Vec<CommandInfo>;

    /// Which of [`Self::NAMES`] this is.
    fn name(&self) -> &'static str;

    /// The body as JSON.
    ///
    /// # Errors
    /// If a value has no JSON form.
    fn body(&self) -> serde_json::Result<Vec<u8>>;
}

/// Declares the commands of an aggregate: the wire name and the struct that is its body.
/// Each struct carries `#[serde(deny_unknown_fields)]`; an empty body reads as `{}`.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use kit::Command;
///
/// #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
/// #[serde(deny_unknown_fields)]
/// pub struct LightLamp { pub lumens: u32 }
///
/// kit::commands! {
///     /// What may be asked of a lamp.
///     pub enum LampCommand { "light-lamp" => LightLamp }
/// }
/// assert!(LampCommand::read("light-lamp", br#"{"lumens":800}"#).is_ok());
/// assert!(LampCommand::read("light-lamp", br#"{"lumens":800,"colour":1}"#).is_err());
/// assert_eq!(LampCommand::catalogue(&[])[0].fields[0].name, "lumens");
/// ```
#[macro_export]
macro_rules! commands {
    ($(#[$doc:meta])* $visibility:vis enum $Commands:ident { $($name:literal => $Body:ident),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        $visibility enum $Commands {
            $(#[doc = concat!("`", $name, "`")] $Body($Body),)*
        }

        $(impl From<$Body> for $Commands {
            fn from(body: $Body) -> Self { Self::$Body(body) }
        })*

        impl $crate::Command for $Commands {
            const NAMES: &'static [&'static str] = &[$($name),*];

            fn read(name: &str, body: &[u8]) -> Result<Self, $crate::BadCommand> {
                let body = if body.is_empty() { b"{}".as_slice() } else { body };
                let bad = |error: $crate::json::BadJson| $crate::BadCommand::Body(error.to_string());
                match name {
                    $($name => $crate::json::read(body).map(Self::$Body).map_err(bad),)*
                    _ => Err($crate::BadCommand::Unknown(name.to_owned())),
                }
            }

            fn catalogue(examples: &[Self]) -> Vec<$crate::CommandInfo> {
                let example = |name: &str| {
                    let body = examples.iter().find(|each| each.name() == name)?.body().ok()?;
                    $crate::serde_json::from_slice(&body).ok()
                };
                vec![$($crate::CommandInfo::of::<$Body>($name, example($name)),)*]
            }

            fn name(&self) -> &'static str {
                match self { $(Self::$Body(_) => $name,)* }
            }

            fn body(&self) -> $crate::serde_json::Result<Vec<u8>> {
                match self { $(Self::$Body(body) => $crate::serde_json::to_vec(body),)* }
            }
        }
    };
}

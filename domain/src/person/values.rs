//! Values that cannot be wrong once they exist: each is checked where it is read.
//! Events hold them too, so a rule in here is part of the wire: it may be loosened, never tightened.
//! Not here: rules that need the rest of the person.

mod component;
mod contact;
mod name;
mod preferences;
mod skill;
mod word;

pub use component::*;
pub use contact::*;
pub use name::*;
pub use preferences::*;
pub use skill::*;
pub use word::*;

pub use crate::values::{EmailAddress, Invalid, Label, PhoneNumber, Reason, Text, WebAddress};

//! Values that cannot be wrong once they exist: each is checked where it is read.
//! Events hold them too, so a rule in here is part of the wire: it may be loosened, never tightened.
//! Not here: rules that need the rest of the person.

mod address;
mod component;
mod contact;
mod name;
mod preferences;
mod skill;
mod text;

pub use address::*;
pub use component::*;
pub use contact::*;
pub use name::*;
pub use preferences::*;
pub use skill::*;
pub use text::*;

//! Values that more than one context writes: short texts, addresses, JSON that is kept as it came.
//!
//! Events hold them, so a rule in here is part of the wire: it may be loosened, never tightened.
//! Not here: what only one context means something by.

mod address;
mod given;
mod text;
mod web;

pub use address::*;
pub use given::*;
pub use text::*;
pub use web::*;

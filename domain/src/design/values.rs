//! What a design request is told, and by whom.
//! Not here: what follows from it.

mod answer;
mod provenance;
mod status;

pub use answer::*;
pub use provenance::*;
pub use status::*;

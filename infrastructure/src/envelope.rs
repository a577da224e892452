//! One commit as bytes: a JSON array of CloudEvents 1.0, one element per event.
//! Not here: payload shapes and their versions; the events read and write those themselves.

mod decode;
mod encode;

pub use decode::{Corrupt, Data, Element, decode};
pub use encode::{Draft, EncodeError, Encoder, Mark, NewEvent, encode, encode_drafts};

//! One commit as bytes: a JSON array of CloudEvents 1.0, one element per event.
//! Not here: payload shapes and their versions; the events read and write those themselves.

mod attributes;
mod decode;
mod encode;
pub(crate) mod fault;

pub use decode::{Corrupt, CorruptCommit, Data, Element, decode, decode_commit};
pub use encode::{Draft, EncodeError, Encoder, Mark, NewEvent, encode, encode_drafts};

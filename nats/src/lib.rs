//! What the server sees: subjects, streams, buckets, headers and limits, each spelled only here.
//! Not here: awaiting, retrying, or what a message means.

pub mod api;
pub mod buckets;
mod delivered;
pub mod headers;
pub mod limits;
pub mod micro;
pub mod names;
pub mod server;
pub mod streams;
mod subject;

pub use delivered::Delivered;
pub use subject::Subject;

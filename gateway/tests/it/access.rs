//! Who is let in, over a real port.

mod general;
mod house;
mod issuer;
mod keys;
mod limits;
mod logs;
mod own;
mod tokens;
mod web;

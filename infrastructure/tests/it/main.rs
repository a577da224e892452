//! What the rooms of this crate promise, tested through their public words.

#[cfg(test)]
mod envelope;
#[cfg(test)]
mod processor;
#[cfg(test)]
mod settle;
#[cfg(test)]
mod timers;

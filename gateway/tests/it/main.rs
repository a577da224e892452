//! What the gateway promises, over a real port and on a real nats-server.

#[cfg(test)]
mod access;
#[cfg(test)]
mod aggregates;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod crowds;
#[cfg(test)]
mod edge;
#[cfg(test)]
mod events;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod health;
#[cfg(test)]
mod kit;
#[cfg(test)]
mod queries;

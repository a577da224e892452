//! What the gateway promises, over a real port and on a real nats-server.

#[cfg(test)]
mod edge;
#[cfg(test)]
mod health;
#[cfg(test)]
mod kit;

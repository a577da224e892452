//! What one gateway takes on at most, and for how long it waits for a client.

use std::time::Duration;

/// The bounds of a gateway.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at a time. Whoever comes beyond them gets the place of one that is idle, and is told
    /// `busy` if none is.
    pub connections: usize,
    /// Connections at a time that wait for room, or are told that there is none, beside those that have
    /// some. Beyond them nobody is accepted: they wait with the system.
    pub turned_away: usize,
    /// How long whoever comes may wait for the place of one that was asked to leave.
    pub room_timeout: Duration,
    /// Requests at work at a time, probes of health and open streams not counted. Routes that are open to
    /// everybody have as many places of their own, so that a webhook is not kept out by callers.
    pub requests: usize,
    /// Streams of events, and exports of histories, at a time.
    pub streams: usize,
    /// Those of one caller at a time, where access control tells callers apart.
    pub streams_each: usize,
    /// Histories that are read for a state or a page at a time: each costs a loop over all of it.
    pub histories: usize,
    /// How long a client may take for the head of a request, and may leave a connection idle.
    pub head_timeout: Duration,
    /// How long a client may take for the whole body of a request.
    pub body_timeout: Duration,
    /// Largest body of a request in bytes.
    pub body_bytes: usize,
    /// How long a request may be at work. Longer than a query may wait for its projection.
    pub request_timeout: Duration,
    /// In this time a client must read a fair part of what waits for it, or it is cut off.
    pub write_timeout: Duration,
    /// How long a stream of events is silent before it says that it is alive.
    pub heartbeat: Duration,
    /// How long a stream of events lasts; the client then comes back, and access is checked anew. An
    /// export that takes longer is cut off.
    pub stream_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            turned_away: 64,
            room_timeout: Duration::from_secs(2),
            requests: 512,
            streams: 128,
            streams_each: 16,
            histories: 16,
            head_timeout: Duration::from_secs(15),
            body_timeout: Duration::from_secs(15),
            body_bytes: nats::limits::COMMAND_BYTES_MAX,
            request_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(30),
            heartbeat: Duration::from_secs(15),
            stream_time: Duration::from_secs(15 * 60),
        }
    }
}

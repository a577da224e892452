//! A mail server that keeps what it is given, and fails as it is told to: real TCP, RFC 5321, with
//! TLS and logins where they are wanted.

mod conversation;
mod gate;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    net::TcpListener,
    task::{JoinHandle, JoinSet},
};

use conversation::Conversation;
use gate::Line;
pub use gate::{MailGate, MailLogin};

/// A step of the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailStep {
    /// The connection is there.
    Connect,
    /// EHLO came.
    Hello,
    /// STARTTLS came.
    StartTls,
    /// The right user and password came.
    Login,
    /// MAIL came.
    Mail,
    /// RCPT came.
    Recipient,
    /// DATA came.
    Data,
    /// The whole message came. Unless it is answered with an error, it is kept before anything else
    /// happens.
    Message,
}

/// What happens at a step instead of what the sender hopes for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailFailure {
    /// This answer.
    Answer(&'static str),
    /// No answer, and the connection stays.
    Hang,
    /// The connection ends.
    Cut,
}

/// One mail as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The sender of the envelope.
    pub from: String,
    /// The recipients of the envelope.
    pub to: Vec<String>,
    /// Header and body.
    pub text: String,
}

impl Received {
    /// The value of the header `name`.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let head = self.text.split_once("\r\n\r\n").map_or(&*self.text, |(head, _)| head);
        let mut lines = head.split("\r\n").filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The word that follows `words` in the body.
    #[must_use]
    pub fn after(&self, words: &str) -> Option<&str> {
        let (_, rest) = self.text.split_once(words)?;
        let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric());
        Some(&rest[..end.unwrap_or(rest.len())])
    }
}

#[derive(Debug, Default)]
struct Shared {
    failure: Mutex<Option<(MailStep, MailFailure)>>,
    received: Mutex<Vec<Received>>,
    connections: Mutex<usize>,
    logins: Mutex<usize>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running mail server; it ends with this value.
#[derive(Debug)]
pub struct MailSink {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl MailSink {
    /// Starts one that takes every mail.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn start() -> Self {
        Self::start_behind(MailGate::default()).await
    }

    /// Starts one that takes every mail that comes through `gate`.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn start_behind(gate: MailGate) -> Self {
        let gate = Arc::new(gate);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("the port is known");
        let shared = Arc::new(Shared::default());
        let of = Arc::clone(&shared);
        let accepting = tokio::spawn(async move {
            // Dropping the set ends the conversations.
            let mut conversations = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                *lock(&of.connections) += 1;
                let (of, gate) = (Arc::clone(&of), Arc::clone(&gate));
                conversations.spawn(async move {
                    let stream: Box<dyn Line> = match gate.is_wrapped() {
                        true => gate.protect(Box::new(stream)).await?,
                        false => Box::new(stream),
                    };
                    Conversation::new(stream, of, gate).lead().await
                });
            }
        });
        Self { address, shared, accepting }
    }

    /// Its port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.address.port()
    }

    /// From now on it fails at `step`.
    pub fn fail(&self, step: MailStep, failure: MailFailure) {
        *lock(&self.shared.failure) = Some((step, failure));
    }

    /// From now on it takes every mail again.
    pub fn recover(&self) {
        *lock(&self.shared.failure) = None;
    }

    /// Every mail so far, in the order in which they came.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        lock(&self.shared.received).clone()
    }

    /// Forgets the mails so far.
    pub fn forget(&self) {
        lock(&self.shared.received).clear();
    }

    /// How often somebody tried to log in.
    #[must_use]
    pub fn logins(&self) -> usize {
        *lock(&self.shared.logins)
    }

    /// How often somebody connected.
    #[must_use]
    pub fn connections(&self) -> usize {
        *lock(&self.shared.connections)
    }
}

impl Drop for MailSink {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

//! A mail server that keeps what it is given, and fails as it is told to: real TCP, RFC 5321.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

/// A step of the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailStep {
    /// The connection is there.
    Connect,
    /// EHLO came.
    Hello,
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
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("the port is known");
        let shared = Arc::new(Shared::default());
        let of = Arc::clone(&shared);
        let accepting = tokio::spawn(async move {
            // Dropping the set ends the conversations.
            let mut conversations = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                *lock(&of.connections) += 1;
                let of = Arc::clone(&of);
                conversations.spawn(async move {
                    let _ = Conversation::new(stream, of).lead().await;
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

/// The other side has gone, or is to think so.
struct Over;

impl From<std::io::Error> for Over {
    fn from(_: std::io::Error) -> Self {
        Self
    }
}

struct Conversation {
    stream: BufReader<TcpStream>,
    shared: Arc<Shared>,
    from: String,
    to: Vec<String>,
}

impl Conversation {
    fn new(stream: TcpStream, shared: Arc<Shared>) -> Self {
        Self { stream: BufReader::new(stream), shared, from: String::new(), to: Vec::new() }
    }

    async fn lead(mut self) -> Result<(), Over> {
        self.answer(MailStep::Connect, "220 sink.test ESMTP").await?;
        loop {
            let line = self.line().await?;
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            let path = || rest.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
            match verb.to_ascii_uppercase().as_str() {
                "EHLO" | "HELO" => {
                    self.answer(MailStep::Hello, "250-sink.test\r\n250 8BITMIME").await?;
                }
                "MAIL" => {
                    if self.answer(MailStep::Mail, "250 ok").await? {
                        (self.from, self.to) = (path(), Vec::new());
                    }
                }
                "RCPT" => {
                    if self.answer(MailStep::Recipient, "250 ok").await? {
                        self.to.push(path());
                    }
                }
                "DATA" => {
                    if self.answer(MailStep::Data, "354 go on").await? {
                        self.take().await?;
                    }
                }
                "RSET" | "NOOP" => self.say("250 ok").await?,
                "QUIT" => return self.say("221 bye").await,
                _ => self.say("500 what?").await?,
            }
        }
    }

    async fn take(&mut self) -> Result<(), Over> {
        let mut text = String::new();
        loop {
            let line = self.line().await?;
            if line == "." {
                break;
            }
            text.push_str(line.strip_prefix('.').unwrap_or(&line));
            text.push_str("\r\n");
        }
        let failure = *lock(&self.shared.failure);
        if !matches!(failure, Some((MailStep::Message, MailFailure::Answer(_)))) {
            let (from, to) = (self.from.clone(), self.to.clone());
            lock(&self.shared.received).push(Received { from, to, text });
        }
        self.answer(MailStep::Message, "250 kept").await?;
        Ok(())
    }

    /// Answers at `step`; whether as the sender hopes.
    async fn answer(&mut self, step: MailStep, usual: &str) -> Result<bool, Over> {
        let failure = lock(&self.shared.failure).filter(|(at, _)| *at == step);
        match failure.map(|(_, failure)| failure) {
            None => self.say(usual).await.map(|()| true),
            Some(MailFailure::Answer(answer)) => self.say(answer).await.map(|()| false),
            Some(MailFailure::Cut) => Err(Over),
            Some(MailFailure::Hang) => loop {
                self.line().await?;
            },
        }
    }

    async fn say(&mut self, line: &str) -> Result<(), Over> {
        Ok(self.stream.write_all(format!("{line}\r\n").as_bytes()).await?)
    }

    async fn line(&mut self) -> Result<String, Over> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).await? == 0 {
            return Err(Over);
        }
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }
}

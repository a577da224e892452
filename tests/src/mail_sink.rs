//! A mail server that keeps what it is given, and fails as it is told to: real TCP, RFC 5321, with
//! TLS and logins where they are wanted.

mod gate;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
    task::{JoinHandle, JoinSet},
};

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

/// The other side has gone, or is to think so.
#[derive(Debug)]
struct Over;

impl From<std::io::Error> for Over {
    fn from(_: std::io::Error) -> Self {
        Self
    }
}

struct Conversation {
    stream: Option<BufReader<Box<dyn Line>>>,
    shared: Arc<Shared>,
    gate: Arc<MailGate>,
    is_known: bool,
    from: String,
    to: Vec<String>,
}

impl Conversation {
    fn new(stream: Box<dyn Line>, shared: Arc<Shared>, gate: Arc<MailGate>) -> Self {
        let (stream, is_known) = (Some(BufReader::new(stream)), gate.login.is_none());
        Self { stream, shared, gate, is_known, from: String::new(), to: Vec::new() }
    }

    async fn lead(mut self) -> Result<(), Over> {
        let mut is_protected = self.gate.is_wrapped();
        self.answer(MailStep::Connect, "220 sink.test ESMTP").await?;
        loop {
            let line = self.line().await?;
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            let path = || rest.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
            match verb.to_ascii_uppercase().as_str() {
                "EHLO" | "HELO" => {
                    let hello = self.gate.hello(is_protected);
                    self.answer(MailStep::Hello, &hello).await?;
                }
                "STARTTLS" if !is_protected && self.gate.upgrades() => {
                    if self.answer(MailStep::StartTls, "220 go on").await? {
                        let stream = self.stream.take().ok_or(Over)?.into_inner();
                        self.stream = Some(BufReader::new(self.gate.protect(stream).await?));
                        is_protected = true;
                    }
                }
                "AUTH" if is_protected || !self.gate.upgrades() => self.log_in(rest).await?,
                "MAIL" if !self.is_known => self.say("530 5.7.0 Authentication required").await?,
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

    async fn log_in(&mut self, how: &str) -> Result<(), Over> {
        *lock(&self.shared.logins) += 1;
        let Some(login) = self.gate.login.clone() else { return self.say("503 what for?").await };
        let given = match how.split_once(' ') {
            Some(("PLAIN", given)) if login.mechanism == "PLAIN" => gate::plain(given),
            None if how == "LOGIN" && login.mechanism == "LOGIN" => {
                self.say(&format!("334 {}", gate::encoded("Username:"))).await?;
                let user = self.line().await?;
                self.say(&format!("334 {}", gate::encoded("Password:"))).await?;
                gate::decoded(&user).zip(gate::decoded(&self.line().await?))
            }
            _ => return self.say("504 5.5.4 not in this way").await,
        };
        if given != Some((login.user, login.password)) {
            return self.say("535 5.7.8 Authentication credentials invalid").await;
        }
        self.is_known = self.answer(MailStep::Login, "235 2.7.0 welcome").await?;
        Ok(())
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
        let stream = self.stream.as_mut().ok_or(Over)?;
        stream.write_all(format!("{line}\r\n").as_bytes()).await?;
        Ok(stream.flush().await?)
    }

    async fn line(&mut self) -> Result<String, Over> {
        let mut line = String::new();
        if self.stream.as_mut().ok_or(Over)?.read_line(&mut line).await? == 0 {
            return Err(Over);
        }
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }
}

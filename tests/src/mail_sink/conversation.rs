//! One connection: what the sender says, and what it is answered.

use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use super::{
    MailFailure, MailGate, MailStep, Received, Shared,
    gate::{self, Line},
    lock,
};

/// The other side has gone, or is to think so.
#[derive(Debug)]
pub(super) struct Over;

impl From<std::io::Error> for Over {
    fn from(_: std::io::Error) -> Self {
        Self
    }
}

pub(super) struct Conversation {
    stream: Option<BufReader<Box<dyn Line>>>,
    shared: Arc<Shared>,
    gate: Arc<MailGate>,
    is_known: bool,
    from: String,
    to: Vec<String>,
}

impl Conversation {
    pub(super) fn new(stream: Box<dyn Line>, shared: Arc<Shared>, gate: Arc<MailGate>) -> Self {
        let (stream, is_known) = (Some(BufReader::new(stream)), gate.login.is_none());
        Self { stream, shared, gate, is_known, from: String::new(), to: Vec::new() }
    }

    pub(super) async fn lead(mut self) -> Result<(), Over> {
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

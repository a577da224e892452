//! A lean closed loop of HTTP requests: as many connections as requests are in flight, each with one on
//! its way, written and read without a client library, whose own cost would be measured, too.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use bytes::{Bytes, BytesMut};
use futures::future::try_join_all;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::super::{
    load::{Measured, SILENCE_MAX, summary},
    work::SPREAD,
};

/// What is asked, over and over.
pub(super) struct Ask {
    /// Where.
    address: String,
    /// Before the number of the aggregate, if it is spread over aggregates, and behind it.
    head: (String, Option<String>),
    body: Bytes,
    /// What the status line begins with.
    expected: &'static [&'static [u8]],
    turn: usize,
}

impl Ask {
    /// The body is to come back.
    pub(super) fn echo(address: &str, body: &Bytes) -> Self {
        let head = format!("POST /echo HTTP/1.1\r\n{}", rest(address, body));
        let expected: &[&[u8]] = &[b"HTTP/1.1 200"];
        Self {
            address: address.to_owned(),
            head: (head, None),
            body: body.clone(),
            expected,
            turn: 0,
        }
    }

    /// Commands to many notebooks in turn, each with an id of its own.
    pub(super) fn commands(address: &str, key: &str, body: &Bytes) -> Self {
        let behind = format!(
            "/take-note HTTP/1.1\r\nAuthorization: Bearer {key}\r\n{}",
            rest(address, body)
        );
        let head = ("POST /v1/commands/notebook/http-".to_owned(), Some(behind));
        let expected: &[&[u8]] = &[b"HTTP/1.1 200", b"HTTP/1.1 201"];
        Self { address: address.to_owned(), head, body: body.clone(), expected, turn: 0 }
    }

    fn next(&mut self, request: &mut Vec<u8>) {
        request.clear();
        let (before, behind) = &self.head;
        request.extend_from_slice(before.as_bytes());
        if let Some(behind) = behind {
            self.turn = (self.turn + 1) % SPREAD;
            request.extend_from_slice(self.turn.to_string().as_bytes());
            request.extend_from_slice(behind.as_bytes());
        }
        request.extend_from_slice(&self.body);
    }
}

fn rest(address: &str, body: &Bytes) -> String {
    let length = body.len();
    format!("Host: {address}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n")
}

/// Keeps `in_flight` requests on their way for `time`, then waits for the last answers.
pub(super) async fn run(ask: &mut Ask, in_flight: usize, time: Duration) -> Result<Measured> {
    let connect = async || {
        let stream = TcpStream::connect(&ask.address).await?;
        stream.set_nodelay(true)?;
        anyhow::Ok(stream)
    };
    let streams = try_join_all((0..in_flight).map(|_| connect())).await?;
    // One thread: nothing is borrowed while something else runs.
    let ask = std::cell::RefCell::new(ask);
    let begun = Instant::now();
    let loops = streams.into_iter().map(async |mut stream| {
        let (mut nanos, mut request, mut answer) = (Vec::new(), Vec::new(), BytesMut::new());
        while begun.elapsed() < time {
            ask.borrow_mut().next(&mut request);
            let sent = Instant::now();
            stream.write_all(&request).await?;
            let expected = ask.borrow().expected;
            timeout(SILENCE_MAX, read(&mut stream, &mut answer, expected)).await??;
            nanos.push(u32::try_from(sent.elapsed().as_nanos()).unwrap_or(u32::MAX));
        }
        anyhow::Ok(nanos)
    });
    let nanos = try_join_all(loops).await?.concat();
    Ok(summary(nanos, begun.elapsed()))
}

/// Reads one answer to its end. Nothing may come behind it.
async fn read(stream: &mut TcpStream, answer: &mut BytesMut, expected: &[&[u8]]) -> Result<()> {
    answer.clear();
    loop {
        if stream.read_buf(answer).await? == 0 {
            bail!("the connection was closed");
        }
        let Some(head) = answer.windows(4).position(|end| end == b"\r\n\r\n") else { continue };
        if !expected.iter().any(|status| answer.starts_with(status)) {
            bail!("an answer that was not expected: {}", String::from_utf8_lossy(answer));
        }
        if answer.len() >= head + 4 + length(&answer[..head])? {
            return Ok(());
        }
    }
}

fn length(head: &[u8]) -> Result<usize> {
    const NAME: &[u8] = b"\ncontent-length: ";
    let at = head.windows(NAME.len()).position(|line| line.eq_ignore_ascii_case(NAME));
    let value = &head[at.context("an answer without its length")? + NAME.len()..];
    let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
    Ok(std::str::from_utf8(&value[..digits])?.parse()?)
}

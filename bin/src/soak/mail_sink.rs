//! A mail server that keeps what it is given, and behaves as it is told to: RFC 5321, as far as the
//! service speaks it. Not here: what a mail means.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
    time::sleep,
};

/// The longest line that is read.
const LINE_MAX: u64 = 64 * 1024;

/// How it behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Mood {
    /// It takes every mail.
    #[default]
    Takes,
    /// It takes a mail, and answers so much later.
    Late(Duration),
    /// It takes a mail and never says so.
    Hangs,
    /// It takes a mail and ends the connection instead of saying so.
    Cuts,
    /// It ends every connection at once.
    Away,
}

#[derive(Debug, Default)]
struct Shared {
    mood: Mutex<Mood>,
    received: Mutex<Vec<String>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change under the lock is total, so poison says nothing about what it holds.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running mail server; it ends with this value.
#[derive(Debug)]
pub(super) struct MailSink {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl MailSink {
    pub(super) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let of = Arc::clone(&shared);
        let accepting = tokio::spawn(async move {
            // Dropping the set ends the conversations.
            let mut conversations = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let of = Arc::clone(&of);
                conversations.spawn(async move {
                    // The other side may go at any time.
                    let _ = lead(BufReader::new(stream), &of).await;
                });
                while conversations.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, shared, accepting })
    }

    pub(super) const fn port(&self) -> u16 {
        self.address.port()
    }

    /// How it behaves from now on.
    pub(super) fn set(&self, mood: Mood) {
        *lock(&self.shared.mood) = mood;
    }

    /// Every mail so far, header and body, in the order in which they came.
    pub(super) fn received(&self) -> Vec<String> {
        lock(&self.shared.received).clone()
    }
}

impl Drop for MailSink {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn lead(mut stream: BufReader<TcpStream>, shared: &Shared) -> io::Result<()> {
    if *lock(&shared.mood) == Mood::Away {
        return Ok(());
    }
    say(&mut stream, "220 soak ESMTP").await?;
    while let Some(line) = hear(&mut stream).await? {
        let verb = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
        match &*verb {
            "EHLO" | "HELO" => say(&mut stream, "250-soak\r\n250 8BITMIME").await?,
            "MAIL" | "RCPT" | "RSET" | "NOOP" => say(&mut stream, "250 ok").await?,
            "QUIT" => return say(&mut stream, "221 bye").await,
            "DATA" => {
                say(&mut stream, "354 go on").await?;
                let Some(mail) = take(&mut stream).await? else { return Ok(()) };
                lock(&shared.received).push(mail);
                let mood = *lock(&shared.mood);
                match mood {
                    Mood::Takes => {}
                    Mood::Late(delay) => sleep(delay).await,
                    Mood::Cuts | Mood::Away => return Ok(()),
                    Mood::Hangs => {
                        while hear(&mut stream).await?.is_some() {}
                        return Ok(());
                    }
                }
                say(&mut stream, "250 kept").await?;
            }
            _ => say(&mut stream, "500 what?").await?,
        }
    }
    Ok(())
}

/// One mail; none if the sender goes before its end.
async fn take(stream: &mut BufReader<TcpStream>) -> io::Result<Option<String>> {
    let mut text = String::new();
    while let Some(line) = hear(stream).await? {
        if line == "." {
            return Ok(Some(text));
        }
        text.push_str(line.strip_prefix('.').unwrap_or(&line));
        text.push('\n');
    }
    Ok(None)
}

async fn say(stream: &mut BufReader<TcpStream>, line: &str) -> io::Result<()> {
    stream.write_all(format!("{line}\r\n").as_bytes()).await
}

async fn hear(stream: &mut BufReader<TcpStream>) -> io::Result<Option<String>> {
    let mut line = String::new();
    if stream.take(LINE_MAX).read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
}

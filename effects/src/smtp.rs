//! Sending one mail by SMTP, step by step: what a failure means depends on where it happened.
//! `lettre` speaks the protocol and writes the message; its own transport does not say how far it
//! had come. Not here: when to try again.

mod stumble;

use std::{
    fmt,
    future::Future,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use chrono::{DateTime, Utc};
use lettre::{
    Address, Message,
    message::Mailbox,
    transport::smtp::{
        self,
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, Certificate, TlsParameters},
        commands::{Data, Mail, Rcpt},
        extension::{ClientId, Extension, MailParameter},
    },
};
use tokio::time::timeout;

use crate::letter::Rendered;
use stumble::{Step, Stumble};

/// Connections kept for the next mail.
const IDLE_MAX: usize = 4;
/// How long a connection is kept: servers end those that say nothing, most after minutes.
const IDLE_FOR: Duration = Duration::from_secs(20);

/// How the way to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Not at all.
    None,
    /// TLS is asked for on an open connection, and required.
    StartTls,
    /// TLS from the first byte on.
    Tls,
}

/// Which mail server, and as whom.
#[derive(Clone)]
pub struct SmtpOptions {
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// User and password, if it wants them.
    pub user: Option<(String, String)>,
    /// How the way there is protected.
    pub security: Security,
    /// Certificates to trust beside the system's, as PEM.
    pub roots: Option<Vec<u8>>,
    /// Who sends: an address, with or without a name.
    pub from: String,
    /// The longest wait for each of its answers.
    pub timeout: Duration,
}

impl fmt::Debug for SmtpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither user nor password nor an address.
        let Self { host, port, security, .. } = self;
        write!(f, "SmtpOptions({host}:{port}, {security:?})")
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SmtpUnusable {
    /// The sender is no mail address.
    #[error("the sender is no mail address")]
    From,
    /// The certificates or the host's name cannot be used for TLS.
    #[error("TLS cannot be set up: {0}")]
    Tls(smtp::Error),
}

/// Why a mail was not sent. The words name steps and codes: a server's own hold addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The server is away, or unusable for any mail. This one was not sent.
    #[error("the mail server is away: {0}")]
    Away(String),
    /// The server wants this mail later. It was not sent.
    #[error("the mail server wants it later: {0}")]
    Later(String),
    /// The server knows that nobody receives mail at the address.
    #[error("the address was rejected: {0}")]
    Rejected(String),
    /// The server does not take this message.
    #[error("the message was refused: {0}")]
    Refused(String),
    /// The message was handed over and no answer came.
    #[error("nobody knows whether it was sent: {0}")]
    Unknown(String),
}

/// One mail on its way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parcel<'a> {
    pub(crate) mail: &'a Rendered,
    /// What makes its `Message-ID`.
    pub(crate) name: &'a str,
    pub(crate) time: DateTime<Utc>,
}

/// One mail server.
pub struct Smtp {
    options: SmtpOptions,
    from: Mailbox,
    tls: Option<TlsParameters>,
    idle: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.options.fmt(f)
    }
}

impl Smtp {
    /// A server that is asked when the first mail comes.
    ///
    /// # Errors
    /// [`SmtpUnusable`].
    pub fn new(options: SmtpOptions) -> Result<Self, SmtpUnusable> {
        let from = options.from.parse().map_err(|_| SmtpUnusable::From)?;
        let tls = match options.security {
            Security::None => None,
            Security::StartTls | Security::Tls => {
                let mut tls = TlsParameters::builder(options.host.clone());
                if let Some(pem) = &options.roots {
                    let root = Certificate::from_pem(pem).map_err(SmtpUnusable::Tls)?;
                    tls = tls.add_root_certificate(root);
                }
                Some(tls.build_rustls().map_err(SmtpUnusable::Tls)?)
            }
        };
        Ok(Self { options, from, tls, idle: Mutex::default() })
    }

    /// Sends one mail.
    pub(crate) async fn send(&self, parcel: &Parcel<'_>) -> Result<(), Fault> {
        let nobody = |_| Fault::Rejected("it is no mail address".to_owned());
        let to: Address = parcel.mail.to.parse().map_err(nobody)?;
        let message = self.message(parcel, to.clone())?;
        let mut line = match self.idle().await {
            Some(line) => line,
            None => self.open().await.map_err(|stumble| Fault::Away(stumble.told))?,
        };
        let mut parameters = Vec::new();
        if !<Address as AsRef<str>>::as_ref(&to).is_ascii() {
            if !line.server_info().supports_feature(Extension::SmtpUtfEight) {
                return Err(Fault::Rejected("the server knows ASCII addresses only".to_owned()));
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        // A refusal of the sender is about us: no other mail would fare better.
        self.step(Step::Mail, line.command(Mail::new(Some(self.from.email.clone()), parameters)))
            .await
            .map_err(|stumble| Fault::Away(stumble.told))?;
        self.step(Step::Recipient, line.command(Rcpt::new(to, Vec::new())))
            .await
            .map_err(|stumble| stumble.about_mail(Fault::Rejected))?;
        self.step(Step::Data, line.command(Data))
            .await
            .map_err(|stumble| stumble.about_mail(Fault::Refused))?;
        // From here on the server may have it.
        let taken = self.step(Step::Message, line.message(&message)).await;
        taken.map_err(|stumble| match stumble.is_answer() {
            true => stumble.about_mail(Fault::Refused),
            false => Fault::Unknown(stumble.told),
        })?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX {
            idle.push((line, Instant::now()));
        }
        Ok(())
    }

    fn message(&self, parcel: &Parcel<'_>, to: Address) -> Result<Vec<u8>, Fault> {
        let id = format!("<{}@{}>", parcel.name, self.from.email.domain());
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(parcel.mail.subject.clone())
            .message_id(Some(id))
            .date(SystemTime::from(parcel.time))
            .body(parcel.mail.body.clone());
        let message = message.map_err(|_| Fault::Refused("it cannot be written".to_owned()))?;
        Ok(message.formatted())
    }

    /// A connection that was kept and still answers.
    async fn idle(&self) -> Option<AsyncSmtpConnection> {
        loop {
            let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let (mut line, since) = kept?;
            let fresh = since.elapsed() < IDLE_FOR;
            if fresh && timeout(self.options.timeout, line.test_connected()).await == Ok(true) {
                return Some(line);
            }
        }
    }

    async fn open(&self) -> Result<AsyncSmtpConnection, Stumble> {
        let SmtpOptions { host, port, user, security, timeout, .. } = &self.options;
        let hello = ClientId::Domain(self.from.email.domain().to_owned());
        let wrapped = self.tls.clone().filter(|_| *security == Security::Tls);
        let address = (host.as_str(), *port);
        let connect =
            AsyncSmtpConnection::connect_tokio1(address, Some(*timeout), &hello, wrapped, None);
        let mut line = self.step(Step::Connect, connect).await?;
        if let (Security::StartTls, Some(tls)) = (security, &self.tls) {
            self.step(Step::StartTls, line.starttls(tls.clone(), &hello)).await?;
        }
        if let Some((user, password)) = user {
            let credentials = Credentials::new(user.clone(), password.clone());
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            self.step(Step::Auth, line.auth(&mechanisms, &credentials)).await?;
        }
        Ok(line)
    }

    async fn step<T>(
        &self,
        step: Step,
        work: impl Future<Output = Result<T, smtp::Error>>,
    ) -> Result<T, Stumble> {
        match timeout(self.options.timeout, work).await {
            Ok(result) => result.map_err(|error| Stumble::new(step, &error)),
            Err(_) => Err(Stumble::silence(step)),
        }
    }
}

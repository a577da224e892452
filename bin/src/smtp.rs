//! Which mail server the service sends through, if any, and the effect that does.
//! Not here: sending.

use std::{env, fmt, fs, path::PathBuf, str::FromStr, time::Duration};

use anyhow::{Context as _, Result};
use clap::Args;
use effects::{DeliverMail, Security, Smtp, SmtpOptions};
use infrastructure::{composition::Composition, connection::ConnectOptions, sealing::MasterKeys};
use kit::Secret;

use crate::{exit::Advised, past::Past};

/// The port of TLS from the first byte on.
const PORT_TLS: u16 = 465;
/// The port where clients hand mail in.
const PORT: u16 = 587;

/// Which mail server, and as whom.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Mail")]
pub(crate) struct SmtpArgs {
    /// Mail server; without one mails stay requested. The password comes from `SMTP_PASSWORD`
    #[arg(long, value_name = "HOST", env = "SMTP_HOST", hide_env_values = true)]
    #[arg(requires = "from_email")]
    smtp_host: Option<String>,
    /// Its port [default: 587, or 465 with `tls`]
    #[arg(long, value_name = "PORT", env = "SMTP_PORT", hide_env_values = true)]
    smtp_port: Option<u16>,
    /// User at the mail server
    #[arg(long, value_name = "USER", env = "SMTP_USER", hide_env_values = true)]
    smtp_user: Option<String>,
    /// How the way there is protected: `true` (TLS on port 465, else STARTTLS), `starttls`, `tls`,
    /// or `false`
    #[arg(long, value_name = "MODE", env = "SMTP_USE_TLS", hide_env_values = true)]
    #[arg(default_value_t = UseTls::True, num_args = 0..=1, default_missing_value = "true")]
    smtp_use_tls: UseTls,
    /// Certificates to trust beside the system's (PEM)
    #[arg(long, value_name = "FILE", env = "SMTP_TLS_CA", hide_env_values = true)]
    smtp_tls_ca: Option<PathBuf>,
    /// Longest wait for each answer of the mail server, in seconds
    #[arg(long, value_name = "SECONDS", env = "SMTP_TIMEOUT", hide_env_values = true)]
    #[arg(default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=600))]
    smtp_timeout: u64,
    /// Sender of every mail
    #[arg(long, value_name = "ADDRESS", env = "FROM_EMAIL", hide_env_values = true)]
    from_email: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum UseTls {
    True,
    False,
    StartTls,
    Tls,
}

impl FromStr for UseTls {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Ok(Self::True),
            "false" | "0" | "no" | "off" | "none" => Ok(Self::False),
            "starttls" => Ok(Self::StartTls),
            "tls" => Ok(Self::Tls),
            _ => Err("expected true, false, starttls or tls".to_owned()),
        }
    }
}

impl fmt::Display for UseTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::True => "true",
            Self::False => "false",
            Self::StartTls => "starttls",
            Self::Tls => "tls",
        })
    }
}

impl UseTls {
    fn security(self, port: Option<u16>) -> Security {
        match self {
            Self::False => Security::None,
            Self::True if port == Some(PORT_TLS) => Security::Tls,
            Self::True | Self::StartTls => Security::StartTls,
            Self::Tls => Security::Tls,
        }
    }
}

impl SmtpArgs {
    /// `composition` with the effect that sends mails, if there is a server for them.
    ///
    /// # Errors
    /// If what the arguments say does not fit together.
    pub(crate) fn into(
        self,
        composition: Composition,
        nats: &ConnectOptions,
        secret: &Secret,
        masters: &MasterKeys,
    ) -> Result<Composition> {
        let Some(options) = self.options()? else { return Ok(composition) };
        let smtp = Smtp::new(options)
            .map_err(|error| Advised::usage(error.to_string(), "See --help under Mail."))?;
        let past = Past::new(nats.clone(), Some(masters.clone()));
        Ok(composition.effect(DeliverMail::new(past, smtp, secret.clone())))
    }

    fn options(self) -> Result<Option<SmtpOptions>> {
        let (Some(host), Some(from)) = (self.smtp_host, self.from_email) else { return Ok(None) };
        let security = self.smtp_use_tls.security(self.smtp_port);
        let user = match self.smtp_user {
            None => None,
            Some(user) => {
                let password = env::var("SMTP_PASSWORD").map_err(|_| {
                    Advised::usage(
                        "--smtp-user needs a password",
                        "Give it in the environment, as SMTP_PASSWORD.",
                    )
                })?;
                Some((user, password))
            }
        };
        let roots = self
            .smtp_tls_ca
            .as_ref()
            .map(|path| fs::read(path).with_context(|| format!("cannot read {}", path.display())));
        let usual = if security == Security::Tls { PORT_TLS } else { PORT };
        Ok(Some(SmtpOptions {
            host,
            port: self.smtp_port.unwrap_or(usual),
            user,
            security,
            roots: roots.transpose()?,
            from,
            timeout: Duration::from_secs(self.smtp_timeout),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_protects_the_way_follows_from_the_mode_and_the_port() {
        for (mode, port, security) in [
            ("true", None, Security::StartTls),
            ("True", Some(465), Security::Tls),
            ("1", Some(25), Security::StartTls),
            ("false", Some(465), Security::None),
            ("starttls", Some(465), Security::StartTls),
            ("tls", Some(25), Security::Tls),
        ] {
            assert_eq!(mode.parse::<UseTls>().unwrap().security(port), security, "{mode} {port:?}");
        }
        assert!("perhaps".parse::<UseTls>().is_err());
    }
}

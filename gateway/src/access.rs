//! Who may do what over HTTP: API keys and tokens, roles, how often, and from which web pages.
//! A request is judged before anything of it reaches NATS.
//!
//! Not here: what a command may do; that is decided by its aggregate, for every way in.

mod asks;
mod book;
mod claim;
mod credentials;
mod desk;
mod file;
mod guard;
mod jwks;
mod key;
mod pattern;
mod peer;
mod principal;
mod rate;
mod refusal;
mod role;
mod standing;
mod token;

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::Utc;
use tokio::{
    sync::watch,
    task::{AbortHandle, spawn},
};

use self::{
    book::{Book, Kept, Watch},
    credentials::Shown,
    desk::{Desk, Full},
    peer::Peer,
    rate::{Limiter, Verdict},
    refusal::Refusal,
    standing::Standing,
    token::{BadToken, KEY_SUBJECT, Tokens},
};

pub(crate) use self::asks::Asks;
pub use self::{
    claim::{Claim, OwnerOf},
    file::{AccessFile, BadFile, Issuer, KeyEntry, TokenAlgorithm},
    guard::{BadOrigin, Origins},
    key::{ApiKey, BadKey, KeyHash, KeyId},
    pattern::{BadPattern, CommandPattern, HistoryPattern, Pattern, QueryPattern},
    principal::Principal,
    rate::Rate,
    role::{Role, Roles},
};

/// Failed authentications of one address: ten at once, then ten a minute.
const FAILURES: Rate = Rate { burst: 10, each: Duration::from_secs(6) };

/// What access control is made of.
#[derive(Debug)]
pub struct AccessOptions {
    /// The access file.
    pub file: PathBuf,
    /// Roles that there are without being in the file.
    pub shipped: Roles,
    /// How often each caller may ask; without it, as often as it likes.
    pub rate: Option<Rate>,
    /// Web pages from elsewhere that may ask.
    pub origins: Origins,
}

/// Why there is no access control, so that nothing is served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// The file cannot be read.
    #[error("cannot read the access file {}: {why}", .path.display())]
    Unread {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// The file is not right.
    #[error("the access file {} is not right: {why}", .path.display())]
    Bad {
        /// The file.
        path: PathBuf,
        /// Where, and why not.
        why: BadFile,
    },
    /// The system gives no random bytes.
    #[error(transparent)]
    Random(#[from] BadKey),
}

/// Access control. Cheap to clone; the file is watched until the last clone is gone.
#[derive(Debug, Clone)]
pub struct Access(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    book: watch::Receiver<Arc<Book>>,
    desk: Desk,
    failures: Limiter<Peer>,
    requests: Option<Limiter<String>>,
    origins: Origins,
    watching: AbortHandle,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

/// A request that is let in.
#[derive(Debug)]
struct Admitted {
    principal: Principal,
    standing: Standing,
    /// What the caller's rate says, if it has one.
    verdict: Option<(Rate, Verdict)>,
}

impl Access {
    /// Reads the access file and goes on looking at it.
    ///
    /// # Errors
    /// [`AccessError`], with the place in the file.
    pub async fn open(options: AccessOptions) -> Result<Self, AccessError> {
        let AccessOptions { file, shipped, rate, origins } = options;
        let desk = Desk::new()?;
        let (watch, book) = Watch::open(file, shipped).await?;
        Ok(Self(Arc::new(Inner {
            book,
            desk,
            failures: Limiter::new(FAILURES),
            requests: rate.map(Limiter::new),
            origins,
            watching: spawn(watch.run()).abort_handle(),
        })))
    }
}

impl Inner {
    /// Lets a request in, or says why not.
    async fn admit(&self, shown: Shown<'_>, peer: Peer) -> Result<Admitted, Refusal> {
        let book = self.book.borrow().clone();
        let judged = match shown {
            Shown::Nothing => return Err(Refusal::Nothing),
            Shown::Unreadable => Err(Refusal::Wrong("the credentials cannot be read")),
            Shown::Key(text) => self.by_key(text, peer, &book).await,
            Shown::Token(text) => by_token(text, &book).await,
        };
        let (principal, standing) = judged.inspect_err(|refusal| {
            if refusal.counts() {
                self.failures.take(&peer, Instant::now());
            }
        })?;
        let Some(requests) = &self.requests else {
            return Ok(Admitted { principal, standing, verdict: None });
        };
        let verdict = requests.take(&principal.user_id().to_owned(), Instant::now());
        match verdict.wait {
            Some(wait) => Err(Refusal::TooOften { wait, rate: requests.rate(), verdict }),
            None => {
                let verdict = Some((requests.rate(), verdict));
                Ok(Admitted { principal, standing, verdict })
            }
        }
    }

    async fn by_key(
        &self,
        text: &str,
        peer: Peer,
        book: &Book,
    ) -> Result<(Principal, Standing), Refusal> {
        let key: ApiKey = text.parse().map_err(|_| Refusal::Wrong("the key cannot be read"))?;
        let kept = book.keys.get(key.id());
        if !self.desk.knows(&key, kept.map(AsRef::as_ref)) {
            // Guessing ends here. A key that was verified before goes on, whoever else is behind its
            // address.
            if let Some(wait) = self.failures.look(&peer, Instant::now()).wait {
                return Err(Refusal::TooManyFailures(wait));
            }
            let fits = self.desk.verify(key, kept.cloned()).await;
            if !fits.map_err(|Full| Refusal::Busy)? {
                return Err(Refusal::Wrong("there is no such key"));
            }
        }
        let kept = kept.ok_or(Refusal::Wrong("there is no such key"))?;
        usable(kept)?;
        let roles = kept.entry.roles.iter().map(String::as_str);
        let user = format!("{KEY_SUBJECT}{}", kept.entry.owner.as_ref().unwrap_or(&kept.entry.id));
        let principal = Principal::new(&user, roles, &book.roles);
        Ok((principal, Standing::Key(Arc::clone(kept))))
    }
}

/// Who has the whole key may know why it is of no use any more.
fn usable(kept: &Kept) -> Result<(), Refusal> {
    if kept.entry.revoked {
        return Err(Refusal::Wrong("the key was revoked"));
    }
    if kept.entry.expires.is_some_and(|at| at <= Utc::now()) {
        return Err(Refusal::Wrong("the key has expired"));
    }
    Ok(())
}

async fn by_token(text: &str, book: &Book) -> Result<(Principal, Standing), Refusal> {
    let tokens: &Arc<Tokens> = match &book.tokens {
        Some(tokens) => tokens,
        None => return Err(Refusal::Wrong("a key begins with hw_, and no tokens are taken here")),
    };
    let said = tokens.verify(text).await.map_err(|bad| match bad {
        BadToken::Away => Refusal::Away,
        bad => Refusal::Token(bad),
    })?;
    let roles = said.roles.iter().map(String::as_str);
    let principal = Principal::new(&said.subject, roles, &book.roles);
    Ok((principal, Standing::Token(Arc::clone(tokens), said.until)))
}

//! The access file as it is known now, and the watch that reads it again when it changes.
//! Not here: its form.

use std::{
    collections::HashMap,
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use tokio::{fs, sync::watch, time::interval};

use super::{
    AccessError,
    file::{AccessFile, KeyEntry},
    key::KeyId,
    role::Roles,
    token::Tokens,
};

/// How often the file is looked at: a revoked key stops within that.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// How often it is said that the file is not taken.
const REMINDER: Duration = Duration::from_secs(60);
/// Largest file: some ten thousand keys.
const FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Digest of a key that was verified. The key's own digest under a secret of this process, so that
/// neither the memory nor the time of a comparison tells anything of the key.
pub(super) type Digest = [u8; 32];

/// A key of the file.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) entry: KeyEntry,
    /// The key, once it was verified: one key fits one hash, so there is one at most.
    pub(super) verified: OnceLock<Digest>,
}

/// The file, ready to be asked.
#[derive(Debug)]
pub(super) struct Book {
    pub(super) keys: HashMap<KeyId, Arc<Kept>>,
    pub(super) roles: Roles,
    pub(super) tokens: Option<Arc<Tokens>>,
}

impl Book {
    /// The book of `file`. What `before` had found out stays known where the file has not changed.
    fn new(file: AccessFile, shipped: &Roles, before: Option<&Self>) -> Self {
        let roles = file.roles(shipped);
        let known = |entry: &KeyEntry| {
            let kept = before?.keys.get(&entry.id)?;
            (kept.entry.hash == entry.hash).then(|| kept.verified.clone())
        };
        let keep = |entry: KeyEntry| {
            let verified = known(&entry).unwrap_or_default();
            (entry.id.clone(), Arc::new(Kept { entry, verified }))
        };
        let keys = file.keys.into_iter().map(keep).collect();
        let tokens = file.jwt.map(|issuer| {
            let same = before.and_then(|before| before.tokens.as_ref());
            let same = same.filter(|tokens| *tokens.issuer() == issuer);
            same.cloned().unwrap_or_else(|| Arc::new(Tokens::new(issuer)))
        });
        Self { keys, roles, tokens }
    }
}

/// What tells two states of a file apart. A tool puts a new file in its place, an editor may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    file: (u64, u64),
    size: u64,
    changed: (i64, i64),
}

/// The file and what reading it takes.
#[derive(Debug)]
pub(super) struct Watch {
    path: PathBuf,
    shipped: Roles,
    book: watch::Sender<Arc<Book>>,
    mark: Option<Mark>,
}

impl Watch {
    /// Reads the file for the first time.
    ///
    /// # Errors
    /// If it is not there or not right.
    pub(super) async fn open(
        path: PathBuf,
        shipped: Roles,
    ) -> Result<(Self, watch::Receiver<Arc<Book>>), AccessError> {
        let mark = mark(&path).await.ok();
        let book = read(&path, &shipped, None).await?;
        let (book, reader) = watch::channel(Arc::new(book));
        Ok((Self { path, shipped, book, mark }, reader))
    }

    /// Looks at the file from time to time, for as long as there are readers.
    pub(super) async fn run(mut self) {
        let mut looks = interval(LOOK_INTERVAL);
        let mut refused: Option<(AccessError, Instant)> = None;
        loop {
            tokio::select! {
                _ = looks.tick() => {}
                () = self.book.closed() => return,
            }
            match (self.look().await, &mut refused) {
                (Ok(true), _) => refused = None,
                (Ok(false), Some((error, since))) if since.elapsed() >= REMINDER => {
                    self.complain(error);
                    *since = Instant::now();
                }
                (Ok(false), _) => {}
                (Err(error), _) => {
                    self.complain(&error);
                    refused = Some((error, Instant::now()));
                }
            }
        }
    }

    /// What was granted before stays granted: a typing error must not lock everybody out.
    fn complain(&self, error: &AccessError) {
        tracing::error!(
            path = %self.path.display(), %error,
            "the access file is NOT taken: what it said before holds, for keys revoked since, too"
        );
    }

    /// Reads the file again if it has changed, and says whether it did.
    async fn look(&mut self) -> Result<bool, AccessError> {
        let mark = mark(&self.path).await.ok();
        if mark == self.mark {
            return Ok(false);
        }
        self.mark = mark;
        let before = self.book.borrow().clone();
        let book = read(&self.path, &self.shipped, Some(&before)).await?;
        tracing::info!(path = %self.path.display(), keys = book.keys.len(), "the access file is read");
        self.book.send_replace(Arc::new(book));
        Ok(true)
    }
}

async fn mark(path: &Path) -> io::Result<Mark> {
    let found = fs::metadata(path).await?;
    Ok(Mark {
        file: (found.dev(), found.ino()),
        size: found.size(),
        changed: (found.ctime(), found.ctime_nsec()),
    })
}

async fn read(path: &Path, shipped: &Roles, before: Option<&Book>) -> Result<Book, AccessError> {
    let unread = |why: String| AccessError::Unread { path: path.to_owned(), why };
    let failed = |error: io::Error| unread(error.to_string());
    let size = fs::metadata(path).await.map_err(failed)?.len();
    if size > FILE_BYTES_MAX {
        return Err(unread(format!("it has {size} bytes")));
    }
    let text = fs::read(path).await.map_err(failed)?;
    let file = AccessFile::read(&text, shipped);
    let mut file = file.map_err(|why| AccessError::Bad { path: path.to_owned(), why })?;
    if let (Some(issuer), Some(folder)) = (&mut file.jwt, path.parent()) {
        issuer.settle(folder);
    }
    Ok(Book::new(file, shipped, before))
}

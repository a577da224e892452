//! The data folder: its lock, its secret, and the address of the broker that runs on it.
//! Not here: the broker's and the read models' own files.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use infrastructure::sealing::MasterKeys;
use kit::Secret;
use rustix::fs::{FlockOperation, flock};

use crate::{exit::Advised, master_keys, secret};

/// A folder that holds everything one `headwater dev` keeps.
#[derive(Debug, Clone)]
pub struct DataFolder {
    root: PathBuf,
}

/// The right to run on a data folder. The kernel takes it back when the process ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl DataFolder {
    /// The folder at `root`, whether it exists or not.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Creates the folder, readable by its owner alone: it holds personal data and the secret.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn create(root: &Path) -> Result<Self> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(root)
            .with_context(|| unusable(root))?;
        let root = root.canonicalize().with_context(|| unusable(root))?;
        Ok(Self { root })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// The SQLite file of the read models.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.root.join("read.sqlite")
    }

    /// The file that says who may do what over HTTP.
    #[must_use]
    pub fn access_path(&self) -> PathBuf {
        self.root.join("access.json")
    }

    /// The file that holds the API key which the folder's first `headwater dev` made.
    #[must_use]
    pub fn key_path(&self) -> PathBuf {
        self.root.join("key")
    }

    /// The same, if it is there.
    #[must_use]
    pub fn key(&self) -> Option<PathBuf> {
        Some(self.key_path()).filter(|path| path.exists())
    }

    /// Takes the folder for this process.
    ///
    /// # Errors
    /// If another process has it.
    pub fn lock(&self) -> Result<Lock> {
        let path = self.root.join("lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .with_context(|| unusable(&self.root))?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut owner = String::new();
            let _ = file.read_to_string(&mut owner);
            let message = format!(
                "another `headwater dev` (process {}) runs on {}",
                owner.trim(),
                self.root.display()
            );
            let advice = "Stop it first, or give this one its own folder with --data DIR.";
            return Err(Advised::new(message, advice).into());
        }
        file.set_len(0)?;
        file.write_all(std::process::id().to_string().as_bytes())?;
        // What runs on the folder makes files in it, and says less clearly that it cannot.
        tempfile::tempfile_in(&self.root).with_context(|| unusable(&self.root))?;
        Ok(Lock { _file: file })
    }

    /// The file that holds the folder's secret.
    #[must_use]
    pub fn secret_path(&self) -> PathBuf {
        self.root.join("secret")
    }

    /// The file that holds the folder's master keys.
    #[must_use]
    pub fn master_keys_path(&self) -> PathBuf {
        self.root.join("master-key")
    }

    /// The folder's master keys, of which one is made the first time they are asked for.
    ///
    /// # Errors
    /// If they can be neither read nor made.
    pub fn master_keys(&self) -> Result<MasterKeys> {
        let path = self.master_keys_path();
        make_key(&path)?;
        master_keys::read(&path)
    }

    /// The folder's secret, made the first time it is asked for.
    ///
    /// # Errors
    /// If it can be neither read nor made.
    pub fn secret(&self) -> Result<Secret> {
        let path = self.secret_path();
        make_key(&path)?;
        secret::read(&path)
    }

    /// Says where the folder's broker listens, and where it can be looked at.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn announce(&self, url: &str, monitoring: Option<&str>) -> Result<()> {
        let path = self.address();
        let text = format!("{url}\n{}\n", monitoring.unwrap_or_default());
        write_whole(&path, text.as_bytes())
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// Takes the announcement back.
    pub fn withdraw(&self) {
        // Gone is what it should be; a leftover only names a broker that does not answer.
        let _ = fs::remove_file(self.address());
    }

    /// Whether a `headwater dev` has ever run on the folder.
    #[must_use]
    pub fn is_used(&self) -> bool {
        self.secret_path().exists()
    }

    /// Where the folder's broker listens, if one was announced.
    #[must_use]
    pub fn announced(&self) -> Option<String> {
        self.announcement(0)
    }

    /// Where the folder's broker can be looked at, if one was announced.
    #[must_use]
    pub fn announced_monitoring(&self) -> Option<String> {
        self.announcement(1)
    }

    fn announcement(&self, line: usize) -> Option<String> {
        let text = fs::read_to_string(self.address()).ok()?;
        text.lines().nth(line).filter(|line| !line.is_empty()).map(str::to_owned)
    }

    fn address(&self) -> PathBuf {
        self.root.join("nats.url")
    }
}

/// Puts 64 random digits into `path`, unless it is there.
fn make_key(path: &Path) -> Result<()> {
    if path.exists() {
        return Ok(());
    }
    let mut bytes = [0; 32];
    File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes))?;
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    write_whole(path, format!("{text}\n").as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))
}

fn unusable(root: &Path) -> Advised {
    let message = format!("cannot use the data folder {}", root.display());
    Advised::usage(message, "Name one that you may write to with --data DIR.")
}

/// Writes a file that is there whole or not at all, readable by its owner alone.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&draft, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_owner_of_a_folder_is_refused_until_the_first_has_gone() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::create(folder.path()).unwrap();
        let first = data.lock().unwrap();
        let refusal = data.lock().unwrap_err().to_string();
        assert!(refusal.contains(&std::process::id().to_string()), "{refusal}");
        drop(first);
        assert!(data.lock().is_ok());
    }

    #[test]
    fn a_secret_stays_the_same_and_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::create(folder.path()).unwrap();
        let digest = |secret: Secret| secret.digest("test", b"message");
        assert_eq!(digest(data.secret().unwrap()), digest(data.secret().unwrap()));
        let mode = fs::metadata(folder.path().join("secret")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn an_announcement_is_read_back_until_it_is_withdrawn() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::create(folder.path()).unwrap();
        data.announce("nats://127.0.0.1:4222", None).unwrap();
        assert_eq!(data.announced().as_deref(), Some("nats://127.0.0.1:4222"));
        assert_eq!(data.announced_monitoring(), None);
        data.withdraw();
        assert_eq!(data.announced(), None);
    }
}

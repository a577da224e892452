//! Who may do what over HTTP: where the access file is, how it is changed, and the roles that there
//! are without one. Not here: judging requests; the gateway does that.

use std::{
    fs::{self, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use clap::Args;
use gateway::access::{
    Access, AccessFile, AccessOptions, ApiKey, KeyEntry, KeyId, Origins, Rate, Roles,
};
use rustix::fs::{FlockOperation, flock};

use crate::{
    data::{DataFolder, write_whole},
    exit::Advised,
    options::Global,
};

/// The roles that there are without a file, in the form of the file.
const SHIPPED: &str = include_str!("roles.json");
/// What to do where there is no key.
const MAKE: &str = "Make one with `headwater keys create --name NAME --role ROLE`.";

/// Where the access file is.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Access")]
pub(crate) struct AccessFileArgs {
    /// File with API keys, roles and whose tokens are taken [default: access.json in the data
    /// folder]. It is read again when it changes
    #[arg(long, value_name = "FILE", env = "HEADWATER_ACCESS", hide_env_values = true)]
    access: Option<PathBuf>,
}

/// Who may do what over HTTP.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Access")]
pub(crate) struct AccessArgs {
    #[command(flatten)]
    file: AccessFileArgs,
    /// Requests a second that each caller may make over HTTP, and twice as many at once; 0 for any
    /// number
    #[arg(long, value_name = "NUMBER", env = "HEADWATER_HTTP_RATE", hide_env_values = true)]
    #[arg(default_value_t = 100)]
    http_rate: u32,
    /// Origins of web pages that may ask over HTTP (CORS), such as `https://www.example.org`; none
    /// without it
    #[arg(long, value_name = "ORIGINS", env = "HEADWATER_CORS_ORIGINS", hide_env_values = true)]
    #[arg(value_delimiter = ',')]
    cors_origins: Vec<String>,
}

impl AccessFileArgs {
    /// Where the file is; the folder of the default is made.
    ///
    /// # Errors
    /// If the data folder cannot be made.
    pub(crate) fn path(&self, global: &Global) -> Result<PathBuf> {
        match &self.access {
            Some(path) => Ok(path.clone()),
            None => Ok(DataFolder::create(&global.data)?.access_path()),
        }
    }
}

impl AccessArgs {
    /// Access control as the arguments say.
    ///
    /// # Errors
    /// If the file is not there or not right, or if the arguments do not fit together.
    pub(crate) async fn open(&self, global: &Global) -> Result<Access> {
        let origins = Origins::of(self.cors_origins.iter().map(String::as_str));
        let origins = origins.map_err(|error| {
            Advised::usage(error.to_string(), "Write --cors-origins as browsers write origins.")
        })?;
        let options = AccessOptions {
            file: self.file.path(global)?,
            shipped: shipped()?,
            rate: (self.http_rate > 0).then(|| Rate::per_second(self.http_rate)),
            origins,
        };
        let opened = Access::open(options).await;
        Ok(opened.map_err(|error| Advised::usage(error.to_string(), MAKE))?)
    }

    /// Makes the first key of a data folder, if it has no access file, and leaves it there in a file
    /// of its own.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub(crate) fn begin(&self, data: &DataFolder) -> Result<()> {
        if self.file.access.is_none() && !data.access_path().exists() {
            let key = create(&data.access_path(), "dev", (&["admin".to_owned()], None), None)?.0;
            let path = data.key_path();
            write_whole(&path, format!("{}\n", key.reveal()).as_bytes())
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }
}

/// The roles that there are without a file.
///
/// # Errors
/// Never, as a test sees to.
pub(crate) fn shipped() -> Result<Roles> {
    Ok(serde_json::from_str(SHIPPED)?)
}

/// What the file holds; nothing, if it is not there.
///
/// # Errors
/// If it is not right.
pub(crate) fn read(path: &Path) -> Result<AccessFile> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(AccessFile::default()),
        Err(error) => {
            let message = format!("cannot read the access file {}: {error}", path.display());
            return Err(Advised::usage(message, "Name another one with --access FILE.").into());
        }
    };
    let file = AccessFile::read(&text, &shipped()?);
    Ok(file.map_err(|error| {
        let message = format!("the access file {} is not right: {error}", path.display());
        Advised::usage(message, "Mend it, or begin a new one with --access FILE.")
    })?)
}

/// Changes the file: read, changed, checked and put in its place, while no other tool does.
///
/// # Errors
/// If `change` fails, or if what comes of it is not right.
pub(crate) fn change<T>(
    path: &Path,
    change: impl FnOnce(&mut AccessFile) -> Result<T>,
) -> Result<T> {
    let unwritable = || {
        let message = format!("cannot write the access file {}", path.display());
        Advised::usage(message, "Name one that you may write with --access FILE.")
    };
    let lock = path.with_extension("lock");
    let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(lock);
    let lock = lock.with_context(unwritable)?;
    flock(&lock, FlockOperation::LockExclusive).with_context(unwritable)?;
    let mut file = read(path)?;
    let made = change(&mut file)?;
    file.check(&shipped()?)
        .map_err(|error| Advised::usage(error.to_string(), "See headwater keys create --help."))?;
    let mut text = serde_json::to_vec_pretty(&file)?;
    text.push(b'\n');
    write_whole(path, &text).with_context(unwritable)?;
    Ok(made)
}

/// Makes a key and keeps it in the file.
///
/// # Errors
/// If there is no such role, or if the file cannot be changed.
pub(crate) fn create(
    path: &Path,
    name: &str,
    (roles, owner): (&[String], Option<&KeyId>),
    expires: Option<DateTime<Utc>>,
) -> Result<(ApiKey, KeyEntry)> {
    let key = ApiKey::generate()?;
    let entry = KeyEntry {
        id: key.id().clone(),
        name: name.to_owned(),
        owner: owner.cloned(),
        roles: roles.iter().cloned().collect(),
        hash: key.hash()?,
        created: Utc::now(),
        expires,
        revoked: false,
    };
    change(path, |file| {
        file.keys.push(entry.clone());
        Ok(())
    })?;
    Ok((key, entry))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use gateway::access::Principal;

    use super::*;

    #[test]
    fn the_shipped_roles_are_right() {
        let roles = shipped().unwrap();
        let names: Vec<_> = roles.names().collect();
        assert_eq!(names, ["admin", "catalogue", "client", "payments", "reader", "staff"]);
    }

    /// Ids of commands that bring Stripe's events can be computed, so what became of a command would be
    /// shown to whoever knows an event.
    #[test]
    fn a_client_does_not_see_what_became_of_anybodys_command() {
        let roles = shipped().unwrap();
        let may = |role: &str| {
            let principal = Principal::new("key:test", [role], &roles);
            principal.may_query("commands", "result")
        };
        assert!(!may("client"));
        assert!(may("payments") && may("reader") && may("admin"));
    }

    #[test]
    fn tools_that_write_at_once_lose_no_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.json");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope
                    .spawn(|| create(&path, "test", (&["reader".to_owned()], None), None).unwrap());
            }
        });
        assert_eq!(read(&path).unwrap().keys.len(), 8);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_change_that_is_not_right_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.json");
        assert!(create(&path, "test", (&["boss".to_owned()], None), None).is_err());
        assert!(!path.exists());
        fs::write(&path, "{").unwrap();
        assert!(create(&path, "test", (&["reader".to_owned()], None), None).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "{");
    }
}

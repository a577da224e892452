//! The master keys in a file: one in each line, 64 hexadecimal digits; the first wraps, the others are
//! still known. Not here: making one; the data folder does.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use async_nats::Client;
use infrastructure::{
    composition::Composition,
    sealing::{Keys, MasterKeys},
};
use kit::Secret;

use crate::{data::DataFolder, exit::Advised, options::Global, secret};

/// What to do where they cannot be read.
const MAKE: &str = "All instances need the same ones, one in each line, the newest first: make one \
    with `openssl rand -hex 32`.";

/// Reads the master keys in `path`.
///
/// # Errors
/// If the file cannot be read or holds something else.
pub(crate) fn read(path: &Path) -> Result<MasterKeys> {
    let content = fs::read_to_string(path).with_context(|| {
        Advised::usage(format!("cannot read the master keys {}", path.display()), MAKE)
    })?;
    let bad = || {
        let message = format!("a line of {} is not 64 hexadecimal digits", path.display());
        Advised::usage(message, MAKE)
    };
    let lines = content.lines().map(str::trim).filter(|line| !line.is_empty());
    let keys = lines.map(|line| secret::from_hex(line.as_bytes()).ok_or_else(bad));
    let keys: Vec<[u8; 32]> = keys.collect::<Result<_, _>>()?;
    let (newest, others) = keys.split_first().ok_or_else(bad)?;
    Ok(MasterKeys::new(newest, others))
}

/// The master keys that the command line names, or that the data folder has.
///
/// # Errors
/// If they cannot be read.
pub(crate) fn named(global: &Global) -> Result<Option<MasterKeys>> {
    let own = DataFolder::at(&global.data).master_keys_path();
    match &global.master_key_file {
        Some(path) => read(path).map(Some),
        None if own.exists() => read(&own).map(Some),
        None => Ok(None),
    }
}

/// The same, or the one that follows from `secret`, as the service does it.
///
/// # Errors
/// If they cannot be read.
pub(crate) fn of(global: &Global, secret: &Secret) -> Result<MasterKeys> {
    Ok(match named(global)? {
        Some(masters) => masters.and_derived(secret),
        None => MasterKeys::derived(secret),
    })
}

/// The master keys that this machine has, if it has any, or the service's secret.
///
/// # Errors
/// If what it has cannot be read.
pub(crate) fn known(global: &Global) -> Result<Option<MasterKeys>> {
    let secret = DataFolder::at(&global.data).secret_path();
    if secret.exists() {
        return of(global, &secret::read(&secret)?).map(Some);
    }
    named(global)
}

/// What opens what is sealed in the log behind `client`, as far as this machine may.
///
/// # Errors
/// If what it has cannot be read.
pub(crate) fn keys(global: &Global, client: &Client) -> Result<Option<Keys>> {
    Ok(known(global)?.map(|masters| Keys::new(client.clone(), masters)))
}

/// `composition` with what is sealed in its events opened, as far as this machine may.
///
/// # Errors
/// If what it has cannot be read.
pub(crate) fn opening(
    composition: Composition,
    global: &Global,
    client: &Client,
) -> Result<Composition> {
    Ok(match keys(global, client)? {
        Some(keys) => composition.opening(keys),
        None => composition,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_wraps_and_the_others_are_known() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master-key");
        fs::write(&path, format!("{}\n\n{}\n", "07".repeat(32), "08".repeat(32))).unwrap();
        let keys = read(&path).unwrap();
        let (newest, other) = (MasterKeys::new(&[7; 32], &[]), MasterKeys::new(&[8; 32], &[]));
        assert_eq!(keys.newest(), newest.newest());
        assert!(keys.has(other.newest()) && !newest.has(other.newest()));
    }

    #[test]
    fn what_is_no_master_key_is_refused_with_advice() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master-key");
        for text in ["", "\n", "abc", &"g".repeat(64), &format!("{}\nxy", "07".repeat(32))] {
            fs::write(&path, text).unwrap();
            let refusal = read(&path).unwrap_err().to_string();
            assert!(!refusal.contains("07"), "{refusal}");
        }
    }
}

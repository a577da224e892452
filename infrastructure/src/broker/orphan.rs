//! Ending a server whose parent died without ending it.
//! Not here: ending our own child.

use std::{
    fs, io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use super::{BrokerError, POLL, STOP_LIMIT};

/// A killed process that is still there after this long waits on something we cannot end.
const KILL_LIMIT: Duration = Duration::from_secs(5);

/// Ends every process that was started with this configuration file. The caller holds the folder's
/// lock, so whoever started them is gone. Looks into `/proc`; where there is none, nothing is found.
pub(super) fn end(configuration: &Path) -> Result<(), BrokerError> {
    for pid in started_with(configuration) {
        tracing::warn!(broker.pid = pid.as_raw_nonzero().get(), "ending a server left behind");
        signal(pid, Signal::TERM)?;
        if !is_gone(pid, configuration, STOP_LIMIT) {
            signal(pid, Signal::KILL)?;
            if !is_gone(pid, configuration, KILL_LIMIT) {
                return Err(BrokerError::Orphan(pid.as_raw_nonzero().get()));
            }
        }
    }
    Ok(())
}

fn started_with(configuration: &Path) -> Vec<Pid> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(Pid::from_raw)
        .filter(|&pid| runs(pid, configuration))
        .collect()
}

/// Whether the process was started as `… -c <configuration> …`. A zombie's command line is empty.
fn runs(pid: Pid, configuration: &Path) -> bool {
    let Ok(line) = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())) else {
        return false;
    };
    let arguments: Vec<&[u8]> = line.split(|&byte| byte == 0).collect();
    let path = configuration.as_os_str().as_encoded_bytes();
    arguments.windows(2).any(|pair| pair == [b"-c".as_slice(), path])
}

fn signal(pid: Pid, signal: Signal) -> Result<(), BrokerError> {
    match kill_process(pid, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(BrokerError::Io {
            what: format!("end process {}", pid.as_raw_nonzero()),
            source: io::Error::from(error),
        }),
    }
}

fn is_gone(pid: Pid, configuration: &Path, limit: Duration) -> bool {
    let deadline = Instant::now() + limit;
    while runs(pid, configuration) {
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(POLL);
    }
    true
}

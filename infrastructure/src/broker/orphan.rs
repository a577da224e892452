//! Ending a server whose parent died without ending it.
//! Not here: ending our own child.

use std::{
    ffi::OsString,
    fs, io, thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use super::{BrokerError, POLL, STOP_LIMIT};

/// A killed process that is still there after this long waits on something we cannot end.
const KILL_LIMIT: Duration = Duration::from_secs(5);

/// Ends every process that was started with these arguments, which name our folder. The caller
/// holds the folder's lock, so whoever started them is gone. Looks into `/proc`; where there is none, nothing is found.
pub(super) fn end(arguments: &[OsString]) -> Result<(), BrokerError> {
    for pid in started_with(arguments) {
        tracing::warn!(broker.pid = pid.as_raw_nonzero().get(), "ending a server left behind");
        signal(pid, Signal::TERM)?;
        if !is_gone(pid, arguments, STOP_LIMIT) {
            signal(pid, Signal::KILL)?;
            if !is_gone(pid, arguments, KILL_LIMIT) {
                return Err(BrokerError::Orphan(pid.as_raw_nonzero().get()));
            }
        }
    }
    Ok(())
}

fn started_with(arguments: &[OsString]) -> Vec<Pid> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(Pid::from_raw)
        .filter(|&pid| runs(pid, arguments))
        .collect()
}

/// Whether the process was started with these arguments. A zombie's command line is empty.
fn runs(pid: Pid, arguments: &[OsString]) -> bool {
    let Ok(line) = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())) else {
        return false;
    };
    let line: Vec<&[u8]> = line.split(|&byte| byte == 0).collect();
    let arguments: Vec<&[u8]> = arguments.iter().map(|text| text.as_encoded_bytes()).collect();
    line.windows(arguments.len()).any(|part| part == arguments)
}

fn signal(pid: Pid, signal: Signal) -> Result<(), BrokerError> {
    match kill_process(pid, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(BrokerError::Io {
            what: format!("end process {}", pid.as_raw_nonzero()),
            reason: io::Error::from(error),
        }),
    }
}

fn is_gone(pid: Pid, arguments: &[OsString], limit: Duration) -> bool {
    let deadline = Instant::now() + limit;
    while runs(pid, arguments) {
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(POLL);
    }
    true
}

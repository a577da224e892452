//! What the figures were measured on.

use std::{fs, thread};

use serde::Serialize;

/// The machine and the build, as far as the system tells.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Machine {
    cpu: String,
    cores: usize,
    memory_gib: u64,
    kernel: String,
    build: &'static str,
}

impl Machine {
    pub(super) fn describe() -> Self {
        let memory = fact("/proc/meminfo", "MemTotal").unwrap_or_default();
        let kib: u64 = memory.split(' ').next().and_then(|kib| kib.parse().ok()).unwrap_or(0);
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            cpu: fact("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned()),
            cores: thread::available_parallelism().map_or(1, usize::from),
            memory_gib: (kib + 512 * 1024) / (1024 * 1024),
            kernel: kernel.trim().to_owned(),
            build: if cfg!(debug_assertions) { "debug" } else { "release" },
        }
    }
}

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { cpu, cores, memory_gib, kernel, build } = self;
        write!(f, "{cpu}, {cores} cores, {memory_gib} GiB, Linux {kernel}, {build} build")?;
        if cfg!(debug_assertions) {
            f.write_str(" (figures of a debug build mean little: run with --release)")?;
        }
        Ok(())
    }
}

fn fact(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

//! Ports that one test has for itself, whether somebody listens there or not: a server that was
//! killed finds its own again, and where nobody is to listen nobody does.
//! Not here: who listens; it is a package of its own so that every package can use it.
#![expect(clippy::expect_used, reason = "a test kit that cannot go on ends its test")]

use std::{
    env,
    fs::{self, File},
    net::TcpListener,
    ops::Range,
};

/// Below those that systems hand out by themselves, to connections as well as to whoever asks for
/// any port: each of them could take one whose server is just away.
const PORTS: Range<u16> = 10_000..30_000;
/// So many in a row are not taken by chance.
const TRIES: usize = 1_000;

/// A port of 127.0.0.1 that no other test gets for as long as this value lives, in whatever process.
#[derive(Debug)]
pub struct Port {
    number: u16,
    /// Locked; the system opens the lock however the process ends.
    _held: File,
}

impl Port {
    /// One where nobody listens.
    ///
    /// # Panics
    /// When there is none, or no file can be made among the temporary ones.
    #[must_use]
    pub fn reserve() -> Self {
        let user = rustix::process::geteuid().as_raw();
        let folder = env::temp_dir().join(format!("headwater-test-ports-{user}"));
        fs::create_dir_all(&folder).expect("a folder for the ports");
        let found = (0..TRIES).find_map(|_| {
            let number = fastrand::u16(PORTS);
            let path = folder.join(number.to_string());
            let file = File::options().create(true).append(true).open(path);
            let held = file.expect("a file for a port");
            held.try_lock().ok()?;
            // Another program may have it.
            TcpListener::bind(("127.0.0.1", number)).ok()?;
            Some(Self { number, _held: held })
        });
        found.expect("a free port")
    }

    /// Its number.
    #[must_use]
    pub const fn number(&self) -> u16 {
        self.number
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn nobody_else_gets_a_port_before_it_is_let_go() {
        let held: Vec<_> = (0..200).map(|_| Port::reserve()).collect();
        let numbers: BTreeSet<_> = held.iter().map(Port::number).collect();
        assert_eq!(numbers.len(), held.len());
        let [first, ..] = &held[..] else { unreachable!() };
        let file = format!("headwater-test-ports-{}", rustix::process::geteuid().as_raw());
        let again = File::open(env::temp_dir().join(file).join(first.number().to_string()));
        let again = again.unwrap();
        assert!(again.try_lock().is_err());
        drop(held);
        again.try_lock().unwrap();
    }
}

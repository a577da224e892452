//! A throw-away PostgreSQL for tests, with a database for each test that asks for one.
//! Not here: what the tests do with it; it is a package of its own so that every package can use it.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test kit that cannot go on ends its test"
)]

mod user;

use std::{
    env,
    fs::{self, Permissions},
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use test_ports::Port;

use crate::user::User;

/// How long a start may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(20);
/// Runs the server until its own standard input ends, however the test process ended, and then
/// takes the folder away; told to keep it, it does.
const KEEPER: &str = r#"folder=$1; shift; "$@" & pid=$!; read -r word
kill -QUIT $pid; wait $pid; [ "$word" = keep ] || rm -rf -- "$folder""#;
/// Nothing here has to survive the machine, and the order of text is not that of its bytes unless
/// it is asked for.
const SETTINGS: [&str; 7] = [
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "shared_buffers=32MB",
    "max_connections=300",
    "unix_socket_directories=",
    "log_min_messages=fatal",
];

/// A running PostgreSQL that ends with this value, or with the process.
#[derive(Debug)]
pub struct Postgres {
    binaries: PathBuf,
    user: User,
    folder: PathBuf,
    port: Port,
    settings: Vec<&'static str>,
    keeper: Option<Child>,
}

impl Postgres {
    /// Makes a cluster and starts it.
    ///
    /// # Panics
    /// When PostgreSQL is not installed, or does not start.
    #[must_use]
    pub fn start() -> Self {
        let mut postgres = Self::make();
        postgres.run();
        postgres
    }

    /// The same, for TLS alone, with the files of a certificate and its key.
    ///
    /// # Panics
    /// As [`Self::start`], or when a file cannot be copied.
    #[must_use]
    pub fn start_with_tls(certificate: &Path, key: &Path) -> Self {
        let mut postgres = Self::make();
        for (from, name) in [(certificate, "server.crt"), (key, "server.key")] {
            let to = postgres.data().join(name);
            fs::copy(from, &to).expect("the file is copied");
            // PostgreSQL refuses a key that others may read.
            fs::set_permissions(&to, Permissions::from_mode(0o600)).expect("it is its owner's");
            postgres.user.give(&to);
        }
        let only_tls = "hostssl all all 127.0.0.1/32 trust\n";
        fs::write(postgres.data().join("pg_hba.conf"), only_tls).expect("the file is written");
        postgres.settings.push("ssl=on");
        postgres.run();
        postgres
    }

    fn make() -> Self {
        let user = User::fit_for_postgres();
        let folder = tempfile::Builder::new().prefix("headwater-postgres-").tempdir();
        let folder = folder.expect("a temporary folder").keep();
        user.give(&folder);
        let (port, settings) = (Port::reserve(), SETTINGS.to_vec());
        let binaries = binaries().expect("PostgreSQL is installed");
        let postgres = Self { binaries, user, folder, port, settings, keeper: None };
        let mut initdb = postgres.command("initdb");
        initdb.args(["-U", "headwater", "-A", "trust", "-E", "UTF8", "--no-sync", "--no-locale"]);
        initdb.args(["--locale-provider=icu", "--icu-locale=en-US", "-D"]).arg(postgres.data());
        succeed(&mut initdb);
        postgres
    }

    /// The one that all tests of this process share. It ends with the process.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// The address of a new, empty database.
    ///
    /// # Panics
    /// When the server does not make it.
    #[must_use]
    pub fn database(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let port = self.port.number().to_string();
        let mut create = self.command("createdb");
        succeed(create.args(["-h", "127.0.0.1", "-p", &port, "-U", "headwater", &name]));
        format!("postgres://headwater@127.0.0.1:{port}/{name}")
    }

    /// Ends the server at once, as a crash would. What was committed stays.
    ///
    /// # Panics
    /// When it does not end.
    pub fn stop(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            let mut input = keeper.stdin.take().expect("the keeper's input");
            input.write_all(b"keep\n").expect("the keeper listens");
            keeper.wait().expect("the keeper ends");
        }
    }

    /// Starts a stopped server again, on the same port.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&mut self) {
        self.stop();
        self.run();
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// A program of PostgreSQL, as a user under whom it agrees to run.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.binaries.join(program));
        command.current_dir(&self.folder).env_clear().stdin(Stdio::null());
        self.user.run_as(&mut command);
        command
    }

    fn run(&mut self) {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", KEEPER, "keeper"]).arg(&self.folder);
        command.arg(self.binaries.join("postgres")).arg("-D").arg(self.data());
        command.args(["-h", "127.0.0.1", "-p", &self.port.number().to_string()]);
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        command.current_dir(&self.folder).stdin(Stdio::piped());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        self.user.run_as(&mut command);
        self.keeper = Some(command.spawn().expect("the keeper starts"));
        let port = self.port.number().to_string();
        let deadline = Instant::now() + LIMIT;
        while !self.answers(&port) {
            assert!(Instant::now() < deadline, "PostgreSQL does not answer within {LIMIT:?}");
            thread::sleep(POLL);
        }
    }

    fn answers(&self, port: &str) -> bool {
        let mut ready = self.command("pg_isready");
        let ready = ready.args(["-q", "-h", "127.0.0.1", "-p", port]).status();
        ready.expect("pg_isready runs").success()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            let _ = keeper.wait();
        }
        // Gone already, unless the server was stopped.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Whether PostgreSQL is installed. If not, a test that needs it is to be left out.
///
/// # Panics
/// As [`left_out`].
#[must_use]
pub fn is_installed() -> bool {
    let found = binaries().is_some();
    if !found {
        left_out("PostgreSQL 15 or later (on Debian: apt-get install postgresql)");
    }
    found
}

/// Says that a test is left out for want of a program, where the runner of tests hides nothing.
///
/// # Panics
/// When `HEADWATER_TESTS_COMPLETE` is set, as where nothing may be left out.
pub fn left_out(program: &str) {
    assert!(env::var_os("HEADWATER_TESTS_COMPLETE").is_none(), "{program} is missing");
    let test = thread::current().name().unwrap_or("a test").to_owned();
    // Nothing can be done about a standard error that is closed.
    let _ = writeln!(io::stderr(), "left out: {test} needs {program}");
}

/// The folder with PostgreSQL's programs: on the path, or the newest where Debian keeps them.
fn binaries() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut debian: Vec<_> = debian.map(|version| version.path().join("bin")).collect();
    debian.sort();
    let folders = env::split_paths(&path).chain(debian.into_iter().rev());
    folders.into_iter().find(|folder| is_complete(folder))
}

fn is_complete(folder: &Path) -> bool {
    ["initdb", "postgres", "createdb", "pg_isready"].iter().all(|name| folder.join(name).is_file())
}

fn succeed(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {told}");
}

//! Configuration files of the server, as text that the binary carries.
//! Not here: filling them in, and starting a server.

/// One node: a template whose `{{…}}` are filled in with quoted strings.
pub const DEV: &str = include_str!("../server/dev.conf");
/// What each role may do. [`PASSWORDS`] or [`NKEYS`] follows it.
pub const PERMISSIONS: &str = include_str!("../server/permissions.conf");
/// The roles' users, by passwords from the environment.
pub const PASSWORDS: &str = include_str!("../server/passwords.conf");
/// The roles' users, by public keys from the environment.
pub const NKEYS: &str = include_str!("../server/nkeys.conf");

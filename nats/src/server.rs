//! Configuration files of the server, as text that the binary carries.
//! Not here: filling them in, and starting a server.

/// One node: a template whose `{{…}}` are filled in with quoted strings.
pub const DEV: &str = include_str!("../server/dev.conf");

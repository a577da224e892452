//! Where the read models are: a SQLite file or a PostgreSQL database.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use sqlx::postgres::PgConnectOptions;

/// Where the read models are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreLocation {
    /// A SQLite file; it is made if there is none.
    Sqlite(PathBuf),
    /// A PostgreSQL database that several instances may share.
    Postgres(PostgresUrl),
}

/// The address of a PostgreSQL database. It may hold a password, so it is never shown whole.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(String);

/// Why a text names no store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreLocationError {
    /// It is empty, or a database in memory.
    #[error("the read models need a file, or a PostgreSQL database")]
    NoFile,
    /// Another kind of database.
    #[error("{0} is no store that is known")]
    Scheme(String),
    /// A PostgreSQL address that cannot be read.
    #[error("the address of the PostgreSQL database cannot be read: {0}")]
    Postgres(String),
}

impl PostgresUrl {
    pub(super) fn options(&self) -> sqlx::Result<PgConnectOptions> {
        self.0.parse()
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ok(options) = self.options() else { return f.write_str("postgres://") };
        let database = options.get_database().unwrap_or(options.get_username());
        match options.get_socket() {
            Some(socket) => write!(f, "postgres:///{database} at {}", socket.display()),
            None => {
                write!(f, "postgres://{}:{}/{database}", options.get_host(), options.get_port())
            }
        }
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for StoreLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(f),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}

impl From<PathBuf> for StoreLocation {
    fn from(path: PathBuf) -> Self {
        Self::Sqlite(path)
    }
}

impl From<&Path> for StoreLocation {
    fn from(path: &Path) -> Self {
        Self::Sqlite(path.to_owned())
    }
}

impl FromStr for StoreLocation {
    type Err = StoreLocationError;

    fn from_str(text: &str) -> Result<Self, StoreLocationError> {
        let file = |path: &str| match path {
            "" | ":memory:" => Err(StoreLocationError::NoFile),
            path => Ok(Self::Sqlite(path.into())),
        };
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            let url = PostgresUrl(text.to_owned());
            return match url.options() {
                Ok(_) => Ok(Self::Postgres(url)),
                Err(error) => Err(StoreLocationError::Postgres(error.to_string())),
            };
        }
        if let Some(path) = text.strip_prefix("sqlite:") {
            return file(path.strip_prefix("//").unwrap_or(path));
        }
        match text.split_once("://") {
            Some((scheme, _)) => Err(StoreLocationError::Scheme(scheme.to_owned())),
            None => file(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_a_path_or_the_address_of_a_database() {
        for (text, path) in [
            ("read.sqlite", "read.sqlite"),
            ("sqlite:read.sqlite", "read.sqlite"),
            ("sqlite:///var/lib/read.sqlite", "/var/lib/read.sqlite"),
            ("C:read", "C:read"),
        ] {
            assert_eq!(text.parse(), Ok(StoreLocation::Sqlite(path.into())));
        }
        for text in ["", "sqlite:", "sqlite::memory:", ":memory:"] {
            assert_eq!(text.parse::<StoreLocation>(), Err(StoreLocationError::NoFile));
        }
        let mysql = "mysql://host/database".parse::<StoreLocation>().unwrap_err();
        assert_eq!(mysql, StoreLocationError::Scheme("mysql".to_owned()));
        let wrong = "postgres://host:port/database".parse::<StoreLocation>();
        assert!(matches!(wrong, Err(StoreLocationError::Postgres(_))), "{wrong:?}");
    }

    #[test]
    fn a_password_is_never_shown() {
        let url = "postgres://ada:secret@db.example.org:6000/models?sslmode=require";
        let location: StoreLocation = url.parse().unwrap();
        assert_eq!(location.to_string(), "postgres://db.example.org:6000/models");
        assert!(!format!("{location:?}").contains("secret"));
    }
}

//! The service's secret in a file: 32 bytes that make codes checkable and not guessable.
//! Not here: making one; the data folder does.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use kit::Secret;

use crate::exit::Advised;

/// What to do where there is no secret.
pub(crate) const MAKE: &str = "All instances need the same one: make it once with \
    `openssl rand -hex 32 > secret`, and give it to each with --secret-file.";

/// Reads a secret: 32 bytes, or the same as 64 hexadecimal digits.
///
/// # Errors
/// If the file cannot be read or holds something else.
pub(crate) fn read(path: &Path) -> Result<Secret> {
    let content = fs::read(path).with_context(|| {
        Advised::usage(format!("cannot read the secret {}", path.display()), MAKE)
    })?;
    if let Ok(bytes) = content.as_slice().try_into() {
        return Ok(Secret::new(bytes));
    }
    let bytes = from_hex(content.trim_ascii()).ok_or_else(|| {
        Advised::usage(
            format!("{} does not hold a secret of 64 hexadecimal digits", path.display()),
            MAKE,
        )
    })?;
    Ok(Secret::new(bytes))
}

pub(crate) fn from_hex(digits: &[u8]) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let (pairs, rest) = digits.as_chunks::<2>();
    if pairs.len() != bytes.len() || !rest.is_empty() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(pairs) {
        let text = str::from_utf8(pair).ok().filter(|text| !text.contains('+'))?;
        *byte = u8::from_str_radix(text, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_secret_is_refused_with_advice() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        for text in ["", "abc", &"g".repeat(64), &"+7".repeat(32), &"ä".repeat(32)] {
            fs::write(&path, text).unwrap();
            assert!(read(&path).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_secret_may_be_bytes_or_digits() {
        let folder = tempfile::tempdir().unwrap();
        let digest = |content: &[u8]| {
            let path = folder.path().join("secret");
            fs::write(&path, content).unwrap();
            read(&path).unwrap().digest("test", b"message")
        };
        assert_eq!(digest(&[7; 32]), digest(format!("{}\n", "07".repeat(32)).as_bytes()));
    }
}

//! Entity tags, RFC 9110 section 8.8.3: a version in quotes. Not here: what follows from a match.

use hyper::{HeaderMap, header::HeaderName};
use infrastructure::problem::Problem;
use kit::Version;

/// What `If-Match` or `If-None-Match` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tags {
    /// `*`: whatever there is.
    Any,
    /// These.
    Listed(Vec<Tag>),
}

/// One tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag {
    pub(crate) weak: bool,
    pub(crate) text: String,
}

/// The tag of `version`.
pub(crate) fn of(version: Version) -> String {
    format!("\"{version}\"")
}

impl Tag {
    /// The version that it stands for. One that was spelled otherwise is none of ours.
    pub(crate) fn version(&self) -> Option<Version> {
        let version = self.text.parse().ok().map(Version)?;
        (version.to_string() == self.text).then_some(version)
    }
}

impl Tags {
    /// The tags in the header `name`, if it is there.
    ///
    /// # Errors
    /// `invalid`, if it holds anything else.
    pub(crate) fn read(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Self>, Problem> {
        let mut listed = Vec::new();
        let mut values = headers.get_all(name).iter().peekable();
        if values.peek().is_none() {
            return Ok(None);
        }
        let malformed =
            || Problem::invalid(format!("header {name}: expected `*` or \"<version>\""));
        let mut any = false;
        for value in values {
            match value.to_str().map_err(|_| malformed())?.trim() {
                "*" => any = true,
                text => listed.extend(parse(text).ok_or_else(malformed)?),
            }
        }
        match (any, listed.is_empty()) {
            (true, true) => Ok(Some(Self::Any)),
            (false, false) => Ok(Some(Self::Listed(listed))),
            _ => Err(malformed()),
        }
    }

    /// Whether `version` is among them by the weak comparison, which `If-None-Match` asks for.
    pub(crate) fn name(&self, version: Version) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(tags) => tags.iter().any(|tag| tag.version() == Some(version)),
        }
    }
}

fn parse(mut rest: &str) -> Option<Vec<Tag>> {
    let mut tags = Vec::new();
    loop {
        let (weak, quoted) = match rest.strip_prefix("W/") {
            Some(quoted) => (true, quoted),
            None => (false, rest),
        };
        let (text, behind) = quoted.strip_prefix('"')?.split_once('"')?;
        tags.push(Tag { weak, text: text.to_owned() });
        rest = behind.trim_start();
        if rest.is_empty() {
            return Some(tags);
        }
        rest = rest.strip_prefix(',')?.trim_start();
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::IF_MATCH;

    use super::*;

    fn read(values: &[&str]) -> Result<Option<Tags>, Problem> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(IF_MATCH, value.parse().unwrap());
        }
        Tags::read(&headers, &IF_MATCH)
    }

    fn tag(weak: bool, text: &str) -> Tag {
        Tag { weak, text: text.to_owned() }
    }

    #[test]
    fn tags_are_read_as_the_standard_writes_them() {
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&["*"]), Ok(Some(Tags::Any)));
        let listed = Tags::Listed(vec![tag(false, "3"), tag(true, "4"), tag(false, "a,b")]);
        assert_eq!(read(&["\"3\", W/\"4\"", "\"a,b\""]), Ok(Some(listed)));
        assert_eq!(tag(false, "3").version(), Some(Version(3)));
        for not_ours in ["03", "+3", "x", ""] {
            assert_eq!(tag(false, not_ours).version(), None, "{not_ours}");
        }
    }

    #[test]
    fn what_is_no_tag_is_refused() {
        for bad in ["3", "\"3", "\"3\" \"4\"", "\"3\",", "*, \"3\"", "w/\"3\"", ""] {
            assert!(read(&[bad]).is_err(), "{bad}");
        }
        assert!(read(&["*", "\"3\""]).is_err());
    }
}

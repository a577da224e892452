//! What a request shows to be let in.
//! Not here: whether it is good for anything.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header::AUTHORIZATION};

use super::key::ApiKey;

/// Where a key may stand beside `Authorization`; the second is where supabase-js puts it.
pub(super) const KEY_HEADERS: [HeaderName; 2] =
    [HeaderName::from_static("x-api-key"), HeaderName::from_static("apikey")];

/// What a request shows.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shown<'a> {
    /// Nothing.
    Nothing,
    /// What looks like an API key.
    Key(&'a str),
    /// What is to be a token.
    Token(&'a str),
    /// Something else, or several.
    Unreadable,
}

/// What `headers` show. Only the first header that is there counts, of `Authorization`, `X-Api-Key` and
/// `apikey`: supabase-js sends a user's token in the first and the application's key in the last.
pub(super) fn shown(headers: &HeaderMap) -> Shown<'_> {
    if headers.contains_key(AUTHORIZATION) {
        let value = only(headers, &AUTHORIZATION).and_then(|value| value.split_once(' '));
        return match value {
            Some((scheme, text)) if scheme.eq_ignore_ascii_case("bearer") => read(text.trim()),
            _ => Shown::Unreadable,
        };
    }
    match KEY_HEADERS.iter().find(|name| headers.contains_key(*name)) {
        Some(name) => only(headers, name).map_or(Shown::Unreadable, read),
        None => Shown::Nothing,
    }
}

fn read(text: &str) -> Shown<'_> {
    if text.is_empty() {
        Shown::Unreadable
    } else if ApiKey::is_meant(text) {
        Shown::Key(text)
    } else {
        Shown::Token(text)
    }
}

fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().map(HeaderValue::to_str)?.ok()?;
    values.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(given: &[(&'static str, &'static str)]) -> HeaderMap {
        given.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_key_or_a_token_is_found_where_it_may_stand() {
        for (given, expected) in [
            (&[][..], Shown::Nothing),
            (&[("authorization", "Bearer hw_a_b")], Shown::Key("hw_a_b")),
            (&[("authorization", "bearer a.b.c")], Shown::Token("a.b.c")),
            (&[("x-api-key", "hw_a_b")], Shown::Key("hw_a_b")),
            (&[("apikey", "hw_a_b")], Shown::Key("hw_a_b")),
            (&[("authorization", "Bearer a.b.c"), ("apikey", "hw_a_b")], Shown::Token("a.b.c")),
            (&[("authorization", "Basic YTpi")], Shown::Unreadable),
            (&[("authorization", "Basic YTpi"), ("apikey", "hw_a_b")], Shown::Unreadable),
            (&[("authorization", "Bearer")], Shown::Unreadable),
            (&[("authorization", "Bearer ")], Shown::Unreadable),
            (&[("authorization", "hw_a_b")], Shown::Unreadable),
            (&[("x-api-key", "")], Shown::Unreadable),
            (&[("cookie", "hw_a_b")], Shown::Nothing),
        ] {
            assert_eq!(shown(&headers(given)), expected, "{given:?}");
        }
    }

    #[test]
    fn of_two_headers_of_one_name_neither_counts() {
        let mut twice = headers(&[("authorization", "Bearer hw_a_b")]);
        twice.append(AUTHORIZATION, HeaderValue::from_static("Bearer hw_c_d"));
        assert_eq!(shown(&twice), Shown::Unreadable);
    }
}

//! `/docs`: a page that reads `/openapi.json` and asks what it describes. Made of three files of our own,
//! so it needs no network, and nothing of it may come from elsewhere.
//!
//! The page is open, because a browser cannot show a key when it first asks for one: it is the same for
//! everybody, and says nothing until it is given a key. The key stays in the page's memory.

use axum::{
    Router,
    http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE},
    response::IntoResponse,
    routing::get,
};

/// Scripts, styles and answers from this server, and nothing else: what a description or an answer
/// holds cannot make the page send a key anywhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const FILES: [(&str, &str, &str); 3] = [
    ("/docs", "text/html; charset=utf-8", include_str!("page/page.html")),
    ("/docs/page.js", "text/javascript; charset=utf-8", include_str!("page/page.js")),
    ("/docs/page.css", "text/css; charset=utf-8", include_str!("page/page.css")),
];

pub(super) fn routes() -> Router {
    FILES.into_iter().fold(Router::new(), |router, (path, kind, text)| {
        let headers = [(CONTENT_TYPE, kind), (CONTENT_SECURITY_POLICY, POLICY)];
        router.route(path, get(async move || (headers, text).into_response()))
    })
}

//! A port behind access control, with an access file that tests change.

use std::{net::SocketAddr, path::PathBuf};

use axum::{
    Extension, Json, Router,
    extract::Path,
    http::HeaderMap,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use chrono::Utc;
use gateway::{
    Caller, Fault,
    access::{
        Access, AccessFile, AccessOptions, ApiKey, KeyEntry, Origins, Principal, Rate, Roles,
    },
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{LIMIT, eventually};
use tokio::{net::TcpListener, task::JoinHandle};

pub(super) struct House {
    pub(super) url: String,
    pub(super) http: reqwest::Client,
    pub(super) folder: TempDir,
    pub(super) file: AccessFile,
    serving: JoinHandle<()>,
}

impl Drop for House {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// What a test opens beside the file.
#[derive(Default)]
pub(super) struct Setting {
    pub(super) rate: Option<Rate>,
    pub(super) origins: Origins,
}

pub(super) fn roles() -> Roles {
    serde_json::from_value(json!({
        "admin": {"commands": ["*.*.*"], "queries": ["*.*"], "histories": ["*.*"]},
        "payments": {"commands": ["design.*.record-payment"]},
    }))
    .unwrap()
}

pub(super) fn entry(key: &ApiKey, role: &str) -> KeyEntry {
    KeyEntry {
        owner: None,
        id: key.id().clone(),
        name: "test".to_owned(),
        roles: [role.to_owned()].into(),
        hash: key.hash().unwrap(),
        created: Utc::now(),
        expires: None,
        revoked: false,
    }
}

pub(super) async fn open(path: PathBuf, setting: Setting) -> Result<Access, String> {
    let Setting { rate, origins } = setting;
    let options = AccessOptions { file: path, shipped: roles(), rate, origins };
    Access::open(options).await.map_err(|error| error.to_string())
}

/// No more than http, but reqwest takes no client without TLS.
fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

impl House {
    pub(super) async fn start(file: AccessFile) -> Self {
        Self::start_with(file, Setting::default()).await
    }

    pub(super) async fn start_with(file: AccessFile, setting: Setting) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.json");
        std::fs::write(&path, serde_json::to_vec(&file).unwrap()).unwrap();
        let access = open(path, setting).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let routes = access.guard(routes()).layer(axum::middleware::map_response(written));
        let service = routes.into_make_service_with_connect_info::<SocketAddr>();
        let serving = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self { url, http: client(), folder, file, serving }
    }

    /// One key with the role `role`, in a file of its own.
    pub(super) async fn with_key(role: &str) -> (Self, ApiKey) {
        let key = ApiKey::generate().unwrap();
        let file = AccessFile { keys: vec![entry(&key, role)], ..AccessFile::default() };
        (Self::start(file).await, key)
    }

    /// Puts a new text in the place of the file, as tools and editors do.
    pub(super) fn write(&self, text: &str) {
        let draft = self.folder.path().join("draft");
        std::fs::write(&draft, text).unwrap();
        std::fs::rename(draft, self.folder.path().join("access.json")).unwrap();
    }

    /// Puts `self.file` in the place of the file.
    pub(super) fn save(&self) {
        self.write(&serde_json::to_string(&self.file).unwrap());
    }

    pub(super) async fn ask(&self, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.http.get(format!("{}/who", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::of(request).await
    }

    pub(super) async fn bearer(&self, credentials: &str) -> Answer {
        self.ask(&[("authorization", &format!("Bearer {credentials}"))]).await
    }

    pub(super) async fn command(&self, key: &ApiKey, path: &str) -> Answer {
        let request = self.http.post(format!("{}/v1/commands/{path}", self.url));
        Answer::of(request.bearer_auth(key.reveal())).await
    }

    /// Waits until the answer to `credentials` has this status, as after a change of the file.
    pub(super) async fn until(&self, credentials: &str, status: u16) -> Answer {
        eventually("the file is read again", LIMIT, async || {
            Some(self.bearer(credentials).await).filter(|answer| answer.status == status)
        })
        .await
    }
}

/// A whole answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

impl Answer {
    pub(super) async fn of(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.unwrap();
        Self { status, headers, body: serde_json::from_slice(&body).unwrap_or_default() }
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[track_caller]
    pub(super) fn refused(&self, status: u16, code: &str, detail: &str) {
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{self:?}");
        let said = self.body["detail"].as_str().unwrap();
        assert!(said.contains(detail), "{said:?} has no {detail:?}");
    }
}

fn routes() -> Router {
    let command = async |Path([aggregate, id, name]): Path<[String; 3]>,
                         asks: Extension<Principal>| {
        asks.check_command(&aggregate, &id, &name)?;
        Ok::<_, Fault>("done")
    };
    Router::new()
        .route("/who", get(who))
        .route("/v1/commands/{aggregate}/{id}/{name}", post(command))
}

async fn who(
    Extension(principal): Extension<Principal>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Response {
    let credentials = ["authorization", "x-api-key", "apikey"];
    let left = credentials.into_iter().filter(|name| headers.contains_key(*name)).count();
    Json(json!({
        "user": principal.user_id(),
        "caller": caller.user.as_deref(),
        "payments": principal.has_role("payments"),
        "credentials_left": left,
    }))
    .into_response()
}

/// The gateway's edge does this in earnest.
async fn written(mut response: Response) -> Response {
    if let Some(Fault(problem)) = response.extensions_mut().remove() {
        *response.body_mut() = serde_json::to_vec(&problem).unwrap().into();
    }
    response
}

//! The face for supabase-js: its own client with the original samples, and what nobody may get through it.

use std::path::{Path, PathBuf};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{LIMIT, eventually};
use tokio::{process::Command, sync::OnceCell};

use crate::kit::{Installation, finish};

mod applications;
mod own;
mod refusals;

/// The example with its packages, below the build folder.
async fn example() -> PathBuf {
    static FOLDER: OnceCell<PathBuf> = OnceCell::const_new();
    FOLDER.get_or_init(install).await.clone()
}

async fn install() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/supabase");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("supabase-example");
    std::fs::create_dir_all(&folder).unwrap();
    let locked = std::fs::read_to_string(source.join("package-lock.json")).unwrap();
    let done = folder.join("installed.json");
    let is_done = std::fs::read_to_string(&done).is_ok_and(|installed| installed == locked);
    for file in ["package.json", "package-lock.json", "design-requests.mjs"] {
        std::fs::copy(source.join(file), folder.join(file)).unwrap();
    }
    if !is_done {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&folder);
        let output = npm.output().await.expect("npm is installed");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        std::fs::write(&done, locked).unwrap();
    }
    folder
}

/// An installation that knows a key for each of some callers.
struct Shop {
    installation: Installation,
    http: reqwest::Client,
    admin: String,
    client: String,
}

impl Shop {
    async fn open() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let installation = Installation::start().await;
        let admin = std::fs::read_to_string(installation.data.path().join("key")).unwrap();
        let create = ["keys", "create", "--name", "shop", "--role", "client", "--role", "reader"];
        let made = installation.run(&[&create[..], &["--output", "json"]].concat()).await;
        let client = made.json().remove(0)["key"].as_str().unwrap().to_owned();
        let product = r#"{"name":"Poster","prices":{"eur":4990,"jpy":8000}}"#;
        installation.send(["product", "poster", "create-product"], product).await;
        let (http, admin) = (reqwest::Client::new(), admin.trim().to_owned());
        let shop = Self { installation, http, admin, client };
        eventually("the key of the shop is taken", LIMIT, async || {
            let path = "/rest/v1/design_requests";
            let asked = shop.ask(Method::GET, path, Some(&shop.client), None).await;
            (asked.0 == StatusCode::OK).then_some(())
        })
        .await;
        shop
    }

    /// Asks as supabase-js does.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> (StatusCode, Value) {
        self.ask_with(method, path, key, (body.map(Value::to_string), &[])).await
    }

    async fn ask_with(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        (body, headers): (Option<String>, &[(&str, &str)]),
    ) -> (StatusCode, Value) {
        let url = format!("{}{path}", self.installation.dev.http);
        let mut request = self.http.request(method, url).header("content-type", "application/json");
        if let Some(key) = key {
            request = request.header("apikey", key).bearer_auth(key);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.body(body.unwrap_or_default()).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        let json = serde_json::from_str(&text);
        (status, json.unwrap_or_else(|_| json!({"no json": text})))
    }

    /// How long the log is.
    async fn log(&self) -> u64 {
        let client = async_nats::connect(&self.installation.dev.url).await.unwrap();
        let context = async_nats::jetstream::new(client);
        let stream = context.get_stream(nats::names::EVENTS).await.unwrap();
        stream.cached_info().state.last_sequence
    }
}

#[tokio::test]
async fn the_original_samples_run_unchanged_and_a_client_forges_no_payment() {
    for program in ["node", "npm"] {
        if Command::new(program).arg("--version").output().await.is_err() {
            return test_postgres::left_out(
                "Node 18 and npm (on Debian: apt-get install nodejs npm)",
            );
        }
    }
    let (shop, folder) = tokio::join!(Shop::open(), example());
    let mut node = Command::new("node");
    node.arg("design-requests.mjs").current_dir(folder).kill_on_drop(true);
    node.env("HEADWATER_URL", &shop.installation.dev.http).env("HEADWATER_PRODUCT", "poster");
    node.env("HEADWATER_KEY", &shop.client).env("HEADWATER_ADMIN_KEY", &shop.admin);
    node.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let finished = finish(node, "").await;
    let said = finished.ok();
    for line in ["created ", "refused a payment: ", "stands at PAID Poster", "completed "] {
        assert!(said.contains(line), "{finished:?}");
    }
}

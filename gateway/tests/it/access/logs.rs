//! What stands in the log when somebody is let in or not: no key, no token.

use std::{
    io,
    sync::{Arc, Mutex},
};

use serde_json::json;
use tracing_subscriber::{
    fmt::MakeWriter, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use super::{
    house::House,
    issuer::{Signer, claims, set, trusting, with},
};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_key_and_no_token_stands_in_the_log() {
    let log = Log::default();
    let to_log = tracing_subscriber::fmt::layer().with_writer(log.clone()).with_ansi(false);
    // Everything that any crate says: on this thread alone, so the other tests are not heard.
    let _heard = tracing_subscriber::registry().with(to_log).set_default();
    let signer = Signer::es256("e");
    let (mut house, key) = House::with_key("admin").await;
    let secret = key.reveal().rsplit('_').next().unwrap().to_owned();
    house.file.jwt = trusting("keys.json").jwt;
    set(&house.folder.path().join("keys.json"), &[&signer.public]);
    house.save();
    let good = signer.sign(&claims());
    house.until(&good, 200).await;
    let bad = signer.sign(&with("sub", json!("")));
    house.bearer(&bad).await.refused(401, "unauthenticated", "subject");
    assert_eq!(house.bearer(&key.reveal()).await.status, 200);
    house.bearer("hw_0123456789ab_guessed").await.refused(401, "unauthenticated", "no such key");
    house.write("{");
    house.write(&serde_json::to_string(&house.file).unwrap().replace("\"name\"", "\"nam\""));
    tests::eventually("the broken file is spoken of", tests::LIMIT, async || {
        String::from_utf8(log.0.lock().unwrap().clone())
            .unwrap()
            .contains("NOT taken")
            .then_some(())
    })
    .await;
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let hash = String::from(house.file.keys[0].hash.clone());
    let [good, bad] = [&good, &bad].map(|token| token.rsplit('.').next().unwrap().to_owned());
    for hidden in [&secret, "guessed", &hash, &good, &bad] {
        assert!(!text.contains(hidden), "{hidden} stands in the log");
    }
}

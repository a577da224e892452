//! Tokens: good ones, forged ones, and keys that change.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use axum::{Json, Router, http::StatusCode, routing::get};
use chrono::Utc;
use gateway::access::AccessFile;
use serde_json::{Value, json};
use tests::{LIMIT, eventually};
use tokio::net::TcpListener;

use super::{
    house::House,
    issuer::{Signer, claims, forged, rsa, set, trusting, with},
};

/// A house that trusts the keys of a file beside its own.
async fn house(signers: &[&Signer]) -> House {
    let mut file = trusting("keys.json");
    file.jwt.as_mut().unwrap().roles_claim = "roles".to_owned();
    let house = House::start(file).await;
    let public: Vec<_> = signers.iter().map(|signer| &signer.public).collect();
    set(&house.folder.path().join("keys.json"), &public);
    house
}

#[tokio::test]
async fn a_token_of_each_algorithm_is_taken_and_its_subject_is_the_user() {
    let signers = [Signer::rs256("r"), Signer::es256("e"), Signer::eddsa("d")];
    let house = house(&signers.each_ref()).await;
    for signer in &signers {
        let answer = house.bearer(&signer.sign(&claims())).await;
        assert_eq!(answer.status, 200, "{}: {answer:?}", signer.id);
        assert_eq!(answer.body["user"], "ada");
        assert_eq!(answer.body["payments"], true);
    }
    let several = signers[1].sign(&with("aud", json!(["other", "headwater"])));
    assert_eq!(house.bearer(&several).await.status, 200);
    let words = house.bearer(&signers[1].sign(&with("roles", json!("a payments b")))).await;
    assert_eq!(words.body["payments"], true);
    for nothing in [json!(null), json!({"payments": true}), json!([["payments"]]), json!(1)] {
        let answer = house.bearer(&signers[1].sign(&with("roles", nothing))).await;
        assert_eq!((answer.status, &answer.body["payments"]), (200, &json!(false)));
    }
}

#[tokio::test]
async fn what_a_token_must_say_is_required() {
    let signer = Signer::es256("e");
    let now = Utc::now().timestamp();
    let cases = [
        ("exp", json!(now - 60), "has expired"),
        ("exp", json!(null), "lacks a claim"),
        ("exp", json!("soon"), "lacks a claim"),
        ("nbf", json!(now + 60), "not valid yet"),
        ("aud", json!("other"), "for somebody else"),
        ("aud", json!([]), "for somebody else"),
        ("aud", json!(null), "lacks a claim"),
        ("iss", json!("https://id.example.org"), "from somebody else"),
        ("iss", json!(["https://id.example.org/"]), "from somebody else"),
        ("iss", json!(null), "lacks a claim"),
        ("sub", json!(null), "lacks a claim"),
        ("sub", json!(7), "lacks a claim"),
        ("sub", json!(""), "subject"),
        ("sub", json!("a\r\nUser-Id: b"), "subject"),
        ("sub", json!("key:0123456789ab"), "subject"),
        ("sub", json!("x".repeat(257)), "subject"),
    ];
    for chunk in cases.chunks(8) {
        // More failures from one address would end it.
        let house = house(&[&signer]).await;
        for (claim, value, expected) in chunk {
            let answer = house.bearer(&signer.sign(&with(claim, value.clone()))).await;
            answer.refused(401, "unauthenticated", expected);
        }
    }
}

#[tokio::test]
async fn a_token_that_nobody_signed_is_refused() {
    let (signer, stranger) = (Signer::rs256("r"), Signer::es256("r"));
    let house = house(&[&signer]).await;
    let modulus = signer.public["n"].as_str().unwrap();
    let pkcs1 = rsa();
    let good = signer.sign(&claims());
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let changed = with("sub", json!("eve")).to_string();
    let changed = forged(&json!({}), &serde_json::from_str::<Value>(&changed).unwrap(), signature);
    let (_, changed) = changed.split_once('.').unwrap();
    let (header, _) = signed.split_once('.').unwrap();
    for (token, expected) in [
        (forged(&json!({"alg": "none", "kid": "r"}), &claims(), ""), "cannot be read"),
        (forged(&json!({"alg": "None", "kid": "r"}), &claims(), signature), "cannot be read"),
        (signer.confused(modulus.as_bytes(), &claims()), "algorithm"),
        (signer.confused(&pkcs1, &claims()), "algorithm"),
        (stranger.sign(&claims()), "a key that is not known"),
        (format!("{header}.{changed}"), "signature is wrong"),
        (format!("{signed}."), "signature is wrong"),
        (
            forged(&json!({"alg": "RS256", "kid": "r", "crit": ["exp"]}), &claims(), signature),
            "must be understood",
        ),
    ] {
        house.bearer(&token).await.refused(401, "unauthenticated", expected);
    }
    assert_eq!(house.bearer(&good).await.status, 200);
}

#[tokio::test]
async fn only_the_algorithms_of_the_file_are_taken() {
    let (one, other) = (Signer::es256("e"), Signer::eddsa("d"));
    let mut file = trusting("keys.json");
    file.jwt.as_mut().unwrap().algorithms.retain(|algorithm| algorithm.to_string() == "EdDSA");
    let house = House::start(file).await;
    set(&house.folder.path().join("keys.json"), &[&one.public, &other.public]);
    house.bearer(&one.sign(&claims())).await.refused(401, "unauthenticated", "algorithm");
    assert_eq!(house.bearer(&other.sign(&claims())).await.status, 200);
}

#[tokio::test]
async fn keys_are_exchanged_without_a_restart() {
    let (old, new) = (Signer::es256("old"), Signer::es256("new"));
    let house = house(&[&old]).await;
    assert_eq!(house.bearer(&old.sign(&claims())).await.status, 200);
    set(&house.folder.path().join("keys.json"), &[&new.public]);
    house.until(&new.sign(&claims()), 200).await;
    house.until(&old.sign(&claims()), 401).await;
    house.bearer(&old.sign_as("new", &claims())).await.refused(401, "unauthenticated", "signature");
}

/// A source of keys that counts, and can be away.
struct Served {
    url: String,
    asked: Arc<AtomicU32>,
    away: Arc<AtomicBool>,
}

async fn served(keys: Vec<Value>) -> Served {
    let (asked, away) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
    let (count, gone) = (Arc::clone(&asked), Arc::clone(&away));
    let answer = move || {
        count.fetch_add(1, Ordering::SeqCst);
        let (keys, gone) = (keys.clone(), gone.load(Ordering::SeqCst));
        async move {
            if gone { Err(StatusCode::BAD_GATEWAY) } else { Ok(Json(json!({ "keys": keys }))) }
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    tokio::spawn(async move {
        axum::serve(listener, Router::new().route("/keys", get(answer))).await.unwrap();
    });
    Served { url, asked, away }
}

#[tokio::test]
async fn forged_key_ids_do_not_make_the_issuer_busy() {
    let signer = Signer::es256("e");
    let source = served(vec![signer.public.clone()]).await;
    let house = House::start(trusting(&source.url)).await;
    let tokens = (0..30).map(|number| signer.sign_as(&format!("forged-{number}"), &claims()));
    let asking = tokens.map(|token| {
        let house = &house;
        async move { house.bearer(&token).await.status }
    });
    let answers = futures::future::join_all(asking).await;
    assert!(answers.iter().all(|status| *status == 401), "{answers:?}");
    assert_eq!(source.asked.load(Ordering::SeqCst), 1);
    assert_eq!(house.bearer(&signer.sign(&claims())).await.status, 200);
    assert_eq!(source.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_issuer_that_is_away_is_no_fault_of_the_token_and_what_was_known_stays() {
    let signer = Signer::es256("e");
    let source = served(vec![signer.public.clone()]).await;
    let house = House::start(trusting(&source.url)).await;
    assert_eq!(house.bearer(&signer.sign(&claims())).await.status, 200);
    source.away.store(true, Ordering::SeqCst);
    assert_eq!(house.bearer(&signer.sign(&claims())).await.status, 200);

    let away = served(vec![]).await;
    away.away.store(true, Ordering::SeqCst);
    let house = House::start(trusting(&away.url)).await;
    let answer = house.bearer(&signer.sign(&claims())).await;
    answer.refused(503, "unavailable", "away");
}

#[tokio::test]
async fn an_issuer_that_is_taken_out_of_the_file_signs_nothing_any_more() {
    let signer = Signer::es256("e");
    let mut house = house(&[&signer]).await;
    assert_eq!(house.bearer(&signer.sign(&claims())).await.status, 200);
    house.file = AccessFile::default();
    house.save();
    eventually("no token is taken", LIMIT, async || {
        (house.bearer(&signer.sign(&claims())).await.status == 401).then_some(())
    })
    .await;
}

//! A context makes the same of the same command.

use kit::{
    AggregateId, Secret,
    scenario::{context, id, noon},
};

#[test]
fn a_repeat_makes_the_same_ids_and_another_command_makes_others() {
    let (first, again, other) = (context(noon(), 1), context(noon(), 1), context(noon(), 2));
    let ids = [first.id(), first.id()];
    assert_ne!(ids[0], ids[1]);
    assert_eq!(ids, [again.id(), again.id()]);
    assert!(!ids.contains(&other.id()));
}

#[test]
fn a_context_knows_its_aggregate_when_told() {
    assert_eq!(context(noon(), 1).aggregate_id(), Some(&id("self")));
    assert_eq!(context(noon(), 1).about(id("other")).aggregate_id(), Some(&id("other")));
}

/// RFC 4231 has no key of 32 bytes; this value is from OpenSSL:
/// `printf 'code\0challenge' | openssl dgst -sha256 -mac HMAC -macopt hexkey:0707…07`.
#[test]
fn a_digest_is_hmac_sha_256_of_the_purpose_and_the_message() {
    let digest = Secret::new([7; 32]).digest("code", b"challenge");
    assert_eq!(
        AggregateId::hex(digest).as_str(),
        "5f15f63c0d4049c0c7abded95d3c46298e6eeedc5eb279dbff677256ce932c95"
    );
}

#[test]
fn a_digest_differs_by_purpose_message_and_secret() {
    let secret = Secret::new([7; 32]);
    let digest = secret.digest("code", b"challenge");
    for other in [
        secret.digest("mode", b"challenge"),
        secret.digest("code", b"challengf"),
        secret.digest("codec", b"hallenge"),
        Secret::new([8; 32]).digest("code", b"challenge"),
    ] {
        assert_ne!(digest, other);
    }
}

#[test]
fn a_secret_is_never_printed() {
    assert_eq!(format!("{:?}", Secret::new([7; 32])), "Secret(..)");
}

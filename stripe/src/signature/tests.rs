//! Vectors, and what no header and no body may do.

use proptest::prelude::*;

use super::*;

const BODY: &[u8] = b"{\n  \"id\": \"evt_1\",\n  \"object\": \"event\"\n}";
const TIME: i64 = 1_700_000_000;

fn secrets(text: &str) -> SigningSecrets {
    text.parse().unwrap()
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn hex(secret: &str, time: i64, body: &[u8]) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    let mac = mac.chain_update(format!("{time}.")).chain_update(body).finalize();
    mac.into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn header(secret: &str, time: i64, body: &[u8]) -> String {
    format!("t={time},v1={}", hex(secret, time, body))
}

fn check(body: &[u8], header: &str) -> Result<(), SignatureError> {
    verify(body, Some(header.as_bytes()), &secrets("whsec_new\nwhsec_old"), at(TIME))
}

#[test]
fn a_signature_that_openssl_made_is_right() {
    // printf '1700000000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_test
    let known = "c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925";
    let header = format!("t=1700000000,v1={known}");
    let body = br#"{"id":"evt_1"}"#;
    assert_eq!(verify(body, Some(header.as_bytes()), &secrets("whsec_test"), at(TIME)), Ok(()));
}

#[test]
fn any_of_several_signatures_by_any_of_several_secrets_is_enough() {
    let other = "0".repeat(64);
    for secret in ["whsec_new", "whsec_old"] {
        let good = hex(secret, TIME, BODY);
        assert_eq!(check(BODY, &format!("t={TIME},v1={other},v1={good},v0={other}")), Ok(()));
        assert_eq!(check(BODY, &format!("v1={good}, t={TIME}")), Ok(()));
    }
    assert_eq!(check(BODY, &header("whsec_stranger", TIME, BODY)), Err(SignatureError::Wrong));
}

#[test]
fn what_is_wrong_with_a_header_has_a_stable_code() {
    let good = hex("whsec_new", TIME, BODY);
    for (header, code) in [
        (String::new(), "malformed-signature"),
        (format!("v1={good}"), "malformed-signature"),
        (format!("t={TIME}"), "malformed-signature"),
        (format!("t={TIME},v0={good}"), "malformed-signature"),
        (format!("t={TIME},t={TIME},v1={good}"), "malformed-signature"),
        (format!("t=+{TIME},v1={good}"), "malformed-signature"),
        (format!("t=99999999999999999,v1={good}"), "malformed-signature"),
        (format!("t={TIME},v1={good}0"), "malformed-signature"),
        (format!("t={TIME},v1={}", &good[..62]), "malformed-signature"),
        (format!("t={TIME}{}", format!(",v1={good}").repeat(9)), "malformed-signature"),
        (format!("t={TIME},v1={good}{}", " ".repeat(2048)), "malformed-signature"),
        (format!("t=0{TIME},v1={good}"), "wrong-signature"),
    ] {
        assert_eq!(check(BODY, &header).unwrap_err().code(), code, "{header}");
    }
    let missing = verify(BODY, None, &secrets("whsec_new"), at(TIME)).unwrap_err();
    assert_eq!(missing.code(), "missing-signature");
}

#[test]
fn a_signature_counts_for_three_hundred_seconds_in_both_directions() {
    for (distance, result) in [
        (-301, Err(SignatureError::Stale)),
        (-300, Ok(())),
        (300, Ok(())),
        (301, Err(SignatureError::Stale)),
    ] {
        assert_eq!(check(BODY, &header("whsec_new", TIME + distance, BODY)), result, "{distance}");
    }
    let forged = header("whsec_stranger", TIME - 1000, BODY);
    assert_eq!(check(BODY, &forged), Err(SignatureError::Wrong), "a stranger learns no more");
}

proptest! {
    #[test]
    fn nothing_that_comes_is_taken_or_breaks_anything(
        body in proptest::collection::vec(any::<u8>(), 0..200),
        header in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        prop_assert!(verify(&body, Some(&header), &secrets("whsec_new"), at(TIME)).is_err());
    }

    #[test]
    fn no_header_of_about_the_right_form_breaks_anything(
        header in "(t=[-+0-9]{0,20}|v[01]=[0-9a-fA-Fx]{0,70}|[ ,=tv1]{0,5})(,(t=[0-9]{0,12}|v1=[0-9a-f]{64})){0,4}",
    ) {
        prop_assert!(check(BODY, &header).is_err());
    }

    #[test]
    fn one_changed_byte_anywhere_is_refused(place in any::<prop::sample::Index>(), flip in 1..=255u8) {
        let signed = header("whsec_new", TIME, BODY).into_bytes();
        let mut all = [BODY, signed.as_slice()].concat();
        let place = place.index(all.len());
        all[place] ^= flip;
        let (body, header) = all.split_at(BODY.len());
        let result = verify(body, Some(header), &secrets("whsec_new"), at(TIME));
        prop_assert!(result.is_err(), "byte {place} ^ {flip}");
    }
}

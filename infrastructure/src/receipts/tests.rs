use kit::CommandId;

use super::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn v7(made: DateTime<Utc>) -> CommandId {
    let millis = u64::try_from(made.timestamp_millis()).unwrap();
    uuid::Builder::from_unix_timestamp_millis(millis, &[7; 10]).into_uuid().into()
}

fn receipt(number: u64, time: DateTime<Utc>) -> Receipt {
    let id: CommandId = format!("command-{number}").parse().unwrap();
    Receipt {
        key: CommandKey::from(&id),
        fingerprint: CommandHash::of("count", b"{}").fingerprint(),
        version: Version(number),
        position: Position(10 * number),
        time,
        events: Box::new([]),
    }
}

/// `count` receipts, one a second from 0 on, with the positions 10, 20, ….
fn book(count: u64) -> Receipts {
    let mut book = Receipts::default();
    (1..=count).for_each(|number| book.record(receipt(number, at(number.cast_signed()))));
    book
}

#[test]
fn a_young_book_covers_the_whole_history() {
    let mut book = book(100);
    book.forget(at(1_000_000));
    assert_eq!((book.len(), book.forgotten()), (100, None));
    assert!(book.rules_out(&"anything".parse().unwrap(), None, Position::ZERO));
}

#[test]
fn what_is_older_than_two_minutes_is_forgotten_down_to_256() {
    let mut book = book(1_000);
    book.forget(at(1_000));
    assert_eq!(book.len(), 256);
    assert_eq!(book.forgotten(), Some(Forgotten { position: Position(7_440), time: at(744) }));
    let newest = book.iter().next_back().unwrap().key;
    assert_eq!(book.get(book.find(newest).unwrap()).unwrap().version, Version(1_000));
}

#[test]
fn what_is_younger_than_two_minutes_is_kept_up_to_65_536() {
    let mut book = Receipts::default();
    (1..=70_000).for_each(|number| book.record(receipt(number, at(0))));
    book.forget(at(60));
    assert_eq!(book.len(), RECEIPTS_MAX);
}

#[test]
fn pending_receipts_are_found_confirmed_and_taken_back() {
    let mut book = book(3);
    let number = book.expect(receipt(4, at(4)));
    let key = receipt(4, at(4)).key;
    assert_eq!(book.find(key), Some(number));
    assert!(book.is_pending(number) && !book.is_pending(number - 1));
    book.take_back();
    assert_eq!((book.find(key), book.len()), (None, 3));

    let number = book.expect(receipt(4, at(4)));
    book.confirm(Position(77));
    assert!(!book.is_pending(number));
    assert_eq!(book.get(number).unwrap().position, Position(77));
    assert_eq!(book.get(number - 1).unwrap().position, Position(30));
}

#[test]
fn an_id_made_well_after_everything_forgotten_is_new() {
    let mut book = book(1_000);
    book.forget(at(1_000));
    let rules_out = |seconds| book.rules_out(&v7(at(seconds)), None, Position::ZERO);
    assert!(!rules_out(744), "as old as the newest forgotten one");
    assert!(!rules_out(744 + 60), "the caller's clock may run a minute ahead");
    assert!(rules_out(744 + 61));
}

#[test]
fn the_allowance_for_clocks_is_half_the_span_of_a_short_book() {
    let mut book = Receipts::default();
    (1..=70_000)
        .for_each(|number| book.record(receipt(number, at(if number < 10_000 { 0 } else { 10 }))));
    book.forget(at(10));
    assert!(!book.rules_out(&v7(at(5)), None, Position::ZERO));
    assert!(book.rules_out(&v7(at(6)), None, Position::ZERO));
}

#[test]
fn a_book_that_a_burst_has_filled_still_allows_a_minute_for_clocks() {
    let mut book = Receipts::default();
    (1..=300).for_each(|number| book.record(receipt(number, at(0))));
    book.forget(at(1_000));
    assert_eq!(book.len(), RECEIPTS_MIN);
    assert!(!book.rules_out(&v7(at(60)), None, Position::ZERO));
    assert!(book.rules_out(&v7(at(61)), None, Position::ZERO));
}

#[test]
fn a_derived_id_is_new_if_its_cause_stands_after_everything_forgotten() {
    let mut book = book(1_000);
    book.forget(at(1_000));
    let id = CommandId::derived("welcome", uuid::Uuid::from_u128(1), 0);
    let rules_out = |caused| book.rules_out(&id, caused, Position::ZERO);
    assert!(rules_out(Some(Position(7_440))));
    assert!(!rules_out(Some(Position(7_439))));
    assert!(!rules_out(None));
}

#[test]
fn an_id_that_says_nothing_is_new_only_after_a_search() {
    let mut book = book(1_000);
    book.forget(at(1_000));
    let id = "import-7".parse().unwrap();
    assert!(!book.rules_out(&id, Some(Position(9_999)), Position(7_439)));
    assert!(book.rules_out(&id, None, Position(7_440)));
}

#[test]
fn times_that_go_back_do_not_make_a_receipt_look_older() {
    let mut book = Receipts::default();
    book.record(receipt(1, at(50)));
    book.record(receipt(2, at(10)));
    assert!(book.iter().all(|receipt| receipt.time == at(50)));
}

#[test]
fn only_canonical_uuids_are_their_own_key() {
    let key = |text: &str| CommandKey::from(&text.parse::<CommandId>().unwrap());
    assert_ne!(
        key("67e55044-10b1-426f-9247-bb680e5fe0c8"),
        key("67E55044-10B1-426F-9247-BB680E5FE0C8")
    );
    assert_eq!(key("order-1"), key("order-1"));
    assert_ne!(key("order-1"), key("order-2"));
}

#[test]
fn the_hash_tells_the_name_from_the_body() {
    assert_ne!(CommandHash::of("ab", b"c"), CommandHash::of("a", b"bc"));
    let hash = CommandHash::of("a", b"bc");
    assert_eq!(Fingerprint::read(&hash.to_hex()), hash.fingerprint());
    assert_ne!(Fingerprint::read("none"), hash.fingerprint());
}

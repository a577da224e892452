//! Waits between attempts.

use std::time::Duration;

use kit::{Retries, Retry};

fn waits(retry: Retry, random: f64) -> Vec<f64> {
    (1..=40).map_while(|failures| retry.delay(failures, random)).map(|d| d.as_secs_f64()).collect()
}

#[test]
fn a_bug_is_tried_three_times_two_to_the_power_of_the_attempt_seconds_apart() {
    assert_eq!(waits(Retries::DEFAULT.bug, 0.9), [2.0, 4.0]);
    assert_eq!(waits(Retry::NEVER, 0.0), [] as [f64; 0]);
}

#[test]
fn what_is_away_is_asked_for_ever_and_ever_more_slowly() {
    let waits = waits(Retries::DEFAULT.transient, 0.0);
    assert_eq!(waits[..4], [0.05, 0.1, 0.2, 0.4]);
    assert_eq!((waits.len(), waits[39]), (40, 5.0));
}

#[test]
fn chance_only_shortens_a_wait() {
    let retry = Retries::DEFAULT.transient;
    assert_eq!(retry.delay(1, 1.0), Some(Duration::from_millis(40)));
    assert_eq!(retry.delay(60, 0.5), Some(Duration::from_millis(4_500)));
}

#[test]
fn no_number_makes_a_wait_that_is_not_one() {
    for multiplier in [f64::NAN, f64::INFINITY, -1.0, 0.0, 1e300] {
        for random in [f64::NAN, -3.0, 7.0] {
            let retry = Retry { multiplier, jitter: 9.0, ..Retries::DEFAULT.transient };
            for failures in [0, 1, 2, u32::MAX] {
                assert!(retry.delay(failures, random).unwrap() <= retry.max_delay);
            }
        }
    }
}

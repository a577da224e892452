use std::collections::VecDeque;

use futures::{FutureExt as _, future::join_all};
use proptest::prelude::*;
use tokio::time::advance;

use super::*;

const OPTIONS: BreakerOptions = BreakerOptions::DEFAULT;

async fn fail(breaker: &Breaker, times: u32) {
    for _ in 0..times {
        breaker.admit().await.failed();
    }
}

#[tokio::test(start_paused = true)]
async fn failures_in_a_row_open_it_and_a_success_between_does_not_let_them_add_up() {
    let breaker = Breaker::new("outside", OPTIONS);
    fail(&breaker, 4).await;
    breaker.admit().await.succeeded();
    fail(&breaker, 4).await;
    assert_eq!(breaker.status().state, BreakerState::Closed);
    fail(&breaker, 1).await;
    assert_eq!(breaker.status().state, BreakerState::Open);
    assert!(breaker.admit().now_or_never().is_none());
}

#[tokio::test(start_paused = true)]
async fn it_waits_twice_as_long_after_each_failed_probe_and_a_minute_at_most() {
    let breaker = Breaker::new("outside", OPTIONS);
    fail(&breaker, 5).await;
    for seconds in [5, 10, 20, 40, 60, 60] {
        let since = Instant::now();
        breaker.admit().await.failed();
        assert_eq!(since.elapsed().as_secs(), seconds);
    }
    breaker.admit().await.succeeded();
    assert_eq!(breaker.status().state, BreakerState::Closed);
    fail(&breaker, 5).await;
    let since = Instant::now();
    breaker.admit().await.succeeded();
    assert_eq!(since.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn one_probe_is_let_through_and_the_others_follow_when_it_succeeds() {
    let breaker = Breaker::new("outside", OPTIONS);
    fail(&breaker, 5).await;
    advance(OPTIONS.open_for).await;
    let probe = breaker.admit().await;
    assert_eq!(breaker.status().state, BreakerState::HalfOpen);
    let mut others = std::pin::pin!(join_all((0..8).map(|_| breaker.admit())));
    assert!(others.as_mut().now_or_never().is_none());
    probe.succeeded();
    assert_eq!(others.await.len(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_dropped_leaves_its_place_to_another() {
    let breaker = Breaker::new("outside", OPTIONS);
    fail(&breaker, 5).await;
    advance(OPTIONS.open_for).await;
    let probe = breaker.admit().await;
    let mut other = std::pin::pin!(breaker.admit());
    assert!(other.as_mut().now_or_never().is_none());
    drop(probe);
    other.await.succeeded();
    assert_eq!(breaker.status().state, BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn breakers_of_one_name_are_one() {
    let breakers = Breakers::default();
    fail(&breakers.of("outside", OPTIONS), 5).await;
    assert_eq!(breakers.of("outside", OPTIONS).status().state, BreakerState::Open);
    assert_eq!(breakers.of("elsewhere", OPTIONS).status().state, BreakerState::Closed);
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Ask,
    Succeed,
    Fail,
    GiveUp,
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Ask),
        1 => Just(Step::Succeed),
        4 => Just(Step::Fail),
        1 => Just(Step::GiveUp),
        2 => (0..20_000_u64).prop_map(Step::Pass),
    ]
}

proptest! {
    /// Whatever happens in whatever order: nothing is let through while it is open, one at a time
    /// while it is half open, it never stays open longer than its limit, and it always opens again.
    #[test]
    fn it_keeps_its_word(steps in prop::collection::vec(step(), 1..200)) {
        let (mut circuit, mut now) = (Circuit::new(OPTIONS), Instant::now());
        let mut passes = VecDeque::new();
        for step in steps {
            let (before, failures) = (circuit.state(), circuit.failures());
            match step {
                Step::Ask => match (circuit.admit(now), before) {
                    (Admission::Go(pass), State::Closed) => {
                        prop_assert_eq!(circuit.state(), State::Closed);
                        passes.push_back(pass);
                    }
                    (Admission::Go(pass), State::Open { until }) => {
                        prop_assert!(now >= until);
                        prop_assert_eq!(circuit.state(), State::HalfOpen);
                        passes.push_back(pass);
                    }
                    (Admission::Wait(Some(until)), State::Open { .. }) => {
                        prop_assert!(until > now && until <= now + OPTIONS.open_for_max);
                    }
                    (Admission::Wait(None), State::HalfOpen) => {}
                    answer => prop_assert!(false, "{answer:?}"),
                },
                Step::Succeed => {
                    if let Some(pass) = passes.pop_front() {
                        circuit.succeeded(pass);
                    }
                }
                Step::Fail => {
                    if let Some(pass) = passes.pop_front() {
                        circuit.failed(pass, now);
                    }
                }
                Step::GiveUp => {
                    if let Some(pass) = passes.pop_front() {
                        circuit.given_up(pass, now);
                    }
                }
                Step::Pass(ms) => now += Duration::from_millis(ms),
            }
            if before == State::Closed && circuit.state() != State::Closed {
                prop_assert_eq!(failures + 1, OPTIONS.failures_max);
            }
            if circuit.state() == State::Closed {
                prop_assert!(circuit.failures() < OPTIONS.failures_max);
            }
        }
        // Whoever holds a pass reports at last, and then the way is free again.
        for pass in passes.drain(..) {
            circuit.given_up(pass, now);
        }
        now += OPTIONS.open_for_max;
        let Admission::Go(pass) = circuit.admit(now) else { panic!("nobody is let through") };
        circuit.succeeded(pass);
        prop_assert_eq!(circuit.state(), State::Closed);
    }
}

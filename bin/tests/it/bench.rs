//! `headwater bench`: it measures what it says, in both modes, and reports for machines. What it
//! measures is not judged here: this machine may be doing anything.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::kit::{binary, finish};

#[tokio::test]
async fn every_figure_is_measured_in_both_modes() {
    let mut command = binary().await;
    command.args(["bench", "--rounds", "1", "--seconds", "1", "--json"]);
    let finished = finish(command, "").await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let report: Value = serde_json::from_str(&finished.stdout).unwrap();
    let modes = report["modes"].as_array().unwrap();
    let syncs: Vec<_> = modes.iter().map(|mode| mode["sync"].as_str().unwrap()).collect();
    assert_eq!(syncs, ["default", "always"]);
    for mode in modes {
        let figures = mode["figures"].as_array().unwrap();
        let names: BTreeSet<_> =
            figures.iter().map(|figure| &figure["figure"]).map(Value::to_string).collect();
        assert_eq!(names.len(), 9, "{names:?}");
        for figure in figures {
            assert!(figure["per_second"].as_f64().unwrap() > 0.0, "{figure}");
        }
        for (ratio, target) in [("one", 0.8), ("spread", 0.6), ("hot", 4.0)] {
            assert_eq!(mode[ratio]["target"], target);
            assert_eq!(mode[ratio]["met"], mode[ratio]["ratio"].as_f64().unwrap() >= target);
        }
    }
}

#[tokio::test]
async fn commands_over_http_are_measured_beside_what_they_can_be_at_most() {
    let mut command = binary().await;
    command.args(["bench", "http", "--rounds", "1", "--seconds", "1", "--json"]);
    let report: Value = serde_json::from_str(finish(command, "").await.ok()).unwrap();
    let turns = report["turns"].as_array().unwrap();
    let in_flight: Vec<_> = turns.iter().map(|turn| turn["in_flight"].as_u64().unwrap()).collect();
    assert_eq!(in_flight, [1, 64]);
    for turn in turns {
        let rate = |of: &str| turn[of]["per_second"].as_f64().unwrap();
        let limit = turn["limit_per_second"].as_f64().unwrap();
        assert!((limit - 1.0 / (1.0 / rate("echo") + 1.0 / rate("nats"))).abs() < 1.0, "{turn}");
        let of_the_limit = turn["of_the_limit"].as_f64().unwrap();
        assert!((of_the_limit - rate("http") / limit).abs() < 0.001, "{turn}");
        assert!(rate("http") > 0.0, "{turn}");
    }
}

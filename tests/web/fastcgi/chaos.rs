//! The server and its worker are killed at random instants: every event is answered or fails once,
//! and nothing is left.

use super::{HANDLER, Php, children, stop};
use crate::site::Site;
use crate::support::front::Source;
use crate::support::random::{Random, seeds, soak_or};
use crate::support::{rounds, sys, until};
use std::sync::atomic::{AtomicBool, Ordering};

/// A page that takes a random time, up to two milliseconds.
const PAGE: &str = r#"<?php
parse_str($_SERVER['QUERY_STRING'], $q);
usleep(random_int(0, 2000));
echo $q['n'], ':', getmypid();
"#;

/// Has `events` requests answered while the server and its worker are killed, and returns how many
/// were answered, and how many failed.
fn run(php: Php, seed: u64, events: usize) -> (usize, usize) {
    let Some(dir) = php.root(&[("public/index.php", PAGE)]) else {
        return (0, 0);
    };
    let site = Site::start(&dir, HANDLER);
    let is_over = AtomicBool::new(false);
    let mut groups = Vec::new();
    let counts = std::thread::scope(|scope| {
        let killer = scope.spawn(|| {
            let mut random = Random::new(seed);
            let mut groups = Vec::new();
            while !is_over.load(Ordering::Relaxed) {
                let pause = random.below(150_000) as u64;
                std::thread::sleep(std::time::Duration::from_micros(pause));
                for server in children(&site) {
                    groups.push(server);
                    let workers = crate::support::proc::children(server);
                    let is_worker = random.once_in(2);
                    let pid = *workers.first().filter(|_| is_worker).unwrap_or(&server);
                    sys::kill(pid, random.pick(&[9, 9, 15, 11]));
                }
            }
            groups
        });
        let mut client = site.front(Source::FunctionUrl).client();
        let mut counts = (0, 0);
        for number in 0..events {
            let target = format!("/?n={number}");
            let request = crate::support::front::Request::new("GET", target);
            let answer = client.ask(&request);
            match answer.status {
                200 => {
                    let text = answer.text();
                    assert!(
                        text.starts_with(&format!("{number}:")),
                        "seed {seed}: {text}"
                    );
                    counts.0 += 1;
                }
                502 => counts.1 += 1,
                status => panic!("seed {seed}: {status}: {}", answer.text()),
            }
        }
        is_over.store(true, Ordering::Relaxed);
        groups = killer.join().expect("the killer");
        counts
    });
    assert_eq!(site.get("/?n=last").status, 200, "seed {seed}");
    groups.extend(children(&site));
    // The outcome checks that each event has one answer.
    stop(site);
    groups.sort_unstable();
    groups.dedup();
    for group in groups {
        until("nothing left", || {
            super::crashes::group_of(group).is_empty()
        });
    }
    counts
}

#[test]
fn events_are_answered_or_fail_once_while_servers_are_killed() {
    for php in [Php::Fpm, Php::Cgi] {
        for seed in seeds(1, soak_or("seeds", 1, 1).min(20)) {
            let (answered, failed) = run(php, seed, rounds("events", 2_000));
            println!("{php:?} seed {seed}: {answered} answered, {failed} failed");
            assert!(php.program().is_none() || answered > 0 && failed > 0);
        }
    }
}

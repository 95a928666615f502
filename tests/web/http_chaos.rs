//! `http:` with an application that is killed at random instants: every event has one answer, and
//! nothing is left.

use super::site::{Site, task_root};
use crate::support::front::{Request, Source};
use crate::support::random::{Random, soak_or};
use crate::support::{hosting, skip, sys, until};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A server of Node with a process of its own, which it leaves behind when it is killed.
const APP: &str = "#!/usr/bin/env node
const http = require('node:http');
require('node:child_process').spawn('sleep', ['1000'], { stdio: 'ignore' });
http.createServer((request, response) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
        const wait = Number(request.headers['x-wait'] || 0);
        setTimeout(() => response.end(Buffer.concat(parts)), wait);
    });
}).listen(Number(process.env.PORT), '127.0.0.1');
";

fn survive(variables: &[(&str, &str)], count: usize, seed: u64) {
    println!("seed {seed}"); // shown when what follows fails
    let dir = task_root(&[("app", APP)]);
    let site = Site::with_variables(&dir, "http:app", variables);
    let stop = AtomicBool::new(false);
    let (mut failed, mut total) = (0, count);
    std::thread::scope(|scope| {
        let (process, stop) = (site.process(), &stop);
        let killer = scope.spawn(move || {
            let mut random = Random::new(seed);
            let mut killed = 0;
            while !stop.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(5 + random.below(400) as u64));
                for pid in process.children() {
                    sys::kill(pid, sys::SIGKILL);
                    killed += 1;
                }
            }
            killed
        });
        let mut random = Random::new(seed + 1);
        let mut client = site.front(Source::FunctionUrl).client();
        for number in 0..count {
            let method = random.pick(&["GET", "POST", "PUT"]);
            let body = match random.below(20) {
                0 => vec![b'z'; random.below(2_000_000)],
                _ => number.to_string().into_bytes(),
            };
            let wait = random.below(8).to_string();
            let request = Request::new(method, "/")
                .header("X-Wait", wait)
                .body(body.clone());
            let answer = client.ask(&request);
            match answer.status {
                200 => assert!(answer.body == body, "{number}: {}", answer.body.len()),
                // A stream that broke has begun with 200: the front closes the connection.
                _ => failed += 1,
            }
        }
        stop.store(true, Ordering::SeqCst);
        let killed = killer.join().expect("the killer");
        println!("{killed} processes killed, {failed} of {count} events failed");
        assert!(killed > 0 && failed < count / 2, "{killed} {failed}");
        // An application that is killed before its first event is started again by the next one,
        // not at once (host/idle.rs): the last kill may have met such a one.
        while client.ask(&Request::new("GET", "/")).status != 200 {
            failed += 1;
            total += 1;
            assert!(total < count + 10, "no application starts");
        }
        total += 1;
    });
    until("one application is left, with its process", || {
        site.process().descendants().len() == 2
    });
    let ledger = site.ledger();
    let mut errors = 0;
    for post in &ledger.posts {
        if post.kind == crate::support::api::Kind::Error {
            errors += 1;
            let error_type = hosting::error_type(post);
            let expected = ["Runtime.ExitError", "Runtime.BadHttp"];
            assert!(expected.contains(&error_type.as_str()), "{error_type}");
        }
    }
    assert_eq!(errors, failed);
    assert_eq!(ledger.posts.len(), total);
    site.stop();
}

#[test]
fn application_killed_at_random_loses_no_event_and_leaves_nothing() {
    if !skip::has("node") {
        return;
    }
    let count = soak_or("events of which the application is killed", 2, 2_000);
    survive(&[], count, 0xda7a);
}

//! Pages that end PHP, servers that are killed, frozen or too late.

use super::{HANDLER, Php, children, last_error, server_pid, with, with_each};
use crate::site::Site;
use crate::support::api::{Event, ScriptedReply};
use crate::support::front::{Request, Source};
use crate::support::{bound, proc, sys, until};

/// A page whose query says how it ends.
const PAGE: &str = r#"<?php
parse_str($_SERVER['QUERY_STRING'], $q);
switch ($q['do'] ?? '') {
    case 'kill':
        echo 'before';
        posix_kill(getmypid(), (int) $q['s']);
        usleep(500000);
        echo 'after';
        break;
    case 'exit': echo 'out'; exit(3);
    case 'throw': echo 'begun '; throw new Exception('thrown');
    case 'memory':
        ini_set('memory_limit', '8M');
        $s = 'x';
        while (true) { $s .= $s; }
    case 'sleep': usleep((int) ($q['ms'] * 1000)); echo 'slept'; break;
    case 'early':
        echo str_repeat('x', 1000000);
        flush();
        echo strlen(file_get_contents('php://input'));
        break;
    case 'deaf': echo 'deaf'; break;
    default: echo getmypid();
}
"#;

const FILES: [(&str, &str); 1] = [("public/index.php", PAGE)];

#[test]
fn script_that_ends_early_leaves_the_process_to_the_next_event() {
    with_each(&FILES, &[], |php, site| {
        let pid = site.get("/").text();
        let answer = site.get("/?do=exit");
        assert_eq!((answer.status, answer.text().as_str()), (200, "out"));
        for (target, logged) in [
            ("/?do=throw", "Uncaught Exception: thrown"),
            ("/?do=memory", "Allowed memory size"),
        ] {
            let answer = site.get(target);
            assert_eq!(answer.status, 500, "{php:?} {target}: {}", answer.text());
            site.process().until_logged(logged);
        }
        assert_eq!(site.get("/").text(), pid, "{php:?}");
    });
}

#[test]
fn crash_of_the_worker_fails_its_event_alone_with_the_reason() {
    with(Php::Fpm, &FILES, &[], |site| {
        let server = server_pid(site);
        for (signal, name) in [(11, "SIGSEGV"), (9, "SIGKILL"), (15, "SIGTERM")] {
            let pid = site.get("/").text();
            let answer = site.get(&format!("/?do=kill&s={signal}"));
            assert_eq!(answer.status, 502);
            let error = last_error(site, Source::FunctionUrl, "Runtime.ExitError");
            assert!(
                error.contains("the worker of php-fpm has closed"),
                "{error}"
            );
            assert!(
                error.contains(&format!("signal {signal} ({name})")),
                "{error}"
            );
            let next = site.get("/").text();
            assert!(next != pid && next.parse::<u32>().is_ok(), "{next}");
            assert_eq!(server_pid(site), server);
        }
    });
    with(Php::Cgi, &FILES, &[], |site| {
        let server = server_pid(site);
        assert_eq!(site.get("/?do=kill&s=11").status, 502);
        let error = last_error(site, Source::FunctionUrl, "Runtime.ExitError");
        assert!(error.starts_with("signal 11"), "{error}");
        assert!(site.get("/").text().parse::<u32>().is_ok());
        assert_ne!(server_pid(site), server);
    });
}

#[test]
fn server_or_worker_killed_between_events_costs_no_event() {
    with_each(&FILES, &[], |php, site| {
        for _ in 0..5 {
            let worker: u32 = site.get("/").text().parse().expect("a pid");
            sys::kill(worker, 9);
            until("the worker gone", || !is_alive(worker));
            assert_eq!(site.get("/").status, 200, "{php:?}");
            let server = server_pid(site);
            sys::kill(server, 9);
            until("the server gone", || !is_alive(server));
            until("a new server", || children(site).len() == 1);
            assert_eq!(site.get("/").status, 200, "{php:?}");
            assert_eq!(group_of(server), [0; 0], "{php:?}");
        }
    });
}

fn is_alive(pid: u32) -> bool {
    proc::state_and_parent(pid).is_some_and(|(state, _)| state != 'Z')
}

/// The processes of a process group.
pub fn group_of(leader: u32) -> Vec<u32> {
    let is_member = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let mut fields = fields.split_whitespace();
        let (state, group) = (fields.next(), fields.nth(1));
        state != Some("Z") && group.and_then(|text| text.parse().ok()) == Some(leader)
    };
    proc::pids().into_iter().filter(is_member).collect()
}

/// Has an event handled that ends after this time, and returns its id.
fn with_deadline(site: &Site, id: &str, target: &str, ms: u64) {
    let (path, query) = target.split_once('?').expect("a query");
    let body = serde_json::json!({
        "version": "2.0", "rawPath": path, "rawQueryString": query, "headers": {},
        "requestContext": {"http": {"method": "GET", "path": path, "sourceIp": "192.0.2.1"}},
    });
    let deadline_ms = crate::support::api::now_ms() + ms;
    let event = Event::new(id, body.to_string()).deadline(&deadline_ms.to_string());
    site.api().more(vec![ScriptedReply::event(&event)]);
    until("answered", || site.ledger().answers(id).len() == 1);
}

#[test]
fn late_event_fails_and_its_processes_are_killed() {
    with_each(&FILES, &[], |php, site| {
        let server = server_pid(site);
        let ms = bound(1_000).as_millis() as u64;
        with_deadline(site, "late", &format!("/?do=sleep&ms={}", ms * 20), ms);
        let message = crate::support::hosting::error(&site.ledger(), "late", "Function.Timeout");
        assert!(message.contains("killed after"), "{php:?} {message}");
        assert_eq!(site.get("/?do=sleep&ms=1").text(), "slept", "{php:?}");
        assert_ne!(server_pid(site), server);
        assert_eq!(group_of(server), [0; 0], "{php:?}");
    });
}

#[test]
fn page_that_answers_before_it_reads_gets_the_whole_body() {
    with_each(&FILES, &[], |php, site| {
        for bytes in [0, 100_000, 700_000, 5_000_000] {
            let body = vec![b'a'; bytes];
            let request = Request::new("POST", "/?do=early").typed("text/plain", body);
            let answer = site.ask(Source::FunctionUrl, &request);
            let text = answer.text();
            assert_eq!(text.len(), 1_000_000 + bytes.to_string().len(), "{php:?}");
            assert!(text.ends_with(&format!("x{bytes}")), "{php:?}");
            let request = Request::new("POST", "/?do=deaf").typed("text/plain", vec![b'a'; bytes]);
            assert_eq!(site.ask(Source::FunctionUrl, &request).text(), "deaf");
        }
        assert!(site.get("/").text().parse::<u32>().is_ok(), "{php:?}");
    });
}

#[test]
fn freeze_of_all_processes_is_not_noticed() {
    with_each(&FILES, &[], |php, site| {
        let worker: u32 = site.get("/").text().parse().expect("a pid");
        let pids = [site.process().pid(), server_pid(site), worker];
        for pid in pids {
            sys::kill(pid, libc_signal("STOP"));
        }
        std::thread::sleep(std::time::Duration::from_millis(6_500));
        for pid in pids {
            sys::kill(pid, libc_signal("CONT"));
        }
        assert_eq!(site.get("/").text(), worker.to_string(), "{php:?}");
    });
}

/// The number of a signal.
fn libc_signal(name: &str) -> i32 {
    match name {
        "STOP" => 19,
        "CONT" => 18,
        _ => panic!("no number of SIG{name}"),
    }
}

#[test]
fn server_that_cannot_start_is_an_init_error_with_its_log() {
    for php in [Php::Fpm, Php::Cgi] {
        let Some(dir) = php.root(&FILES) else {
            continue;
        };
        let name = if php == Php::Fpm {
            "php-fpm"
        } else {
            "php-cgi"
        };
        let path = dir.path().join("bin").join(name);
        std::fs::remove_file(&path).expect("remove the link");
        dir.executable(
            &format!("bin/{name}"),
            b"#!/bin/sh\necho 'no library' >&2\nexit 78\n",
        );
        let start = crate::support::hosting::start(&dir, HANDLER);
        let outcome = start.run(crate::support::api::Script::default());
        assert_eq!(outcome.code, Some(3), "{php:?}");
        let ledger = &outcome.ledger;
        let post = ledger.posts.first().expect("an init error");
        let message = crate::support::hosting::message(post, "Runtime.ExitError");
        assert_eq!(message, "exit status 78: no library", "{php:?}");
    }
}

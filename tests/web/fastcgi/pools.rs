//! Several processes of the bootstrap (Lambda Managed Instances): each has a server of its own.

use super::{HANDLER, Php, crashes};
use crate::site::Site;
use crate::support::front::Source;
use crate::support::{hosting, until};

/// The pids of the process that answers and of its parent.
const PAGE: &str = "<?php usleep(200000); echo getmypid(), ' ', posix_getppid();";

#[test]
fn processes_of_a_pool_have_a_server_each_and_end_with_it() {
    for php in [Php::Fpm, Php::Cgi] {
        let Some(dir) = php.root(&[("public/index.php", PAGE)]) else {
            continue;
        };
        let start = hosting::start(&dir, HANDLER)
            .variable("AWS_LAMBDA_MAX_CONCURRENCY", "3")
            .variable("AWS_LAMBDA_INITIALIZATION_TYPE", "lambda-managed-instances");
        let site = Site::with(start);
        let front = site.front(Source::Http2);
        let mut servers: Vec<u32> = std::thread::scope(|scope| {
            let requests: Vec<_> = (0..12)
                .map(|_| scope.spawn(|| front.get("/").text()))
                .collect();
            let texts = requests
                .into_iter()
                .map(|one| one.join().expect("an answer"));
            texts.map(|text| server_of(php, &text)).collect()
        });
        servers.sort_unstable();
        servers.dedup();
        assert_eq!(servers.len(), 3, "{php:?}");
        site.stop();
        for server in servers {
            until("nothing left", || crashes::group_of(server).is_empty());
        }
    }
}

/// The process that the bootstrap has started: of php-fpm the parent of the one that answers.
fn server_of(php: Php, answer: &str) -> u32 {
    let (own, parent) = answer.split_once(' ').expect("two pids");
    let server = match php {
        Php::Fpm => parent,
        Php::Cgi => own,
    };
    server.parse().unwrap_or_else(|_| panic!("{answer}"))
}

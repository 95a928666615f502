//! `fastcgi:` with PHP's servers, php-fpm and php-cgi.
//!
//! A server that is not installed is printed as skipped.

#[path = "fastcgi/answers.rs"]
mod answers;
#[path = "fastcgi/chaos.rs"]
mod chaos;
#[path = "fastcgi/crashes.rs"]
mod crashes;
#[path = "fastcgi/events.rs"]
mod events;
#[path = "fastcgi/files.rs"]
mod files;
#[path = "fastcgi/frameworks.rs"]
mod frameworks;
#[path = "fastcgi/hostile.rs"]
mod hostile;
#[path = "fastcgi/logs.rs"]
mod logs;
#[path = "fastcgi/pages.rs"]
mod pages;
#[path = "fastcgi/pools.rs"]
mod pools;
#[path = "fastcgi/routes.rs"]
mod routes;
#[path = "fastcgi/settings.rs"]
mod settings;
#[path = "fastcgi/streams.rs"]
mod streams;

use super::site::{Site, task_root};
use crate::support::front::Source;
use crate::support::hosting::message;
use crate::support::skip::skip;
use crate::support::{TempDir, hosting, proc, until};
use std::path::PathBuf;

/// The handler of all these sites.
const HANDLER: &str = "fastcgi:public/index.php";

/// PHP's servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Php {
    Fpm,
    Cgi,
}

/// A program in a folder of the `PATH` or of administrators whose name starts like this.
fn find(start: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders =
        std::env::split_paths(&path).chain(["/usr/local/sbin".into(), "/usr/sbin".into()]);
    let mut names = folders.filter_map(|folder| std::fs::read_dir(folder).ok());
    names.find_map(|folder| {
        let mut entries = folder.flatten();
        let found = entries.find(|entry| {
            let name = entry.file_name();
            let version = name.to_str().and_then(|name| name.strip_prefix(start));
            version.is_some_and(|text| text.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
        });
        found.map(|entry| entry.path())
    })
}

impl Php {
    /// The program; `None`, which is reported, where it is not installed.
    fn program(self) -> Option<PathBuf> {
        let name = match self {
            Php::Fpm => "php-fpm",
            Php::Cgi => "php-cgi",
        };
        let found = find(name);
        if found.is_none() {
            skip(&format!("no {name} on this machine"));
        }
        found
    }

    /// A task root with these files, which brings this server.
    fn root(self, files: &[(&str, &str)]) -> Option<TempDir> {
        let program = self.program()?;
        let dir = task_root(files);
        std::fs::create_dir_all(dir.path().join("bin")).expect("make bin");
        let link = match self {
            Php::Fpm => "bin/php-fpm",
            Php::Cgi => "bin/php-cgi",
        };
        std::os::unix::fs::symlink(program, dir.path().join(link)).expect("link the server");
        Some(dir)
    }
}

/// Calls `check` with a site of these files for each server.
fn with_each(files: &[(&str, &str)], variables: &[(&str, &str)], check: impl Fn(Php, &Site)) {
    for php in [Php::Fpm, Php::Cgi] {
        with(php, files, variables, |site| check(php, site));
    }
}

/// Calls `check` with a site of these files for a server.
fn with(php: Php, files: &[(&str, &str)], variables: &[(&str, &str)], check: impl FnOnce(&Site)) {
    let Some(dir) = php.root(files) else {
        return;
    };
    let site = Site::with_variables(&dir, HANDLER, variables);
    check(&site);
    stop(site);
}

/// The error of the last event of a source: its message.
fn last_error(site: &Site, source: Source, error_type: &str) -> String {
    let (id, _) = site.front(source).last_event();
    message(site.ledger().answer(&id), error_type)
}

/// The pid of the server of a site.
fn server_pid(site: &Site) -> u32 {
    let children = children(site);
    assert_eq!(children.len(), 1, "{children:?}");
    children[0]
}

/// The children of a bootstrap but for its guard. (php-fpm writes its title over its environment,
/// in which the tests mark their processes.)
fn children(site: &Site) -> Vec<u32> {
    let all = proc::children(site.process().pid()).into_iter();
    all.filter(|pid| {
        let is_alive = proc::state_and_parent(*pid).is_some_and(|(state, _)| state != 'Z');
        is_alive && proc::name(*pid) != "bootstrap-guard"
    })
    .collect()
}

/// Ends a site, whose processes are all gone then.
fn stop(site: Site) {
    let servers = children(&site);
    site.stop();
    for server in servers {
        until("nothing left", || crashes::group_of(server).is_empty());
    }
}

/// A site whose bootstrap is started in a special way.
fn site_of(dir: &TempDir, variables: &[(&str, &str)]) -> Site {
    let start = hosting::start(dir, HANDLER);
    Site::with(
        variables
            .iter()
            .fold(start, |start, (name, value)| start.variable(name, value)),
    )
}

//! A PHP application from a browser's request to its page, with the layer alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::php::place;
use crate::php_fpm::{can_mount, layer};
use crate::support::api::{Script, Server};
use crate::support::front::{Front, Request, Source};
use crate::support::start::Start;
use crate::{can_chroot, fpm, package, text};

/// `bootstrap` of the layer, with the application, in a folder that becomes `/`.
fn start(root: &Path, layer: &Path) -> Start {
    let start = crate::empty::start(root, "/opt/bootstrap", "fastcgi:public/index.php");
    let mounts = fpm::mounts(root, Some(layer));
    let mounted = |start: Start, pair: (PathBuf, PathBuf)| start.with_mount(&pair.0, &pair.1);
    mounts.into_iter().fold(start, mounted)
}

/// The pages of requests, each answered through a Function URL and over HTTP.
fn pages(start: Start, requests: &[Request]) -> Vec<String> {
    let script = Script {
        is_observed: true,
        ..Script::default()
    };
    let api = Arc::new(Server::start(script));
    let mut process = start
        .variable("AWS_LAMBDA_RUNTIME_API", &api.address())
        .spawn();
    process.until_idle(&api);
    let front = Front::start(Source::FunctionUrl, &api);
    let answers = requests.iter().map(|request| front.ask(request));
    let answers: Vec<_> = answers.collect();
    drop(front);
    let api = Arc::into_inner(api).expect("no front left");
    let outcome = process.finish(api);
    outcome.assert_serving();
    let pages = answers.iter().map(|answer| {
        assert_eq!(answer.status, 200, "{}{}", answer.text(), outcome.stderr);
        answer.text()
    });
    pages.collect()
}

#[test]
fn php_application_with_the_layer_alone_answers() {
    let place = place();
    if !can_chroot() || !can_mount(place.path()) {
        return;
    }
    let Some(layer) = layer() else { return };
    let page = "<?php echo json_encode([PHP_SAPI, $_SERVER['REQUEST_URI'], $_GET['name'], \
                strlen(file_get_contents('php://input'))]);";
    place.file("var/task/public/index.php", page.as_bytes());
    let target = "/hello/there?name=Ada";
    let requests = [
        Request::new("GET", target),
        Request::new("POST", target).body(vec![b'x'; 1_000_000]),
    ];
    let pages = pages(start(place.path(), layer), &requests);
    let pages: Vec<Value> = pages
        .iter()
        .map(|page| serde_json::from_str(page).expect("JSON"))
        .collect();
    let expected = |posted: usize| json!(["fpm-fcgi", target, "Ada", posted]);
    assert_eq!(pages, [expected(0), expected(1_000_000)]);
}

#[test]
fn php_application_with_a_packaged_cache_takes_it() {
    let place = place();
    if !can_chroot() || !can_mount(place.path()) {
        return;
    }
    let Some(layer) = layer() else { return };
    let index = b"<?php require '../lib.php'; echo version();";
    place.file("fn/public/index.php", index);
    place.file(
        "fn/lib.php",
        b"<?php function version() { return 'compiled'; }",
    );
    let (function, task) = (place.path().join("fn"), place.path().join("var/task"));
    let with = ["function", text(&function), "--no-bootstrap"];
    let to = ["--opcache", text(layer), "--folder", text(&task)];
    package(&[&with, &to[..]].concat());
    place.file(
        "var/task/lib.php",
        b"<?php function version() { return 'read'; }",
    );

    let get = [Request::new("GET", "/")];
    assert_eq!(pages(start(place.path(), layer), &get), ["compiled"]);
    // A new environment, without the cache.
    for folder in ["var/task/.tinderbox", "tmp"] {
        fs::remove_dir_all(place.path().join(folder)).expect("remove a folder");
    }
    fs::create_dir(place.path().join("tmp")).expect("make a folder");
    assert_eq!(pages(start(place.path(), layer), &get), ["read"]);
}

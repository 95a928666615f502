//! `bootstrap` in a file system with nothing but itself and a function.

use std::fs;
use std::path::Path;

use crate::support::api::{Event, Kind, Script};
use crate::support::start::Start;
use crate::support::{self, TempDir};
use crate::{can_chroot, static_program};

/// Lambda's start command in a folder that becomes `/`.
pub fn start(root: &Path, bootstrap: &str, handler: &str) -> Start {
    let start = Start::new(Path::new(bootstrap)).inside(root);
    start
        .variable("PATH", "/usr/local/bin:/usr/bin/:/bin:/opt/bin")
        .variable("LD_LIBRARY_PATH", LIBRARIES)
        .variable("LAMBDA_TASK_ROOT", "/var/task")
        .variable("_HANDLER", handler)
}

/// Lambda's search path for libraries.
pub const LIBRARIES: &str =
    "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib";

/// Its response to this event.
pub fn answer(start: &Start, event: &str) -> Vec<u8> {
    let outcome = start.run(Script::events(&[Event::new("event-0", event)]));
    let answer = outcome.assert_serving().answer("event-0");
    let body = String::from_utf8_lossy(&answer.body);
    assert_eq!(answer.kind, Kind::Response, "{body}\n{}", outcome.stderr);
    answer.body.clone()
}

#[test]
fn bootstrap_with_a_function_alone_answers() {
    if !can_chroot() {
        return;
    }
    let dir = TempDir::new();
    let bootstrap = fs::read(support::bootstrap()).expect("read bootstrap");
    dir.executable("bootstrap", &bootstrap);
    fs::create_dir_all(dir.path().join("var/task")).expect("make a folder");
    static_program(&dir.path().join("var/task/program"));
    let event = "{\"hello\":\"world\"}";
    let start = start(dir.path(), "/bootstrap", "program");
    assert_eq!(answer(&start, event), event.as_bytes());
}

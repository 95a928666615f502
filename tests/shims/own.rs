//! Features of one language: PHP, Python, Ruby.

use serde_json::json;

use crate::driver::{Language, Worker};
use crate::skip::has;
use crate::support::TempDir;

mod php {
    use super::*;

    fn start(file: &str, name: &str) -> Option<Worker> {
        let php = Language::Php;
        php.is_here()
            .then(|| Worker::start(&mut php.command(&php.folder().join(file), name)))
    }

    fn case(name: &str) -> Option<Worker> {
        let mut worker = start("cases.php", name)?;
        worker.expect_ready();
        Some(worker)
    }

    #[test]
    fn callable_returned_by_the_file_comes_first() {
        for name in ["", "strlen", "closure"] {
            let Some(mut worker) = start("closure.php", name) else {
                return;
            };
            worker.expect_ready();
            let wanted = json!({"event": {"a": 1}, "id": "id-1"});
            assert_eq!(worker.ask(b"{\"a\": 1}").json(), wanted);
        }
    }

    #[test]
    fn globals_set_by_the_file_are_visible() {
        let Some(mut worker) = start("src/greeting.php", "greeting") else {
            return;
        };
        worker.expect_ready();
        for number in 1..=3 {
            let answer = worker.ask(b"{\"name\": \"world\"}").json();
            assert_eq!(answer, format!("Hello, world! You are number {number}."));
        }
    }

    #[test]
    fn response_is_written_as_by_json_encode() {
        let Some(mut worker) = case("same") else {
            return;
        };
        for (event, answer) in [
            ("[10.0,-0.0]", "[10,-0]"),
            (
                "[0.1,1.0e+25,9223372036854775807]",
                "[0.1,1.0e+25,9223372036854775807]",
            ),
            (r#""/ä€""#, r#""\/\u00e4\u20ac""#),
        ] {
            assert_eq!(worker.ask(event.as_bytes()).body, answer.as_bytes());
        }
    }

    #[test]
    fn fatal_error_is_reported_with_its_place() {
        for (name, part) in [("memory", "Allowed memory size"), ("fatal", "a fatal one")] {
            let Some(mut worker) = case(name) else {
                return;
            };
            let answer = worker.ask(b"{}");
            let message = answer.message("fatal", "FatalError");
            assert!(message.contains(part), "{message}");
            assert!(
                answer.trace()[0].contains("cases.php:"),
                "{}",
                answer.text()
            );
            let log = worker.assert_exits(255);
            assert!(log.contains(part), "{log}");
        }
        let mut worker = start("init_fatal.php", "same").expect("php is here");
        let message = worker.answer().message("init-error", "FatalError");
        assert!(message.contains("Cannot redeclare"), "{message}");
        worker.assert_exits(1);
    }

    #[test]
    fn warning_is_logged_once() {
        let Some(mut worker) = case("warns") else {
            return;
        };
        assert_eq!(worker.ask(b"{}").body, b"null");
        worker.until_log(|log| log.contains("Undefined array key"));
        assert_eq!(worker.log().matches("Undefined").count(), 1);
    }

    #[test]
    fn output_in_a_buffer_is_printed() {
        let Some(mut worker) = case("buffers") else {
            return;
        };
        for _ in 0..3 {
            worker.ask(b"{}").message("error", "Exception");
        }
        worker.until_log(|log| log.matches("buffered").count() == 3);
    }
}

mod python {
    use super::*;

    fn case(name: &str) -> Option<Worker> {
        has("python3").then(|| Language::Python.case(name))
    }

    #[test]
    fn module_of_a_package_imports_its_sibling() {
        if !has("python3") {
            return;
        }
        let python = Language::Python;
        let mut command = python.command(&python.folder().join("pkg/index.py"), "handler");
        command.env("LAMBDA_TASK_ROOT", python.folder());
        let mut worker = Worker::start(&mut command);
        worker.expect_ready();
        assert_eq!(worker.ask(b"{}").json(), "imported from the package");
    }

    #[test]
    fn file_named_like_a_module_of_the_worker_is_the_handler() {
        let folder = TempDir::new();
        let path = folder.file("json.py", b"def handler(event, context):\n\treturn 'own'\n");
        if !has("python3") {
            return;
        }
        let mut worker = Worker::start(&mut Language::Python.command(&path, "handler"));
        worker.expect_ready();
        assert_eq!(worker.ask(b"{}").json(), "own");
    }

    #[test]
    fn bytes_result_is_the_response() {
        let Some(mut worker) = case("raw") else {
            return;
        };
        super::raw_bytes_come_whole(&mut worker, "application/unknown");
    }

    #[test]
    fn decimal_result_is_a_json_number() {
        if let Some(mut worker) = case("decimals") {
            assert_eq!(worker.ask(b"{}").json(), json!({"number": 1.5}));
        }
    }

    #[test]
    fn log_record_of_the_configured_level_is_logged() {
        let Some(mut worker) = case("info") else {
            return;
        };
        assert_eq!(worker.ask(b"{}").body, b"null");
        worker.until_log(|log| log.contains("of level INFO\n") && log.contains("by the context\n"));
    }

    #[test]
    fn endless_recursion_is_an_error() {
        let Some(mut worker) = case("recurses") else {
            return;
        };
        for _ in 0..2 {
            let answer = worker.ask(b"{}");
            assert!(answer.message("error", "RecursionError").contains("depth"));
        }
    }

    #[test]
    fn hard_exit_is_not_reported_by_the_worker() {
        let Some(mut worker) = case("exits_at_once") else {
            return;
        };
        worker.send("", b"{\"status\": 4}");
        worker.assert_exits(4);
    }
}

mod ruby {
    use super::*;

    fn case(name: &str) -> Option<Worker> {
        has("ruby").then(|| Language::Ruby.case(name))
    }

    #[test]
    fn method_of_a_module_is_a_handler() {
        if !has("ruby") {
            return;
        }
        let mut worker = Language::Ruby.start("modules", "Greetings::Polite.process");
        worker.expect_ready();
        let answer = worker.ask(b"{\"name\": \"world\"}").json();
        assert_eq!(answer, "Good morning, world.");
    }

    #[test]
    fn string_io_result_is_the_response_bytes() {
        let Some(mut worker) = case("raw") else {
            return;
        };
        super::raw_bytes_come_whole(&mut worker, "application/unknown");
    }

    #[test]
    fn endless_recursion_is_an_error() {
        let Some(mut worker) = case("recurses") else {
            return;
        };
        for _ in 0..2 {
            worker
                .ask(b"{}")
                .message("error", "Function<SystemStackError>");
        }
    }

    #[test]
    fn hard_exit_is_not_reported_by_the_worker() {
        let Some(mut worker) = case("exits_at_once") else {
            return;
        };
        worker.send("", b"{\"status\": 4}");
        worker.assert_exits(4);
    }

    /// A gem in the folder where rubygems searches a user's gems.
    fn gems() -> TempDir {
        let folder = TempDir::new();
        let version = std::process::Command::new("ruby")
            .args(["-e", "print Gem.ruby_api_version"])
            .output()
            .expect("run ruby");
        let version = String::from_utf8(version.stdout).expect("text");
        let root = format!(".local/share/gem/ruby/{version}");
        let specification = "Gem::Specification.new do |s|\n  s.name = 'tinderbox_sample'\n  \
            s.version = '1.0.0'\n  s.summary = 'x'\n  s.authors = ['x']\n  \
            s.files = ['lib/tinderbox_sample.rb']\nend\n";
        folder.file(
            &format!("{root}/specifications/tinderbox_sample-1.0.0.gemspec"),
            specification.as_bytes(),
        );
        folder.file(
            &format!("{root}/gems/tinderbox_sample-1.0.0/lib/tinderbox_sample.rb"),
            b"module TinderboxSample\n  ANSWER = 42\nend\n",
        );
        folder
    }

    #[test]
    fn gem_is_loaded_on_first_use() {
        if !has("ruby") {
            return;
        }
        let ruby = Language::Ruby;
        let home = gems();
        for early in [None, Some(("GEM_HOME", "/nonexistent"))] {
            let mut command = ruby.command(&ruby.file("cases"), "gems");
            command.env("HOME", home.path());
            command.envs(early);
            let mut worker = Worker::start(&mut command);
            worker.expect_ready();
            for _ in 0..2 {
                let answer = worker.ask(b"{\"name\": \"tinderbox_sample\"}").json();
                assert_eq!(answer, json!([42, "String"]));
            }
            let answer = worker.ask(b"{\"name\": \"no_such_gem\"}");
            let message = answer.message("error", "Function<LoadError>");
            assert!(message.contains("no_such_gem"), "{message}");
        }
    }
}

/// A handler that answers with the requested number of bytes, which count up to 250 and start again
/// at 0.
fn raw_bytes_come_whole(worker: &mut Worker, content_type: &str) {
    for bytes in [0, 1, 60, 8_191, 8_192, 8_193, 65_536, 1_000_000, 6_291_456] {
        let answer = worker.ask(format!("{{\"bytes\": {bytes}}}").as_bytes());
        assert_eq!((&*answer.verb, &*answer.kind), ("ok", content_type));
        let wanted = (0..bytes).map(|at| (at % 251) as u8);
        assert!(answer.body.into_iter().eq(wanted), "{bytes} bytes");
    }
}

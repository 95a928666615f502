//! The command line: help, version, and usage errors.

use crate::harness::run_tool;

#[test]
fn help_text_names_every_command_and_option() {
    let overview = run_tool(&["help"]);
    assert_eq!((overview.code, overview.stderr.as_str()), (0, ""));
    for word in ["tinderbox run", "tinderbox invoke", "exit status"] {
        assert!(overview.text().contains(word), "{word}");
    }
    let run = run_tool(&["help", "run"]);
    for option in [
        "--task-root",
        "--handler",
        "--function-name",
        "--function NAME=",
        "--timeout",
        "--init-timeout",
        "--memory",
        "--env",
        "--port",
        "--runtime-port",
        "--binary",
        "--runner",
        "--once",
    ] {
        assert!(run.text().contains(option), "{option}");
    }
    let invoke = run_tool(&["help", "invoke"]);
    for option in [
        "--event",
        "--port",
        "--function-name",
        "--invocation-type",
        "--client-context",
        "--tenant-id",
    ] {
        assert!(invoke.text().contains(option), "{option}");
    }
}

#[test]
fn help_forms_print_the_same_text() {
    for (one, other) in [
        (vec!["help"], vec!["--help"]),
        (vec!["help"], vec!["-h"]),
        (vec!["help", "run"], vec!["run", "--help"]),
        (vec!["help", "run"], vec!["run", "x", "--port", "0", "-h"]),
        (vec!["help", "invoke"], vec!["invoke", "--help"]),
    ] {
        let (one, other) = (run_tool(&one), run_tool(&other));
        assert_eq!((one.code, other.code), (0, 0));
        assert_eq!(one.stdout, other.stdout);
    }
}

#[test]
fn version_command_prints_name_and_number() {
    for word in ["--version", "-V", "version"] {
        let version = run_tool(&[word]);
        assert_eq!(version.code, 0);
        assert_eq!(
            version.text(),
            concat!("tinderbox ", env!("CARGO_PKG_VERSION"), "\n")
        );
    }
}

#[test]
fn usage_error_is_one_line_with_exit_status_2() {
    for (arguments, text) in [
        (
            vec![],
            "missing command: run, invoke, measure, report or help (see tinderbox help)",
        ),
        (
            vec!["serve"],
            "unknown command 'serve' (see tinderbox help)",
        ),
        (
            vec!["help", "x"],
            "unknown help topic 'x': expected run, invoke, measure or report",
        ),
        (
            vec!["run"],
            "run: missing bootstrap: name an executable, or a folder",
        ),
        (
            vec!["run", "a", "b"],
            "run: unexpected argument 'b' (see tinderbox help run)",
        ),
        (
            vec!["run", "a", "--no"],
            "run: unexpected option '--no' (see tinderbox help run)",
        ),
        (vec!["run", "a", "-x=1"], "unexpected option '-x=1'"),
        (vec!["run", "a", "--timeout"], "missing value for --timeout"),
        (
            vec!["run", "a", "--timeout", "x"],
            "invalid --timeout 'x': expected seconds from 0.001 to 86400",
        ),
        (
            vec!["run", "a", "--timeout", "0"],
            "invalid --timeout '0': expected seconds",
        ),
        (
            vec!["run", "a", "--timeout=NaN"],
            "invalid --timeout 'NaN': expected seconds",
        ),
        (
            vec!["run", "a", "--timeout", "86401"],
            "invalid --timeout '86401': expected seconds from 0.001 to 86400",
        ),
        (
            vec!["run", "a", "--init-timeout", "-1"],
            "invalid --init-timeout '-1': expected seconds",
        ),
        (
            vec!["run", "a", "--memory", "127"],
            "invalid --memory '127': expected MB from 128 to 10240",
        ),
        (
            vec!["run", "a", "--memory", "10241"],
            "invalid --memory '10241': expected MB",
        ),
        (
            vec!["run", "a", "--env", "A"],
            "invalid --env 'A': expected NAME=VALUE",
        ),
        (
            vec!["run", "a", "--env", "=1"],
            "invalid --env '=1': expected NAME=VALUE",
        ),
        (
            vec!["run", "a", "--port", "65536"],
            "invalid --port '65536': expected a port from 0 to 65535",
        ),
        (
            vec!["run", "a", "--runtime-port", "x"],
            "invalid --runtime-port 'x': expected a port",
        ),
        (
            vec!["run", "a", "--handler", "a b"],
            "invalid --handler 'a b': expected at most 128 characters and no white space",
        ),
        (
            vec!["run", "a", "--function-name", "a/b"],
            "invalid --function-name 'a/b': expected a name of 1 to 64 letters, digits, - or _",
        ),
        (
            vec!["run", "--function", "a"],
            "invalid --function 'a': expected NAME=DIR or NAME=BOOTSTRAP",
        ),
        (
            vec!["run", "--function", "a=/dev", "--function-name", "b"],
            "run: --task-root and --function-name are for the function BOOTSTRAP|DIR",
        ),
        (
            vec!["run", "--function", "a=/dev"],
            "no file named bootstrap in the folder '/dev'",
        ),
        (
            vec!["run", "a", "--runner", " "],
            "invalid --runner ' ': expected a command",
        ),
        (vec!["invoke", "x"], "invoke: unexpected argument 'x'"),
        (
            vec!["invoke", "--binary"],
            "invoke: unexpected option '--binary'",
        ),
        (
            vec!["invoke", "--invocation-type", "x"],
            "invalid --invocation-type 'x': expected RequestResponse, Event or DryRun",
        ),
        (
            vec!["invoke", "--tenant-id", "a\nb"],
            "invalid --tenant-id 'a\\nb': expected printable ASCII",
        ),
        (
            vec!["invoke", "--function-name", ""],
            "invalid --function-name '': expected 1 to 170",
        ),
    ] {
        let run = run_tool(&arguments);
        assert_eq!((run.code, run.text().as_str()), (2, ""), "{arguments:?}");
        assert!(
            run.stderr.starts_with("tinderbox: "),
            "{arguments:?}: {}",
            run.stderr
        );
        assert_eq!(
            run.stderr.matches('\n').count(),
            1,
            "{arguments:?}: {}",
            run.stderr
        );
        assert!(run.stderr.contains(text), "{arguments:?}: {}", run.stderr);
    }
}

#[test]
fn option_of_an_earlier_version_is_unexpected() {
    for (command, options) in [
        (vec!["run", "a"], &["--root", "--raw", "--invoke"][..]),
        (vec!["invoke"], &["--function", "--type"]),
        (
            vec!["measure", "a"],
            &["--vs", "--floor", "-n", "-m", "--cpu"],
        ),
    ] {
        for option in options {
            let run = run_tool(&[&command[..], &[option, "1"]].concat());
            let name = command[0];
            let line = format!(
                "tinderbox: {name}: unexpected option '{option}' (see tinderbox help {name})\n"
            );
            assert_eq!((run.code, run.stderr), (2, line));
        }
    }
}

#[test]
fn option_without_value_given_a_value_is_refused() {
    for (arguments, option) in [
        (vec!["run", "a", "--binary=x"], "--binary"),
        (vec!["run", "--snapstart=x", "a"], "--snapstart"),
        (vec!["report", "--json=x"], "--json"),
    ] {
        let run = run_tool(&arguments);
        let line = format!("tinderbox: unexpected value 'x' for {option}, which takes none\n");
        assert_eq!((run.code, run.stderr), (2, line), "{arguments:?}");
    }
}

#[test]
fn handler_over_128_characters_is_refused() {
    let handler = "h".repeat(128);
    let taken = run_tool(&["run", "/nonexistent", "--handler", &handler]);
    assert!(
        taken.stderr.contains("cannot read '/nonexistent'"),
        "{}",
        taken.stderr
    );
    let refused = run_tool(&["run", "/nonexistent", "--handler", &format!("{handler}h")]);
    assert!(
        refused.stderr.contains("at most 128 characters"),
        "{}",
        refused.stderr
    );
}

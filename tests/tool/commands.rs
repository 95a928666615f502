//! The command line: help, version, and every way to say it wrongly.

use crate::tool::finish;

#[test]
fn help_names_every_command_and_option() {
    let overview = finish(&["help"]);
    assert_eq!((overview.code, overview.stderr.as_str()), (0, ""));
    for word in ["tinderbox run", "tinderbox invoke", "exit status"] {
        assert!(overview.text().contains(word), "{word}");
    }
    let run = finish(&["help", "run"]);
    for option in [
        "--root",
        "--handler",
        "--function",
        "--timeout",
        "--init-timeout",
        "--memory",
        "--env",
        "--port",
        "--runtime-port",
        "--raw",
        "--runner",
        "--invoke",
    ] {
        assert!(run.text().contains(option), "{option}");
    }
    let invoke = finish(&["help", "invoke"]);
    for option in [
        "--event",
        "--port",
        "--function",
        "--type",
        "--client-context",
        "--tenant-id",
    ] {
        assert!(invoke.text().contains(option), "{option}");
    }
}

#[test]
fn help_is_the_same_however_it_is_asked_for() {
    for (one, other) in [
        (vec!["help"], vec!["--help"]),
        (vec!["help"], vec!["-h"]),
        (vec!["help", "run"], vec!["run", "--help"]),
        (vec!["help", "run"], vec!["run", "x", "--port", "0", "-h"]),
        (vec!["help", "invoke"], vec!["invoke", "--help"]),
    ] {
        let (one, other) = (finish(&one), finish(&other));
        assert_eq!((one.code, other.code), (0, 0));
        assert_eq!(one.stdout, other.stdout);
    }
}

#[test]
fn version_prints_name_and_number() {
    for word in ["--version", "-V", "version"] {
        let version = finish(&[word]);
        assert_eq!(version.code, 0);
        assert_eq!(
            version.text(),
            concat!("tinderbox ", env!("CARGO_PKG_VERSION"), "\n")
        );
    }
}

#[test]
fn wrong_usage_is_one_line_and_exit_2() {
    for (arguments, text) in [
        (
            vec![],
            "say what to do: run, invoke, measure, report or help",
        ),
        (vec!["serve"], "there is no command 'serve'"),
        (vec!["help", "x"], "there is no help about 'x'"),
        (vec!["run"], "name a bootstrap or a folder"),
        (vec!["run", "a", "b"], "'b' is one argument too many"),
        (vec!["run", "a", "--no"], "there is no option --no"),
        (vec!["run", "a", "-x=1"], "'-x=1' is no option"),
        (vec!["run", "a", "--timeout"], "--timeout needs a value"),
        (
            vec!["run", "a", "--timeout", "x"],
            "--timeout 'x' is not a number of seconds",
        ),
        (
            vec!["run", "a", "--timeout", "0"],
            "--timeout '0' is not a number of seconds",
        ),
        (
            vec!["run", "a", "--timeout=NaN"],
            "--timeout 'NaN' is not a number of seconds",
        ),
        (
            vec!["run", "a", "--timeout", "86401"],
            "from 0.001 to 86400",
        ),
        (
            vec!["run", "a", "--init-timeout", "-1"],
            "--init-timeout '-1' is not a number",
        ),
        (
            vec!["run", "a", "--memory", "127"],
            "--memory '127' is not a number of MB from 128",
        ),
        (
            vec!["run", "a", "--memory", "10241"],
            "--memory '10241' is not",
        ),
        (
            vec!["run", "a", "--env", "A"],
            "--env 'A' is not NAME=VALUE",
        ),
        (
            vec!["run", "a", "--env", "=1"],
            "--env '=1' is not NAME=VALUE",
        ),
        (
            vec!["run", "a", "--port", "65536"],
            "--port '65536' is not a port from 0 to 65535",
        ),
        (
            vec!["run", "a", "--runtime-port", "x"],
            "--runtime-port 'x' is not a port",
        ),
        (vec!["run", "a", "--handler", "a b"], "no white space"),
        (
            vec!["run", "a", "--function", "a/b"],
            "--function 'a/b' is no function name",
        ),
        (
            vec!["run", "a", "--runner", " "],
            "--runner needs a command",
        ),
        (vec!["invoke", "x"], "'x' is one argument too many"),
        (vec!["invoke", "--raw"], "there is no option --raw"),
        (
            vec!["invoke", "--type", "x"],
            "none of RequestResponse, Event, DryRun",
        ),
        (
            vec!["invoke", "--tenant-id", "a\nb"],
            "--tenant-id takes printable ASCII only",
        ),
        (
            vec!["invoke", "--function", ""],
            "--function '' is no function name",
        ),
    ] {
        let run = finish(&arguments);
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
fn a_handler_of_128_characters_is_taken_and_one_more_is_not() {
    let handler = "h".repeat(128);
    let taken = finish(&["run", "/nonexistent", "--handler", &handler]);
    assert!(
        taken.stderr.contains("there is no file"),
        "{}",
        taken.stderr
    );
    let refused = finish(&["run", "/nonexistent", "--handler", &format!("{handler}h")]);
    assert!(
        refused.stderr.contains("at most 128 characters"),
        "{}",
        refused.stderr
    );
}

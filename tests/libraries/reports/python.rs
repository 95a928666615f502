//! Reports about Python.

use super::Function;
use serde_json::json;

fn python(handler: &str) -> Function {
    Function::new("python3", handler)
}

/// aws-lambda-python-runtime-interface-client#43, #45: slashes and dots may be mixed, and the last
/// part may be named like a module that is built in.
#[test]
fn python_handler_with_slash_and_dot_is_found() {
    const CODE: &str = "import os\ndef run(event, context): return os.environ['_HANDLER']\n";
    for handler in [
        "src/hi.app.run",
        "src.hi.app.run",
        "src/hi/app.run",
        "lib/sys.run",
    ] {
        let function = python(handler).file("src/hi/__init__.py", "");
        let function = function
            .file("src/hi/app.py", CODE)
            .file("lib/sys.py", CODE);
        let Some(run) = function.run(&["{}"]) else {
            return;
        };
        assert_eq!(run.value(0), handler);
    }
}

/// aws-lambda-base-images#101: an absolute handler, whose module imports from the task root.
#[test]
fn python_handler_with_absolute_path_imports_from_the_root() {
    const CODE: &str = "from src.bar.boo import more\ndef run(event, context): return more(41)\n";
    let function = python("$ROOT/src/foo/main.run").file("src/foo/main.py", CODE);
    let function = function.file("src/bar/boo.py", "def more(number): return number + 1\n");
    let Some(run) = function.run(&["{}"]) else {
        return;
    };
    assert_eq!(run.value(0), 42);
}

/// HDE/python-lambda-local#66: the handler's folder is a package, so relative imports work.
#[test]
fn python_handler_of_a_package_imports_relatively() {
    const CODE: &str = "from . import utils\nfrom two import other\n\
        def run(event, context): return utils.A + other.B\n";
    let function = python("one.handler.run").file("one/handler.py", CODE);
    let function = function.file("one/utils.py", "A = 1\n");
    let Some(run) = function.file("two/other.py", "B = 2\n").run(&["{}"]) else {
        return;
    };
    assert_eq!(run.value(0), 3);
}

/// aws-lambda-python-runtime-interface-client#87: an escape takes three times the bytes of a
/// response that may have 6 MB; none since Python 3.12.
#[test]
fn python_response_with_other_letters_has_no_escapes() {
    const CODE: &str = "def run(event, context): return {'text': 'é' * 1000}\n";
    let function = python("app.run").file("app.py", CODE);
    let function = function.variable("AWS_EXECUTION_ENV", "AWS_Lambda_python3.13");
    let Some(run) = function.run(&["{}"]) else {
        return;
    };
    assert_eq!(run.value(0), json!({ "text": "é".repeat(1000) }));
    assert!(run.bytes(0).len() < 2_100, "{} bytes", run.bytes(0).len());
}

/// aws-lambda-python-runtime-interface-client#202, #220: filters look at `level`.
#[test]
fn python_failure_in_the_json_format_is_an_error_record() {
    const CODE: &str = "def run(event, context): raise ValueError('no user')\n";
    let function = python("app.run").file("app.py", CODE).json_logs("ERROR");
    let Some(run) = function.run(&["{}"]) else {
        return;
    };
    assert_eq!(run.failure(0).0, "ValueError");
    let record = run.record();
    assert_eq!(record["level"], "ERROR");
    assert_eq!(record["requestId"], "event-0");
    assert_eq!(record["errorType"], "ValueError");
    assert_eq!(record["errorMessage"], "no user");
    assert!(record["stackTrace"].is_array(), "{record}");
}

/// aws-lambda-python-runtime-interface-client#19: a message that the locale cannot encode is logged
/// and answered.
#[test]
fn python_failure_in_the_locale_c_is_answered() {
    const CODE: &str = "def run(event, context): raise ValueError('no user Zoë ☃')\n";
    let function = python("app.run").file("app.py", CODE);
    let function = function.variable("LC_ALL", "C").variable("PYTHONUTF8", "0");
    let function = function.variable("PYTHONCOERCECLOCALE", "0");
    let Some(run) = function.run(&["{}", "{}"]) else {
        return;
    };
    for number in 0..2 {
        let (error_type, message) = run.failure(number);
        assert_eq!(error_type, "ValueError");
        assert_eq!(message, "no user Zoë ☃");
    }
    assert!(!run.lines_with("no user Zo").is_empty(), "{}", run.output());
}

//! Reports about PHP.

use super::Function;

fn php(code: &str) -> Function {
    Function::new("php", "index.php").file("index.php", code)
}

/// brefphp/bref#553: a handler file that returns no function.
#[test]
fn php_file_without_a_handler_is_named() {
    for code in ["return 1;", "function other() {}", "$handler = fn () => 1;"] {
        let Some(run) = php(&format!("<?php {code}")).run(&["{}"]) else {
            return;
        };
        let (_, message) = run.init_failure();
        assert!(message.contains("index.php"), "{code}: {message}");
        assert!(message.contains("return"), "{code}: {message}");
    }
}

/// brefphp/bref#800: the exceptions before the last one are in the log.
#[test]
fn php_failure_record_has_previous_exceptions() {
    const CODE: &str = "<?php return function () {
        throw new LogicException('outer', 0, new RuntimeException('inner')); };";
    let Some(run) = php(CODE).run(&["{}"]) else {
        return;
    };
    let (error_type, message) = run.failure(0);
    assert_eq!(error_type, "LogicException");
    assert_eq!(message, "outer");
    let output = run.output();
    assert!(output.contains("event-0"), "{output}");
    assert!(output.contains("inner"), "{output}");
}

/// brefphp/bref#1922: a message that is not UTF-8 fails the event, with the rest of that message.
#[test]
fn php_message_with_odd_bytes_is_reported() {
    const CODE: &str = "<?php return function () {
        throw new RuntimeException(\"bad \\xff\\xfe name\"); };";
    let Some(run) = php(CODE).run(&["{}", "{}"]) else {
        return;
    };
    for number in 0..2 {
        let (error_type, message) = run.failure(number);
        assert_eq!(error_type, "RuntimeException");
        assert!(message.starts_with("bad "), "{message}");
        assert!(message.ends_with(" name"), "{message}");
    }
}

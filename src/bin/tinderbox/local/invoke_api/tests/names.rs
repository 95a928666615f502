//! How functions are named, and which names are impossible.

use super::super::reference::FunctionRef;
use super::{ApiError, invoke};

const PREFIXES: &str = concat!(
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?",
    r"((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?"
);

/// The pattern that production quotes for Invoke.
fn pattern() -> String {
    let name = r"([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?";
    format!("Member must satisfy regular expression pattern: {PREFIXES}{name}")
}

fn call(path: &str) -> Result<FunctionRef, ApiError> {
    let (name, query) = path.split_once('?').unwrap_or((path, ""));
    let line = format!("POST /2015-03-31/functions/{name}/invocations?{query} HTTP/1.1\n");
    invoke(&line).map(|call| call.function)
}

fn found(
    name: &str,
    qualifier: Option<&str>,
    region: Option<&str>,
    account: Option<&str>,
) -> FunctionRef {
    FunctionRef {
        name: name.to_string(),
        qualifier: qualifier.map(str::to_string),
        region: region.map(str::to_string),
        account: account.map(str::to_string),
    }
}

#[test]
fn function_is_named_in_any_form() {
    // The path, and the name, the qualifier, the region and the account that it has.
    let cases = "f -> f - - -
        _ -> _ - - -
        a.b-c_D9 -> a.b-c_D9 - - -
        f:PROD -> f PROD - -
        f:$LATEST -> f $LATEST - -
        f%3A%24LATEST -> f $LATEST - -
        f:$LATEST.PUBLISHED -> f $LATEST.PUBLISHED - -
        f?Qualifier=%24LATEST -> f $LATEST - -
        f?x=1&Qualifier=7&y -> f 7 - -
        f:7?Qualifier=7 -> f 7 - -
        f?Qualifier=$latest -> f $latest - -
        function:a.b -> a.b - - -
        function:f -> function f - -
        function:$LATEST -> function $LATEST - -
        function:f:1 -> f 1 - -
        function -> function - - -
        f:function -> f function - -
        123456789012:f -> f - - 123456789012
        123456789012%3Afunction%3Af -> f - - 123456789012
        123456789012:function:f:1 -> f 1 - 123456789012
        123456789012 -> 123456789012 - - -
        us-east-1:123456789012:function:f -> f - us-east-1 123456789012
        arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Af%3AB -> f B us-east-1 123456789012
        arn:aws:lambda:us-east-1:123456789012:function:f -> f - us-east-1 123456789012
        arn:aws:lambda:us-east-1:123456789012:function -> function - us-east-1 123456789012
        arn:aws-us-gov:lambda:us-gov-west-1:123456789012:f -> f - us-gov-west-1 123456789012
        arn:aws-iso-b:lambda:us-isob-east-1:123456789012:f -> f - us-isob-east-1 123456789012
        arn:aws-eusc:lambda:eusc-de-east-1:123456789012:f -> f - eusc-de-east-1 123456789012
        arn::lambda:f -> f - - -";
    for case in cases.lines() {
        let (path, expected) = case.trim().split_once(" -> ").expect("an arrow");
        let parts = expected
            .split(' ')
            .map(|part| (part != "-").then_some(part));
        let parts: Vec<Option<&str>> = parts.collect();
        let expected = found(parts[0].expect("a name"), parts[1], parts[2], parts[3]);
        assert_eq!(call(path), Ok(expected), "{path}");
    }
    let long = "a".repeat(170);
    assert_eq!(call(&long), Ok(found(&long, None, None, None)));
}

#[test]
fn name_impossible_is_refused_in_the_words_of_lambda() {
    for path in [
        "my-function!",
        "*",
        "%ff",
        "a%2Fb",
        "a%20b",
        "f:",
        ":f",
        "f:1:2",
        "f:a.b",
        "f:$LATES",
        "f:$LATESTx",
        "f.:$LATEST.PUBLISHEDx",
        "invalid-account:function:my-function",
        "12345678901:function:f",
        "1234567890123:f:1",
        "function:my-function:$LATEST:extra",
        "arn:aws:lambda:invalid-region:111111111111:function:my-function",
        "arn:aws:ec2:us-east-1:111111111111:instance:i-1234567890abcdef0",
        "arn:aws:lambda:us-east-1:111111111111:function:my-function:1:2",
        "arn:aws:lambda::111111111111:function:my-function",
        "arn:aws:lambda:us-east-1::function:my-function",
        "arn:aws:lambda:us-east-1:111111111111:function:my-function:$LATES",
        "arn:aws:lambda:us-east-1:123400000000@function:myfn",
        "arn:aws:lambda:us-east-1:123456789012:function:",
        "arn:az:lambda:us-east-1:123456789012:function:f",
        "arn:aws1:lambda:us-east-1:123456789012:function:f",
        "us-east-12:123456789012:function:f",
        "us-isobb-east-1:123456789012:function:f",
        "us-GOV-east-1:123456789012:function:f",
    ] {
        let shown = crate::local::url::decode(path);
        let text = format!(
            "1 validation error detected: Value '{shown}' at 'functionName' failed to satisfy \
             constraint: {}",
            pattern()
        );
        let expected = ApiError::new(400, "ValidationException", text);
        assert_eq!(call(path), Err(expected), "{path}");
    }
    let text = |path: &str| call(path).expect_err(path).text;
    let long = "a".repeat(171);
    let expected = format!(
        "1 validation error detected: Value '{long}' at 'functionName' failed to satisfy \
         constraint: Member must have length less than or equal to 170"
    );
    assert_eq!(text(&long), expected);
    // What is quoted has a limit; the head has a megabyte.
    let longest = "!".repeat(100_000);
    assert!(text(&longest).len() < 2000);
}

#[test]
fn name_absent_is_refused() {
    let error = call("").expect_err("an empty name");
    assert_eq!(
        (error.status, error.error_type),
        (400, "ValidationException")
    );
    assert!(
        error.text.contains("Value '' at 'functionName'"),
        "{}",
        error.text
    );
}

#[test]
fn qualifier_impossible_is_refused_in_the_words_of_lambda() {
    let long = "a".repeat(129);
    let pattern_of_qualifiers = concat!(
        "Member must satisfy regular expression pattern: ",
        r"\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+"
    );
    for (qualifier, constraint) in [
        ("invalid!", pattern_of_qualifiers),
        (&long, "Member must have length less than or equal to 128"),
        ("", "Member must have length greater than or equal to 1"),
    ] {
        let text = format!(
            "1 validation error detected: Value '{qualifier}' at 'qualifier' failed to satisfy \
             constraint: {constraint}"
        );
        let error = call(&format!("my-function?Qualifier={qualifier}"));
        let expected = ApiError::new(400, "ValidationException", text);
        assert_eq!(error, Err(expected));
    }
    // full_arn_and_qualifier_too_long_and_invalid_region
    let name = format!(
        "arn:aws:lambda:invalid-region:111111111111:function:f-{}",
        "a".repeat(170)
    );
    let error = call(&format!("{name}?Qualifier={long}")).expect_err("two errors");
    let expected = format!(
        "2 validation errors detected: Value '{name}' at 'functionName' failed to satisfy \
         constraint: {}; Value '{long}' at 'qualifier' failed to satisfy constraint: Member must \
         have length less than or equal to 128",
        pattern()
    );
    assert_eq!(error.text, expected);
}

#[test]
fn qualifier_of_the_name_and_of_the_query_have_to_match() {
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:my-function:$LATEST";
    for path in [
        &format!("{arn}?Qualifier=1"),
        "f:1?Qualifier=2",
        "f:PROD?Qualifier=prod",
    ] {
        let text = "The derived qualifier from the function name does not match the specified \
                    qualifier.";
        let expected = ApiError::new(400, "InvalidParameterValueException", text);
        assert_eq!(call(path), Err(expected), "{path}");
    }
}

#[test]
fn resource_of_tags_is_a_function_by_its_arn() {
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:f";
    let parsed = FunctionRef::from_resource(&arn.replace(':', "%3A"));
    let expected = found("f", None, Some("us-east-1"), Some("123456789012"));
    assert_eq!(parsed, Ok(expected));
    for (text, status) in [
        ("f", 400),
        ("arn:aws:something", 400),
        ("arn:aws:lambda:us-east-1:123456789012:foobar:f", 400),
        ("arn:aws:lambda:us-east-1:123456789012:layer:l", 404),
    ] {
        let error = FunctionRef::from_resource(text).expect_err(text);
        assert_eq!(error.status, status, "{text}");
        let is_quoted = error
            .text
            .contains("at 'resource' failed to satisfy constraint: Member");
        assert_eq!(is_quoted, status == 400, "{}", error.text);
    }
}

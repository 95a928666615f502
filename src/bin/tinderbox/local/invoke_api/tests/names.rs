//! How functions are named, and which names are impossible.

use super::super::reference::{FunctionRef, Names};
use super::{ApiError, invoke};

const PREFIXES: &str = r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?";

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
    let (region, account) = (Some("us-east-1"), Some("123456789012"));
    let latest = Some("$LATEST");
    for (path, expected) in [
        ("f", found("f", None, None, None)),
        ("_", found("_", None, None, None)),
        ("a.b-c_D9", found("a.b-c_D9", None, None, None)),
        ("f:PROD", found("f", Some("PROD"), None, None)),
        ("f:$LATEST", found("f", latest, None, None)),
        ("f%3A%24LATEST", found("f", latest, None, None)),
        (
            "f:$LATEST.PUBLISHED",
            found("f", Some("$LATEST.PUBLISHED"), None, None),
        ),
        ("f?Qualifier=%24LATEST", found("f", latest, None, None)),
        ("f?x=1&Qualifier=7&y", found("f", Some("7"), None, None)),
        ("f:7?Qualifier=7", found("f", Some("7"), None, None)),
        (
            "f?Qualifier=$latest",
            found("f", Some("$latest"), None, None),
        ),
        ("function:f", found("f", None, None, None)),
        ("function:function", found("function", None, None, None)),
        ("function", found("function", None, None, None)),
        ("f:function", found("f", Some("function"), None, None)),
        ("123456789012:f", found("f", None, None, account)),
        (
            "123456789012%3Afunction%3Af",
            found("f", None, None, account),
        ),
        (
            "123456789012:function:f:1",
            found("f", Some("1"), None, account),
        ),
        ("123456789012", found("123456789012", None, None, None)),
        (
            "us-east-1:123456789012:function:f",
            found("f", None, region, account),
        ),
        (
            "arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Af%3APROD",
            found("f", Some("PROD"), region, account),
        ),
        (
            "arn:aws:lambda:us-east-1:123456789012:function:f",
            found("f", None, region, account),
        ),
        // incomplete_arn: the name is "function".
        (
            "arn:aws:lambda:us-east-1:123456789012:function",
            found("function", None, region, account),
        ),
        (
            "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:f",
            found("f", None, Some("us-gov-west-1"), account),
        ),
        (
            "arn:aws-iso-b:lambda:us-isob-east-1:123456789012:function:f",
            found("f", None, Some("us-isob-east-1"), account),
        ),
        (
            "arn:aws-eusc:lambda:eusc-de-east-1:123456789012:function:f",
            found("f", None, Some("eusc-de-east-1"), account),
        ),
        ("arn::lambda:f", found("f", None, None, None)),
    ] {
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
        let shown = super::super::decode_path(path);
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
    for (qualifier, constraint) in [
        (
            "invalid!",
            r"Member must satisfy regular expression pattern: \$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+",
        ),
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

/// A second parser, which follows the pattern letter by letter with all alternatives.
fn fits_pattern(text: &str, names: Names) -> bool {
    let prefixes: [fn(&str) -> bool; 4] = [
        |text| {
            text.strip_prefix("arn:")
                .and_then(|text| text.strip_suffix(":lambda:"))
                .is_some_and(|aws| {
                    aws.is_empty()
                        || aws.strip_prefix("aws").is_some_and(|rest| {
                            rest.chars()
                                .all(|letter| letter.is_ascii_alphabetic() || letter == '-')
                        })
                })
        },
        |text| {
            let Some(text) = text.strip_suffix(':') else {
                return false;
            };
            let text = text.strip_prefix("eusc-").unwrap_or(text);
            let Some((country, rest)) = text.split_at_checked(2) else {
                return false;
            };
            let group = ["-gov", "-iso"]
                .iter()
                .find_map(|group| rest.strip_prefix(group));
            let mut rests = vec![rest];
            rests.extend(group);
            if rest.starts_with("-iso") && rest.len() > 4 && rest.as_bytes()[4].is_ascii_lowercase()
            {
                rests.push(&rest[5..]);
            }
            let is_end = |rest: &&str| {
                let Some(rest) = rest.strip_prefix('-') else {
                    return false;
                };
                let Some((direction, number)) = rest.split_once('-') else {
                    return false;
                };
                let is_direction = direction.bytes().all(|byte| byte.is_ascii_lowercase());
                !direction.is_empty()
                    && is_direction
                    && number.len() == 1
                    && number.as_bytes()[0].is_ascii_digit()
            };
            country.bytes().all(|byte| byte.is_ascii_lowercase()) && rests.iter().any(is_end)
        },
        |text| {
            text.len() == 13
                && text.ends_with(':')
                && text[..12].bytes().all(|byte| byte.is_ascii_digit())
        },
        |text| text == "function:",
    ];
    let word = |text: &str, dots: bool| {
        let is_part = |byte: u8| {
            byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' || byte == b'.' && dots
        };
        !text.is_empty() && text.bytes().all(is_part)
    };
    let is_namespaced = names == Names::Namespaced;
    let is_end = |text: &str| {
        let (name, qualifier) = match text.split_once(':') {
            Some((name, qualifier)) => (name, Some(qualifier)),
            None => (text, None),
        };
        word(name, is_namespaced)
            && qualifier.is_none_or(|text| {
                text == "$LATEST"
                    || is_namespaced && text == "$LATEST.PUBLISHED"
                    || word(text, false)
            })
    };
    let mut starts = vec![0];
    for prefix in prefixes {
        let ends = (0..=text.len()).filter(|&end| text.is_char_boundary(end));
        let found = ends.filter(|&end| {
            starts
                .iter()
                .any(|&start| start < end && prefix(&text[start..end]))
        });
        let found: Vec<usize> = found.collect();
        starts.extend(found);
    }
    starts.iter().any(|&start| is_end(&text[start..]))
}

#[test]
fn text_of_random_parts_is_judged_as_by_the_pattern() {
    let parts = [
        "arn",
        ":",
        ":",
        ":",
        "aws",
        "aws-cn",
        "lambda",
        "us-east-1",
        "us-gov-west-1",
        "us-isob-x-2",
        "eusc-de-east-1",
        "123456789012",
        "12345678901",
        "function",
        "f",
        "a.b",
        "$LATEST",
        "$LATEST.PUBLISHED",
        "PROD",
        "1",
        "-",
        "_",
        "!",
        "é",
        "",
        "arn:aws:lambda:",
        "us-east-1:123456789012:",
        "function:",
    ];
    let mut state = 7u64;
    let mut random = |below: usize| {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 33) as usize % below
    };
    let mut accepted = 0;
    for _ in 0..20_000 {
        let count = 1 + random(8);
        let text: String = (0..count).map(|_| parts[random(parts.len())]).collect();
        for names in [Names::Namespaced, Names::Plain] {
            let parsed = FunctionRef::parse(&text, names);
            assert_eq!(
                parsed.is_some(),
                fits_pattern(&text, names),
                "{text} {names:?}"
            );
            let Some(parsed) = parsed else { continue };
            accepted += 1;
            // What was taken apart is what the text ends in.
            let mut end = parsed.name;
            if let Some(qualifier) = parsed.qualifier {
                end += &format!(":{qualifier}");
            }
            assert!(text.ends_with(&end), "{text}: {end}");
        }
    }
    assert!(accepted > 1000, "{accepted}");
}

#[test]
fn name_of_any_bytes_is_parsed_without_a_panic() {
    let mut state = 11u64;
    for _ in 0..20_000 {
        let mut path = String::new();
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1);
        for _ in 0..state >> 60 {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            let byte = (state >> 40) as u8;
            match byte {
                b'!'..=b'~' if byte != b'/' && byte != b'#' => path.push(byte.into()),
                _ => path += &format!("%{byte:02x}"),
            }
        }
        if let Err(error) = call(&path) {
            assert_eq!(error.status, 400, "{path}");
            super::body(&error.reply());
        }
    }
}

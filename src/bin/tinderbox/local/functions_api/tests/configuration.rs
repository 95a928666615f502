//! Configurations are updated; members are checked.

use super::*;

#[test]
fn configuration_updated_is_taken_over_and_the_rest_stays() {
    let mut tool = Tool::new(Some("own"));
    let body = json!({
        "Timeout": 10, "MemorySize": 512, "Handler": "a.b", "Description": "d",
        "Environment": { "Variables": { "ENV_A": "a" } },
        "DeadLetterConfig": { "TargetArn": "arn:aws:sqs:us-east-1:123456789012:q" },
        "EphemeralStorage": { "Size": 1024 },
        "Layers": ["arn:aws:lambda:us-east-1:123456789012:layer:l:1"],
    });
    let (status, shown, change) = tool.call("PUT", "functions/own/configuration", &body);
    assert_eq!(
        (status, change),
        (200, Some(Change::Restart("own".to_string())))
    );
    for member in [
        "Timeout",
        "MemorySize",
        "Handler",
        "Environment",
        "EphemeralStorage",
    ] {
        assert_eq!(shown[member], body[member], "{member}");
    }
    assert_eq!(shown["Layers"][0]["Arn"], body["Layers"][0]);
    let next = tool.ok(
        "PUT",
        "functions/own/configuration",
        &json!({ "Timeout": 11 }),
    );
    assert_eq!(
        (&next["Timeout"], &next["Handler"]),
        (&json!(11), &json!("a.b"))
    );
    assert_eq!(next["Environment"], body["Environment"]);
    assert_ne!(next["RevisionId"], shown["RevisionId"]);
}

#[test]
fn member_out_of_range_is_refused_in_the_words_of_lambda() {
    let mut tool = Tool::new(Some("own"));
    let pattern = "Member must satisfy regular expression pattern: \
                   arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+";
    for (body, text) in [
        (
            json!({ "Role": "r1" }),
            format!("Value 'r1' at 'role' failed to satisfy constraint: {pattern}"),
        ),
        (
            json!({ "Timeout": 0 }),
            "Value '0' at 'timeout' failed to satisfy constraint: Member must have value greater \
             than or equal to 1".to_string(),
        ),
        (
            json!({ "MemorySize": 40_000 }),
            "Value '40000' at 'memorySize' failed to satisfy constraint: Member must have value \
             less than or equal to 32768".to_string(),
        ),
        (
            json!({ "Architectures": ["x86_64", "arm64"] }),
            "Value '[x86_64, arm64]' at 'architectures' failed to satisfy constraint: Member must \
             have length less than or equal to 1".to_string(),
        ),
        (
            json!({ "Architectures": ["X86_64"] }),
            "Value '[X86_64]' at 'architectures' failed to satisfy constraint: Member must satisfy \
             constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be \
             null]".to_string(),
        ),
    ] {
        let text = format!("1 validation error detected: {text}");
        let expected = (400, "ValidationException".to_string(), text);
        assert_eq!(tool.error("PUT", "functions/own/configuration", &body), expected);
    }
}

#[test]
fn member_that_lambda_itself_checks_is_refused_in_its_words() {
    let mut tool = Tool::new(Some("own"));
    for (body, start) in [
        (
            json!({ "Environment": { "Variables": { "LARGE_VAR": "x".repeat(4100) } } }),
            "Lambda was unable to configure your environment variables because the environment \
             variables you have provided exceeded the 4KB limit. String measured: \
             {\"LARGE_VAR\":\"xxx",
        ),
        (
            json!({ "Environment": { "Variables": { "AWS_REGION": "x" } } }),
            "Lambda was unable to configure your environment variables because the environment \
             variables you have provided contains reserved keys that are currently not supported \
             for modification. Reserved keys used in this request: AWS_REGION",
        ),
        (
            json!({ "Runtime": "non-existent-runtime" }),
            "Value non-existent-runtime at 'runtime' failed",
        ),
    ] {
        let (status, name, text) = tool.error("PUT", "functions/own/configuration", &body);
        assert_eq!(
            (status, name.as_str()),
            (400, "InvalidParameterValueException")
        );
        assert!(text.starts_with(start), "{text}");
    }
    for (body, text) in [
        (json!({ "Timeout": "3" }), "Timeout: expected an integer"),
        (
            json!({ "Environment": [] }),
            "Environment: expected an object",
        ),
        (json!([]), "expected an object"),
    ] {
        let expected = (400, "SerializationException".to_string(), text.to_string());
        assert_eq!(
            tool.error("PUT", "functions/own/configuration", &body),
            expected
        );
    }
}

#[test]
fn body_of_noise_is_answered_with_an_error() {
    let mut tool = Tool::new(Some("own"));
    let mut state = 1u64;
    for method in ["POST", "PUT"] {
        for path in [
            "functions",
            "functions/own/code",
            "functions/own/configuration",
            "functions/own/aliases",
            "functions/own/policy",
            "functions/own/concurrency",
        ] {
            let path = format!("/2015-03-31/{path}");
            let Some(Ok(call)) = ManageCall::route(method, &path, "") else {
                continue;
            };
            for length in 0..64 {
                let mut body =
                    br#"{"Code":{"ZipFile":"UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="},"#.to_vec();
                for _ in 0..length {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    body.push((state >> 56) as u8);
                }
                let (reply, change) = tool.functions.manage(&call, &body);
                assert_eq!((reply.status, change), (400, None));
            }
        }
    }
}

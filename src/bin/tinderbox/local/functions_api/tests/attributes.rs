//! Permissions, tags, concurrency.

use super::*;

/// test_add_lambda_permission_aws, test_remove_multi_permissions, test_permission_exceptions
#[test]
fn permission_is_a_statement_of_the_policy() {
    let mut tool = Tool::new(Some("own"));
    let body = json!({
        "StatementId": "s3", "Action": "lambda:InvokeFunction",
        "Principal": "s3.amazonaws.com", "SourceArn": "arn:aws:s3:::bucket",
    });
    let path = "functions/own/policy";
    let (status, shown, _) = tool.call("POST", path, &body);
    let statement = json!({
        "Sid": "s3", "Effect": "Allow", "Principal": { "Service": "s3.amazonaws.com" },
        "Action": "lambda:InvokeFunction", "Resource": format!("{ARN}own"),
        "Condition": { "ArnLike": { "AWS:SourceArn": "arn:aws:s3:::bucket" } },
    });
    let parsed = |value: &Value| -> Value {
        serde_json::from_str(value.as_str().expect("text")).expect("JSON")
    };
    assert_eq!(
        (status, parsed(&shown["Statement"])),
        (201, statement.clone())
    );
    let policy = tool.ok("GET", path, &Value::Null);
    let expected = json!({ "Version": "2012-10-17", "Id": "default", "Statement": [statement] });
    assert_eq!(parsed(&policy["Policy"]), expected);
    let (status, _, text) = tool.error("POST", path, &body);
    assert_eq!(status, 409);
    assert!(
        text.starts_with("The statement id (s3) provided already exists."),
        "{text}"
    );
    let (_, _, text) = tool.error("DELETE", "functions/own/policy/none", &Value::Null);
    assert_eq!(text, "Statement none is not found in resource policy.");
    tool.ok("DELETE", "functions/own/policy/s3", &Value::Null);
    assert_eq!(tool.error("GET", path, &Value::Null).0, 404);
    let (_, _, text) = tool.error("DELETE", "functions/own/policy/s3", &Value::Null);
    assert_eq!(text, "No policy is associated with the given resource.");
    let (_, _, text) = tool.error("POST", "functions/own/policy?Qualifier=42", &body);
    assert_eq!(text, format!("Function not found: {ARN}own:42"));
    let (_, _, text) = tool.error("POST", "functions/own/policy?Qualifier=none", &body);
    assert_eq!(text, format!("Cannot find alias arn: {ARN}own:none"));
    let mut count = 0;
    let error = loop {
        let mut body = body.clone();
        body["StatementId"] = format!("s{count}").into();
        let (status, shown, _) = tool.call("POST", path, &body);
        if status != 201 {
            break shown;
        }
        count += 1;
    };
    assert!(count < 200, "{count} {error}");
}

/// test_function_concurrency, test_tag_lifecycle, test_account_settings
#[test]
fn attribute_set_is_returned() {
    let mut tool = Tool::new(Some("own"));
    let path = "functions/own/concurrency";
    assert_eq!(tool.ok("GET", path, &Value::Null), json!({}));
    let body = json!({ "ReservedConcurrentExecutions": 0 });
    assert_eq!(tool.ok("PUT", path, &body), body);
    assert_eq!(tool.ok("GET", path, &Value::Null), body);
    let found = tool.resolve("own", None).expect("a function");
    assert_eq!(found.reserved_concurrency, Some(0));
    assert_eq!(
        tool.ok("GET", "functions/own", &Value::Null)["Concurrency"],
        body
    );
    tool.ok("DELETE", path, &Value::Null);
    assert_eq!(tool.ok("GET", path, &Value::Null), json!({}));

    let tags = format!("tags/{ARN}own");
    tool.ok(
        "POST",
        &tags,
        &json!({ "Tags": { "A": "a", "B": "b", "C d": "" } }),
    );
    tool.ok(
        "DELETE",
        &format!("{tags}?tagKeys=A&tagKeys=C+d&tagKeys=none"),
        &Value::Null,
    );
    assert_eq!(
        tool.ok("GET", &tags, &Value::Null),
        json!({ "Tags": { "B": "b" } })
    );
    let many: serde_json::Map<String, Value> = (0..50)
        .map(|index| (format!("k{index}"), "v".into()))
        .collect();
    let (_, _, text) = tool.error("POST", &tags, &json!({ "Tags": many }));
    assert_eq!(text, "Number of tags exceeds resource tag limit.");
    assert_eq!(tool.error("GET", &format!("{tags}:1"), &Value::Null).0, 400);

    let account = tool.ok("GET", "account-settings", &Value::Null);
    assert_eq!(account["AccountUsage"]["FunctionCount"], 1);
    for (path, expected) in [
        ("layers", json!({ "Layers": [] })),
        (
            "event-source-mappings",
            json!({ "EventSourceMappings": [] }),
        ),
        ("functions/own/urls", json!({ "FunctionUrlConfigs": [] })),
    ] {
        assert_eq!(tool.ok("GET", path, &Value::Null), expected);
    }
}

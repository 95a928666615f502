//! Versions are published and deleted.

use super::*;

/// test_version_lifecycle, test_publish_version_on_create, test_publish_with_update
#[test]
fn version_published_never_changes() {
    let mut tool = Tool::new(Some("own"));
    let mut body = creation("made");
    body["Publish"] = true.into();
    let first = tool.ok("POST", "functions", &body);
    assert_eq!(
        (&first["Version"], &first["FunctionArn"]),
        (&json!("1"), &json!(format!("{ARN}made")))
    );
    let again = tool.ok(
        "POST",
        "functions/made/versions",
        &json!({ "Description": "x" }),
    );
    assert_eq!(
        (&again["Version"], &again["RevisionId"]),
        (&json!("1"), &first["RevisionId"])
    );
    assert_eq!(again["FunctionArn"], format!("{ARN}made:1"));
    let update = json!({ "Description": "Second version :))", "Handler": "other" });
    tool.ok("PUT", "functions/made/configuration", &update);
    let body = json!({ "ZipFile": zip(), "Publish": true });
    let second = tool.ok("PUT", "functions/made/code", &body);
    assert_eq!(
        (&second["Version"], &second["Handler"]),
        (&json!("2"), &json!("other"))
    );
    let got = tool.ok("GET", "functions/made?Qualifier=1", &Value::Null);
    assert_eq!(got["Configuration"]["Handler"], "index.handler");
    assert_eq!(got["Configuration"]["FunctionArn"], format!("{ARN}made:1"));
    let found = tool.resolve("made", Some("2")).expect("a version");
    assert_eq!(found.executed_version, "2");
    assert_eq!(found.invoked_arn, format!("{ARN}made:2"));
    let variables = found.configuration.settings.environment("x");
    assert!(variables.contains(&"AWS_LAMBDA_FUNCTION_VERSION=2".into()));
    let stream = |variable: &&std::ffi::OsString| {
        let text = variable.to_string_lossy();
        text.starts_with("AWS_LAMBDA_LOG_STREAM_NAME=") && text.contains("/[2]")
    };
    assert!(variables.iter().any(|variable| stream(&variable)));
}

fn versions(tool: &mut Tool) -> Vec<String> {
    let listed = tool.ok("GET", "functions/made/versions", &Value::Null);
    let versions = listed["Versions"].as_array().expect("a list").iter();
    versions
        .map(|entry| {
            assert_eq!(entry.get("State"), None);
            let version = entry["Version"].as_str().expect("text").to_string();
            assert_eq!(entry["FunctionArn"], format!("{ARN}made:{version}"));
            version
        })
        .collect()
}

#[test]
fn version_deleted_is_gone_and_its_number_is_not_used_again() {
    let mut tool = Tool::new(Some("own"));
    tool.ok("POST", "functions", &creation("made"));
    tool.ok("POST", "functions/made/versions", &Value::Null);
    tool.ok(
        "PUT",
        "functions/made/configuration",
        &json!({ "Timeout": 4 }),
    );
    tool.ok("POST", "functions/made/versions", &Value::Null);
    assert_eq!(versions(&mut tool), ["$LATEST", "1", "2"]);
    let (status, _, change) = tool.call("DELETE", "functions/made?Qualifier=1", &Value::Null);
    let expected = Change::Deleted {
        name: "made".to_string(),
        version: Some("1".to_string()),
    };
    assert_eq!((status, change), (204, Some(expected)));
    assert_eq!(versions(&mut tool), ["$LATEST", "2"]);
    let (status, _, change) = tool.call("DELETE", "functions/made?Qualifier=1", &Value::Null);
    assert_eq!((status, change), (204, None));
    // Numbers are never used again.
    tool.ok("DELETE", "functions/made?Qualifier=2", &Value::Null);
    let third = tool.ok("POST", "functions/made/versions", &Value::Null);
    assert_eq!(third["Version"], "3");
    let (_, _, text) = tool.error("DELETE", "functions/made?Qualifier=%24LATEST", &Value::Null);
    assert_eq!(
        text,
        "$LATEST version cannot be deleted without deleting the function."
    );
}

/// test_publish_with_wrong_revisionid, test_publish_with_wrong_sha256,
/// test_function_revisions_basic
#[test]
fn revision_or_digest_of_the_past_is_refused() {
    let mut tool = Tool::new(Some("own"));
    let shown = tool.ok("GET", "functions/own/configuration", &Value::Null);
    let current = json!({ "RevisionId": shown["RevisionId"] });
    let published = tool.ok("POST", "functions/own/versions", &current);
    assert_eq!(published["Version"], "1");
    let text = "The Revision Id provided does not match the latest Revision Id. Call the \
                GetFunction/GetAlias API to retrieve the latest Revision Id";
    let expected = (
        412,
        "PreconditionFailedException".to_string(),
        text.to_string(),
    );
    for (method, path) in [
        ("POST", "functions/own/versions"),
        ("PUT", "functions/own/configuration"),
        ("PUT", "functions/own/code"),
    ] {
        assert_eq!(tool.error(method, path, &current), expected, "{path}");
    }
    let wrong = json!({ "CodeSha256": "somenonexistentsha256" });
    let (status, _, text) = tool.error("POST", "functions/own/versions", &wrong);
    let start = "CodeSHA256 (somenonexistentsha256) is different from current CodeSHA256 in \
                 $LATEST (";
    assert!(status == 400 && text.starts_with(start), "{text}");
}

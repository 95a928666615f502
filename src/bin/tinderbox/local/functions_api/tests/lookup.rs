//! Functions are found by their names, and listed.

use super::*;

#[test]
fn function_unknown_is_not_found_in_the_words_of_lambda() {
    let mut tool = Tool::new(Some("own"));
    let not_found = |text: String| (404, "ResourceNotFoundException".to_string(), text);
    for (method, path, arn) in [
        ("GET", "functions/no", "no"),
        ("GET", "functions/no?Qualifier=%24LATEST", "no:$LATEST"),
        ("GET", "functions/own?Qualifier=1221", "own:1221"),
        (
            "GET",
            "functions/own/configuration?Qualifier=1221",
            "own:1221",
        ),
        (
            "GET",
            "functions/own?Qualifier=aliasdoesnotexist",
            "own:aliasdoesnotexist",
        ),
        ("DELETE", "functions/no", "no"),
        ("DELETE", "functions/no?Qualifier=1", "no"),
        ("GET", "functions/no/concurrency", "no"),
        ("PUT", "functions/no/concurrency", "no:$LATEST"),
        ("GET", "functions/no/versions", "no"),
        (
            "GET",
            "tags/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Ano",
            "no",
        ),
    ] {
        let expected = not_found(format!("Function not found: {ARN}{arn}"));
        assert_eq!(
            tool.error(method, path, &json!({})),
            expected,
            "{method} {path}"
        );
    }
    let text = "The resource you requested does not exist.".to_string();
    for path in [
        "functions/no/url",
        "functions/no/policy",
        "functions/own/policy",
    ] {
        assert_eq!(
            tool.error("GET", path, &Value::Null),
            not_found(text.clone())
        );
    }
    let found = tool.resolve("no", None).err();
    assert_eq!(found, Some(format!("Function not found: {ARN}no:$LATEST")));
    let found = tool.resolve("own", Some("1")).err();
    assert_eq!(found, Some(format!("Function not found: {ARN}own:1")));
    // test_get_function_wrong_region
    let path = "functions/arn:aws:lambda:eu-west-1:123456789012:function:own";
    let text = "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')";
    assert_eq!(
        tool.error("GET", path, &Value::Null),
        not_found(text.to_string())
    );
}

#[test]
fn function_without_a_name_serves_every_name() {
    let mut tool = Tool::new(None);
    for (name, qualifier) in [("x", None), ("function", Some("PROD")), ("y", Some("7"))] {
        let found = tool.resolve(name, qualifier).expect("a function");
        assert_eq!(
            (
                found.configuration.settings.function_name.as_str(),
                found.executed_version.as_str()
            ),
            ("function", "$LATEST")
        );
        let suffix = qualifier.map_or(String::new(), |qualifier| format!(":{qualifier}"));
        assert_eq!(found.invoked_arn, format!("{ARN}function{suffix}"));
    }
    let foreign = FunctionRef {
        region: Some("eu-west-1".to_string()),
        ..reference("z", None)
    };
    assert!(self::Functions::resolve(&tool.functions, &foreign).is_ok());
    let (_, shown, change) = tool.call("PUT", "functions/x/code", &json!({ "ZipFile": zip() }));
    assert_eq!(
        change,
        Some(Change::Restart("function".to_string())),
        "{shown}"
    );
    // A function that is created has its own name.
    tool.ok("POST", "functions", &creation("x"));
    assert_eq!(
        tool.resolve("x", None)
            .expect("a function")
            .configuration
            .settings
            .function_name,
        "x"
    );
    assert_eq!(
        tool.resolve("other", None)
            .expect("a function")
            .configuration
            .settings
            .function_name,
        "function"
    );
    tool.ok("DELETE", "functions/function", &Value::Null);
    assert!(tool.resolve("other", None).is_err());
}

#[test]
fn list_of_functions_has_pages_and_versions() {
    let mut tool = Tool::new(Some("b"));
    tool.ok("POST", "functions", &creation("a"));
    tool.ok("POST", "functions/a/versions", &Value::Null);
    let names = |page: &Value| -> Vec<String> {
        let entries = page["Functions"].as_array().expect("a list").iter();
        entries
            .map(|entry| {
                let arn = entry["FunctionArn"].as_str().expect("text");
                arn.strip_prefix(ARN).expect("an ARN").to_string()
            })
            .collect()
    };
    let all = tool.ok("GET", "functions", &Value::Null);
    assert_eq!(
        (names(&all), all.get("NextMarker")),
        (vec!["a".to_string(), "b".to_string()], None)
    );
    let versions = tool.ok("GET", "functions?FunctionVersion=ALL", &Value::Null);
    assert_eq!(names(&versions), ["a:$LATEST", "a:1", "b:$LATEST"]);
    let page = tool.ok("GET", "functions?MaxItems=1", &Value::Null);
    assert_eq!(names(&page), ["a"]);
    let marker = page["NextMarker"].as_str().expect("a marker");
    let page = tool.ok(
        "GET",
        &format!("functions?MaxItems=1&Marker={marker}"),
        &Value::Null,
    );
    assert_eq!(
        (names(&page), page.get("NextMarker")),
        (vec!["b".to_string()], None)
    );
    let (_, _, text) = tool.error("GET", "functions?FunctionVersion=invalid", &Value::Null);
    let expected = "1 validation error detected: Value 'invalid' at 'functionVersion' failed to \
                    satisfy constraint: Member must satisfy enum value set: [ALL]";
    assert_eq!(text, expected);
    for query in ["Marker=x", "MaxItems=0", "MaxItems=-1"] {
        assert_eq!(
            tool.error("GET", &format!("functions?{query}"), &Value::Null)
                .0,
            400
        );
    }
    let last = tool.ok(
        "GET",
        &format!("functions?Marker={}", u64::MAX),
        &Value::Null,
    );
    assert_eq!(last, json!({ "Functions": [] }));
}

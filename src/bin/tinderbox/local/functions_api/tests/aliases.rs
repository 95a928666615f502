//! Aliases and the versions that they lead to.

use super::*;

/// The function `own` with the versions 1 and 2.
fn with_two_versions() -> Tool {
    let mut tool = Tool::new(Some("own"));
    tool.ok("POST", "functions/own/versions", &Value::Null);
    let update = json!({ "Timeout": 4 });
    tool.ok("PUT", "functions/own/configuration", &update);
    tool.ok("POST", "functions/own/versions", &Value::Null);
    tool
}

fn routed(version: &str, weights: Value) -> Value {
    json!({
        "Name": "custom", "FunctionVersion": version,
        "RoutingConfig": { "AdditionalVersionWeights": weights },
    })
}

/// test_alias_lifecycle, test_alias_naming
#[test]
fn alias_leads_to_its_version() {
    let mut tool = Tool::new(Some("own"));
    tool.ok("POST", "functions/own/versions", &Value::Null);
    let body = json!({ "Name": "PROD", "FunctionVersion": "1", "Description": "custom-alias" });
    let (status, shown, change) = tool.call("POST", "functions/own/aliases", &body);
    assert_eq!((status, change), (201, None));
    assert_eq!(shown["AliasArn"], format!("{ARN}own:PROD"));
    assert_eq!(
        (&shown["Name"], &shown["FunctionVersion"]),
        (&json!("PROD"), &json!("1"))
    );
    assert_eq!(shown.get("RoutingConfig"), None);
    assert_eq!(
        tool.ok("GET", "functions/own/aliases/PROD", &Value::Null),
        shown
    );
    let got = tool.ok("GET", "functions/own?Qualifier=PROD", &Value::Null);
    let configuration = &got["Configuration"];
    assert_eq!(configuration["FunctionArn"], format!("{ARN}own:PROD"));
    assert_eq!(configuration["Version"], "1");
    let found = tool.resolve("own", Some("PROD")).expect("an alias");
    assert_eq!(
        (found.executed_version.as_str(), found.invoked_arn),
        ("1", format!("{ARN}own:PROD"))
    );
    let (status, name, text) = tool.error("DELETE", "functions/own?Qualifier=1", &Value::Null);
    assert_eq!(
        (status, name.as_str()),
        (409, "ResourceConflictException"),
        "{text}"
    );

    let update = json!({ "FunctionVersion": "$LATEST" });
    let updated = tool.ok("PUT", "functions/own/aliases/PROD", &update);
    assert_eq!(
        (&updated["FunctionVersion"], &updated["Description"]),
        (&json!("$LATEST"), &json!("custom-alias"))
    );
    assert_ne!(updated["RevisionId"], shown["RevisionId"]);
    let stale = json!({ "RevisionId": shown["RevisionId"] });
    assert_eq!(
        tool.error("PUT", "functions/own/aliases/PROD", &stale).0,
        412
    );
    let listed = tool.ok(
        "GET",
        "functions/own/aliases?FunctionVersion=1",
        &Value::Null,
    );
    assert_eq!(listed, json!({ "Aliases": [] }));
    tool.ok(
        "POST",
        "functions/own/aliases",
        &json!({ "Name": "2024-01-02", "FunctionVersion": "1" }),
    );
    for _ in 0..2 {
        tool.ok("DELETE", "functions/own/aliases/PROD", &Value::Null);
    }
    assert!(tool.resolve("own", Some("PROD")).is_err());
}

/// test_notfound_and_invalid_routingconfigs, test_non_existent_alias_update
#[test]
fn alias_with_a_fault_is_refused_in_the_words_of_lambda() {
    let mut tool = with_two_versions();
    let constraint = "failed to satisfy constraint: Map value must satisfy constraint: [Member \
                      must have value less than or equal to 1.0, Member must have value greater \
                      than or equal to 0.0, Member must not be null]";
    let at = "at 'routingConfig.additionalVersionWeights'";
    for (body, status, text) in [
        (
            routed("1", json!({ "2": 0.2, "1": 0.2 })),
            400,
            "Number of items in AdditionalVersionWeights cannot be greater than 1".to_string(),
        ),
        (
            routed("1", json!({ "2": 2.0 })),
            400,
            format!("1 validation error detected: Value '{{2=2.0}}' {at} {constraint}"),
        ),
        (
            routed("1", json!({ "2": -1.0 })),
            400,
            format!("1 validation error detected: Value '{{2=-1.0}}' {at} {constraint}"),
        ),
        (
            routed("1", json!({ "$LATEST": 0.5 })),
            400,
            format!(
                "1 validation error detected: Value '{{$LATEST=0.5}}' {at} failed to satisfy \
                 constraint: Map keys must satisfy constraint: [Member must have length less than \
                 or equal to 1024, Member must have length greater than or equal to 1, Member must \
                 satisfy regular expression pattern: [0-9]+]"
            ),
        ),
    ] {
        let (found, _, found_text) = tool.error("POST", "functions/own/aliases", &body);
        assert_eq!((found, found_text), (status, text));
    }
}

/// The same.
#[test]
fn alias_of_wrong_versions_is_refused_in_the_words_of_lambda() {
    let mut tool = with_two_versions();
    for (body, status, text) in [
        (
            routed("1", json!({ "1": 0.5 })),
            400,
            "Invalid function version 1. Function version 1 is already included in routing \
             configuration."
                .to_string(),
        ),
        (
            routed("10", json!({ "2": 0.5 })),
            404,
            format!("Function not found: {ARN}own:10"),
        ),
        (
            routed("1", json!({ "10": 0.5 })),
            404,
            format!("Function not found: {ARN}own:10"),
        ),
        (
            routed("$LATEST", json!({ "1": 0.5 })),
            400,
            "$LATEST is not supported for an alias pointing to more than 1 version".to_string(),
        ),
        (
            json!({ "Name": "2024", "FunctionVersion": "1" }),
            400,
            "1 validation error detected: Value '2024' at 'name' failed to satisfy constraint: \
             Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)"
                .to_string(),
        ),
    ] {
        let (found, _, found_text) = tool.error("POST", "functions/own/aliases", &body);
        assert_eq!((found, found_text), (status, text));
    }
}

#[test]
fn alias_unknown_or_there_already_is_refused_in_the_words_of_lambda() {
    let mut tool = with_two_versions();
    let good = json!({ "Name": "custom", "FunctionVersion": "1" });
    let (status, _, text) = tool.error("POST", "functions/no/aliases", &good);
    assert_eq!(
        (status, text),
        (404, format!("Function not found: {ARN}no:1"))
    );
    tool.ok("POST", "functions/own/aliases", &good);
    let (status, _, text) = tool.error("POST", "functions/own/aliases", &good);
    assert_eq!(
        (status, text),
        (409, format!("Alias already exists: {ARN}own:custom"))
    );
    let (_, _, text) = tool.error("GET", "functions/own/aliases/none", &Value::Null);
    assert_eq!(text, format!("Cannot find alias arn: {ARN}own:none"));
    let (_, _, text) = tool.error("PUT", "functions/own/aliases/none", &good);
    assert_eq!(text, format!("Alias not found: {ARN}own:none"));
}

#[test]
fn alias_with_two_versions_shares_events_out() {
    let mut tool = with_two_versions();
    let body = json!({
        "Name": "both", "FunctionVersion": "1",
        "RoutingConfig": { "AdditionalVersionWeights": { "2": 0.25 } },
    });
    let shown = tool.ok("POST", "functions/own/aliases", &body);
    assert_eq!(shown["RoutingConfig"], body["RoutingConfig"]);
    let second = (0..4000)
        .filter(|_| {
            tool.resolve("own", Some("both"))
                .expect("an alias")
                .executed_version
                == "2"
        })
        .count();
    assert!((800..1200).contains(&second), "{second}");
    let none = json!({ "RoutingConfig": { "AdditionalVersionWeights": {} } });
    let shown = tool.ok("PUT", "functions/own/aliases/both", &none);
    assert_eq!(shown.get("RoutingConfig"), None);
}

//! The calls around an invocation: scripts create, update, wait, publish, invoke and delete.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::client::{Call, Client, Outcome, call};
use crate::harness::Server;
use crate::lambda::{Lambda, clear_region, copy};
use crate::programs;
use crate::support::{TempDir, function, skip};

crate::for_each_client! {
    function_created_updated_and_deleted_is_served_in_between
    version_published_is_invoked_by_number_and_alias
    function_configuration_update_reaches_the_function
    zip_without_a_bootstrap_is_refused
    small_calls_around_a_function_are_answered
}

/// A zip with this function's bootstrap.
fn zip(folder: &TempDir, name: &str) -> String {
    let place = folder.path().join(name);
    std::fs::create_dir_all(&place).expect("make a folder");
    copy(&function(name), &place.join("bootstrap"));
    let path = folder.path().join(format!("{name}.zip"));
    let mut command = Command::new("zip");
    command.args(["-q", "-X", "-j"]).arg(&path);
    let finished = programs::run(command.arg(place.join("bootstrap")), b"");
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    path.to_str().expect("UTF-8").to_string()
}

fn create(name: &str, zip: &str) -> Call {
    call(
        "CreateFunction",
        json!({
            "FunctionName": name,
            "Runtime": "provided.al2023",
            "Role": "arn:aws:iam::123456789012:role/lambda",
            "Handler": "bootstrap",
            "Code": { "ZipFile": { "file": zip } },
        }),
    )
}

fn of(operation: &str, name: &str, further: Value) -> Call {
    let mut arguments = json!({ "FunctionName": name });
    let all = arguments.as_object_mut().expect("an object");
    all.extend(further.as_object().expect("an object").clone());
    call(operation, arguments)
}

fn invoke(name: &str, further: Value) -> Call {
    let mut all = json!({"Payload": "{\"name\":\"Ada\"}"});
    let members = all.as_object_mut().expect("an object");
    members.extend(further.as_object().expect("an object").clone());
    of("Invoke", name, all)
}

fn succeed(outcome: &Outcome) -> &Value {
    assert!(outcome.error.is_none(), "{outcome:?}");
    &outcome.fields
}

fn function_created_updated_and_deleted_is_served_in_between(client: Client) {
    if !skip::has("zip") {
        return;
    }
    let lambda = Lambda::start(&["--function-name", "first"]);
    let folder = TempDir::new();
    let (echo, hello) = (zip(&folder, "echo"), zip(&folder, "hello"));
    let calls = [
        of("GetFunction", "orders", json!({})),
        create("orders", &echo),
        of("wait function-active-v2", "orders", json!({})),
        invoke("orders", json!({})),
        create("orders", &echo),
        of(
            "UpdateFunctionCode",
            "orders",
            json!({"ZipFile": {"file": hello}}),
        ),
        of("wait function-updated-v2", "orders", json!({})),
        invoke("orders", json!({})),
        call("ListFunctions", json!({})),
        of("GetFunctionConfiguration", "orders", json!({})),
        of("DeleteFunction", "orders", json!({})),
        invoke("orders", json!({})),
        invoke("first", json!({})),
    ];
    let outcomes = client.make_all(&lambda, &json!({}), &calls);
    outcomes[0].assert_refused(404, "ResourceNotFoundException");
    let created = succeed(&outcomes[1]);
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:orders";
    assert_eq!(created["FunctionName"], "orders");
    assert_eq!(created["FunctionArn"], arn);
    assert_eq!(created["Version"], "$LATEST");
    assert_eq!(created["Handler"], "bootstrap");
    assert_eq!(created["Runtime"], "provided.al2023");
    let sha = &created["CodeSha256"];
    assert!(sha.as_str().is_some_and(|sha| sha.len() == 44), "{created}");
    succeed(&outcomes[2]);
    assert_eq!(outcomes[3].json(), json!({"name": "Ada"}), "echo");
    outcomes[4].assert_refused(409, "ResourceConflictException");
    assert_ne!(&succeed(&outcomes[5])["CodeSha256"], sha);
    succeed(&outcomes[6]);
    assert_eq!(
        outcomes[7].json(),
        json!({"message": "Hello, Ada!"}),
        "hello"
    );
    let list = succeed(&outcomes[8])["Functions"]
        .as_array()
        .expect("a list");
    let mut names: Vec<&str> = list
        .iter()
        .filter_map(|one| one["FunctionName"].as_str())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["first", "orders"]);
    assert_eq!(succeed(&outcomes[9])["State"], "Active");
    assert_eq!(succeed(&outcomes[9])["LastUpdateStatus"], "Successful");
    succeed(&outcomes[10]);
    outcomes[11].assert_refused(404, "ResourceNotFoundException");
    assert_eq!(
        outcomes[12].json(),
        json!({"name": "Ada"}),
        "the other function"
    );
}

fn version_published_is_invoked_by_number_and_alias(client: Client) {
    let lambda = Lambda::start(&["--function-name", "function"]);
    let event = json!({"Payload": "{\"do\":\"context\"}"});
    let with = |further: Value| {
        let mut all = event.clone();
        let members = all.as_object_mut().expect("an object");
        members.extend(further.as_object().expect("an object").clone());
        of("Invoke", "function", all)
    };
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:function";
    let alias = json!({"Name": "PROD", "FunctionVersion": "1"});
    let calls = [
        of("PublishVersion", "function", json!({})),
        of("CreateAlias", "function", alias),
        of("GetAlias", "function", json!({"Name": "PROD"})),
        with(json!({"Qualifier": "1"})),
        with(json!({"Qualifier": "PROD"})),
        with(json!({"Qualifier": "$LATEST"})),
        of("Invoke", &format!("{arn}:PROD"), event.clone()),
        with(json!({"Qualifier": "2"})),
        of("DeleteAlias", "function", json!({"Name": "PROD"})),
        with(json!({"Qualifier": "PROD"})),
        with(json!({})),
    ];
    let outcomes = client.make_all(&lambda, &json!({}), &calls);
    let published = succeed(&outcomes[0]);
    assert_eq!(published["Version"], "1");
    assert_eq!(published["FunctionArn"], format!("{arn}:1"));
    for outcome in &outcomes[1..3] {
        assert_eq!(succeed(outcome)["AliasArn"], format!("{arn}:PROD"));
        assert_eq!(succeed(outcome)["FunctionVersion"], "1");
    }
    // Which version runs, and the ARN by which it was called.
    for (at, version, qualifier) in [
        (3, "1", ":1"),
        (4, "1", ":PROD"),
        (5, "$LATEST", ":$LATEST"),
        (6, "1", ":PROD"),
        (10, "$LATEST", ""),
    ] {
        let outcome = &outcomes[at];
        let seen = outcome.json();
        assert_eq!(outcome.fields["ExecutedVersion"], version, "{outcome:?}");
        assert_eq!(
            (&seen["version"], &seen["variable"]),
            (&json!(version), &json!(version))
        );
        assert_eq!(seen["arn"], format!("{arn}{qualifier}"));
        let id = seen["id"].as_str().expect("an id");
        lambda.wait_for_stderr(&format!("START RequestId: {id} Version: {version}"));
    }
    let missing = outcomes[7].assert_refused(404, "ResourceNotFoundException");
    assert_eq!(missing.message, format!("Function not found: {arn}:2"));
    succeed(&outcomes[8]);
    outcomes[9].assert_refused(404, "ResourceNotFoundException");
}

fn function_configuration_update_reaches_the_function(client: Client) {
    let lambda = Lambda::start(&["--function-name", "function"]);
    let event = json!({"Payload": "{\"do\":\"environment\",\"name\":\"STAGE\"}"});
    let further = json!({
        "MemorySize": 256,
        "Timeout": 42,
        "Environment": {"Variables": {"STAGE": "local"}},
    });
    let calls = [
        of("Invoke", "function", event.clone()),
        of("UpdateFunctionConfiguration", "function", further),
        of("wait function-updated", "function", json!({})),
        of("Invoke", "function", event),
        of("GetFunctionConfiguration", "function", json!({})),
        of(
            "Invoke",
            "function",
            json!({"Payload": "{\"do\":\"context\"}"}),
        ),
    ];
    let outcomes = client.make_all(&lambda, &json!({}), &calls);
    assert_eq!(outcomes[0].json()["variable"], Value::Null);
    assert_eq!(succeed(&outcomes[1])["MemorySize"], 256);
    succeed(&outcomes[2]);
    assert_eq!(outcomes[3].json()["variable"], "local");
    let configuration = succeed(&outcomes[4]);
    assert_eq!(configuration["Timeout"], 42);
    let variables = &configuration["Environment"]["Variables"];
    assert_eq!(variables["STAGE"], "local", "{configuration}");
    assert_eq!(outcomes[5].json()["memory"], 256);
}

fn zip_without_a_bootstrap_is_refused(client: Client) {
    let lambda = Lambda::start(&["--function-name", "function"]);
    let folder = TempDir::new();
    let no_zip = folder.file("no.zip", b"this is no zip");
    let update = |file: &Path| {
        let file = file.to_str().expect("UTF-8");
        of(
            "UpdateFunctionCode",
            "function",
            json!({"ZipFile": {"file": file}}),
        )
    };
    // The CLI looks into the file by itself.
    let mut calls = match client {
        Client::Boto3 | Client::Javascript => vec![update(&no_zip)],
        Client::Cli1 | Client::Cli2 => Vec::new(),
    };
    if skip::has("zip") {
        let file = folder.file("readme.txt", b"no bootstrap");
        let path = folder.path().join("readme.zip");
        let mut command = Command::new("zip");
        command.args(["-q", "-X", "-j"]).arg(&path);
        assert_eq!(programs::run(command.arg(file), b"").code, 0);
        calls.push(update(&path));
    }
    calls.push(of("Invoke", "function", json!({"Payload": "{\"a\":1}"})));
    let outcomes = client.make_all(&lambda, &json!({}), &calls);
    let (last, refused) = outcomes.split_last().expect("a call");
    for outcome in refused {
        outcome.assert_refused(400, "InvalidParameterValueException");
    }
    assert_eq!(last.json(), json!({"a": 1}), "the function as it was");
}

fn small_calls_around_a_function_are_answered(client: Client) {
    let lambda = Lambda::start(&["--function-name", "function"]);
    let operations = [
        "ListVersionsByFunction",
        "ListAliases",
        "GetFunctionConcurrency",
    ];
    let mut calls: Vec<Call> = operations
        .iter()
        .map(|operation| of(operation, "function", json!({})))
        .collect();
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:function";
    calls.extend([
        call("ListTags", json!({"Resource": arn})),
        call("ListLayers", json!({})),
        call("ListEventSourceMappings", json!({})),
        call("GetAccountSettings", json!({})),
    ]);
    for outcome in &client.make_all(&lambda, &json!({}), &calls) {
        succeed(outcome);
    }
}

/// What is not emulated says so, with its name.
#[test]
fn operation_not_emulated_is_a_501_with_its_name() {
    let client = Client::Boto3;
    if client.is_missing() {
        return;
    }
    let lambda = Lambda::start(&["--function-name", "function"]);
    let arguments = json!({
        "FunctionName": "function",
        "EventSourceArn": "arn:aws:sqs:us-east-1:123456789012:queue",
    });
    let outcome = client.make(&lambda, call("CreateEventSourceMapping", arguments));
    assert_eq!(outcome.status, Some(501), "{outcome:?}");
    let refusal = outcome.refusal();
    assert!(
        refusal.message.contains("CreateEventSourceMapping"),
        "{refusal:?}"
    );
}

/// Several functions in one process, by name.
#[test]
fn functions_of_the_command_line_are_invoked_by_name() {
    let client = Client::Boto3;
    if client.is_missing() {
        return;
    }
    let option = |name: &str, of: &str| {
        let bootstrap = function(of);
        let folder = bootstrap.parent().expect("a folder").display();
        format!("--function={name}={folder}")
    };
    let arguments = [
        "run".to_string(),
        option("orders", "echo"),
        option("greetings", "hello"),
    ];
    let server = Server::start_arguments(arguments.to_vec(), clear_region);
    let calls = ["orders", "greetings", "invoices"].map(|name| invoke(name, json!({})));
    let outcomes = client.make_all(&server, &json!({}), &calls);
    assert_eq!(outcomes[0].json(), json!({"name": "Ada"}));
    assert_eq!(outcomes[1].json(), json!({"message": "Hello, Ada!"}));
    outcomes[2].assert_refused(404, "ResourceNotFoundException");
}

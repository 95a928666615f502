//! Functions are created and their code is updated.

use super::*;

#[test]
fn function_created_has_the_shape_of_lambda() {
    let mut tool = Tool::new(Some("own"));
    let mut body = creation("made");
    body["Environment"] = json!({ "Variables": { "A1": "a" } });
    let (status, shown, change) = tool.call("POST", "functions", &body);
    assert_eq!(
        (status, change),
        (201, Some(Change::Created("made".to_string())))
    );
    let bytes = base64::decode(zip().as_bytes()).expect("base64");
    for (member, expected) in [
        ("FunctionName", json!("made")),
        ("FunctionArn", json!(format!("{ARN}made"))),
        ("Version", json!("$LATEST")),
        ("Role", json!(ROLE)),
        ("Runtime", json!("provided.al2023")),
        ("Handler", json!("index.handler")),
        ("Description", json!("")),
        ("Timeout", json!(3)),
        ("MemorySize", json!(128)),
        ("CodeSize", json!(bytes.len())),
        (
            "CodeSha256",
            json!(base64::encode(&crate::sha256::digest(&bytes))),
        ),
        ("PackageType", json!("Zip")),
        ("EphemeralStorage", json!({ "Size": 512 })),
        ("TracingConfig", json!({ "Mode": "PassThrough" })),
        ("Environment", json!({ "Variables": { "A1": "a" } })),
        (
            "SnapStart",
            json!({ "ApplyOn": "None", "OptimizationStatus": "Off" }),
        ),
        (
            "LoggingConfig",
            json!({ "LogFormat": "Text", "LogGroup": "/aws/lambda/made" }),
        ),
        ("State", json!("Active")),
        ("LastUpdateStatus", json!("Successful")),
    ] {
        assert_eq!(shown[member], expected, "{member}");
    }
    let modified = shown["LastModified"].as_str().expect("a time");
    assert!(
        modified.len() == 28 && modified.ends_with("+0000"),
        "{modified}"
    );
    let got = tool.ok("GET", "functions/made", &Value::Null);
    assert_eq!(got["Configuration"], shown);
    assert_eq!(got["Code"]["RepositoryType"], "S3");
    assert_eq!(
        tool.ok("GET", "functions/made/configuration", &Value::Null),
        shown
    );
}

#[test]
fn function_created_is_resolved_with_its_files_and_variables() {
    let mut tool = Tool::new(Some("own"));
    let mut body = creation("made");
    body["Environment"] = json!({ "Variables": { "A1": "a", "MINE": "lambda's" } });
    body["Timeout"] = 9.into();
    body["LoggingConfig"] = json!({ "LogFormat": "JSON", "ApplicationLogLevel": "DEBUG" });
    tool.ok("POST", "functions", &body);
    let found = tool.resolve("made", None).expect("a function");
    assert_eq!(found.executed_version, "$LATEST");
    assert_eq!(found.invoked_arn, format!("{ARN}made"));
    let settings = &found.configuration.settings;
    assert_eq!(settings.timeout, Duration::from_secs(9));
    let root = settings.task_root.clone();
    assert_eq!(
        found.configuration.program.bootstrap,
        root.join("bootstrap")
    );
    assert!(root.join("lib/data.txt").is_file());
    let variables = settings.environment("127.0.0.1:1");
    let variables: Vec<String> = variables
        .iter()
        .map(|variable| variable.to_string_lossy().into_owned())
        .collect();
    for expected in [
        "A1=a",
        "MINE=1", // of --env
        "AWS_LAMBDA_FUNCTION_NAME=made",
        "AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
        "AWS_LAMBDA_LOG_FORMAT=JSON",
        "AWS_LAMBDA_LOG_LEVEL=DEBUG",
    ] {
        assert!(
            variables.iter().any(|found| found == expected),
            "{expected}"
        );
    }
    // The files stay as long as someone has the configuration.
    tool.ok("DELETE", "functions/made", &Value::Null);
    assert!(root.join("bootstrap").is_file());
    drop(found);
    assert!(!root.exists());
}

#[test]
fn code_updated_is_swapped_and_the_old_folder_removed() {
    let mut tool = Tool::new(Some("own"));
    let before = tool.resolve("own", None).expect("a function");
    let old_root = before.configuration.settings.task_root.clone();
    let body = json!({ "ZipFile": zip(), "Architectures": ["arm64"] });
    let (status, shown, change) = tool.call("PUT", "functions/own/code", &body);
    assert_eq!(
        (status, change),
        (200, Some(Change::Restart("own".to_string()))),
        "{shown}"
    );
    assert_eq!(shown["Architectures"], json!(["arm64"]));
    let first = tool.resolve("own", None).expect("a function").configuration;
    let first_root = first.settings.task_root.clone();
    assert_ne!(first_root, old_root);
    // A folder of the user's is never removed.
    drop(before);
    assert!(old_root.join("bootstrap").is_file());
    drop(first);
    tool.ok("PUT", "functions/own/code", &body);
    assert!(!first_root.exists());
}

#[test]
fn code_that_cannot_run_is_refused_and_the_old_stays() {
    let mut tool = Tool::new(Some("own"));
    let before = tool.resolve("own", None).expect("a function").configuration;
    let no_bootstrap = base64::decode(zip().as_bytes()).expect("base64");
    // The name is in the local header and in the central directory.
    let renamed = |to: &[u8]| {
        let mut zip = no_bootstrap.clone();
        let from = b"bootstrap";
        let at = |zip: &[u8]| zip.windows(from.len()).position(|bytes| bytes == from);
        while let Some(at) = at(&zip) {
            zip[at..at + from.len()].copy_from_slice(to);
        }
        base64::encode(&zip)
    };
    for (body, text) in [
        (json!({}), "Please provide a source for function code."),
        (
            json!({ "ZipFile": base64::encode(b"no zip") }),
            "Could not unzip uploaded file. Please check your file, then try to upload again. \
             (it is no zip, or its end is missing)",
        ),
        (
            json!({ "ZipFile": renamed(b"bootstrat") }),
            "the package has no file bootstrap at its top level, which custom runtimes start with",
        ),
        (
            json!({ "ZipFile": renamed(b"../../../") }),
            "Could not unzip uploaded file. Please check your file, then try to upload again. \
             ('../../../': its name leads out of the package)",
        ),
        (
            json!({ "S3Bucket": "b", "S3Key": "k" }),
            "Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: The \
             specified bucket does not exist (tinderbox run has no S3: send 'b' as a zip)",
        ),
        (
            json!({ "ImageUri": "x" }),
            "Please don't provide ImageUri when updating a function with packageType Zip.",
        ),
    ] {
        let expected = (
            400,
            "InvalidParameterValueException".to_string(),
            text.to_string(),
        );
        assert_eq!(tool.error("PUT", "functions/own/code", &body), expected);
    }
    let after = tool.resolve("own", None).expect("a function").configuration;
    assert!(Arc::ptr_eq(&before, &after));
}

#[test]
fn dry_run_of_an_update_changes_nothing() {
    let mut tool = Tool::new(Some("own"));
    let before = tool.resolve("own", None).expect("a function").configuration;
    let body = json!({ "ZipFile": zip(), "DryRun": true });
    let (status, shown, change) = tool.call("PUT", "functions/own/code", &body);
    assert_eq!((status, change), (200, None));
    assert_ne!(shown["CodeSha256"], before.package().0.as_str());
    let after = tool.resolve("own", None).expect("a function").configuration;
    assert!(Arc::ptr_eq(&before, &after));
}

#[test]
fn creation_with_a_fault_is_refused() {
    let mut tool = Tool::new(Some("own"));
    let expected = |status, name: &str, text: &str| (status, name.to_string(), text.to_string());
    assert_eq!(
        tool.error("POST", "functions", &creation("own")),
        expected(
            409,
            "ResourceConflictException",
            "Function already exist: own"
        )
    );
    let (status, name, _) = tool.error("POST", "functions", &creation("a/b"));
    assert_eq!((status, name.as_str()), (400, "ValidationException"));
    // test_function_arns
    let long = "a".repeat(65);
    let text = format!(
        "1 validation error detected: Value '{long}' at 'functionName' failed to satisfy \
         constraint: Member must have length less than or equal to 64"
    );
    assert_eq!(
        tool.error("POST", "functions", &creation(&long)),
        expected(400, "InvalidParameterValueException", &text)
    );
    let mut image = creation("image");
    image["PackageType"] = "Image".into();
    let (status, _, text) = tool.error("POST", "functions", &image);
    assert!(status == 501 && text.contains("--image"), "{text}");
    for member in ["FunctionName", "Role", "Code"] {
        let mut body = creation("less");
        body[member] = Value::Null;
        let (status, name, text) = tool.error("POST", "functions", &body);
        assert_eq!(
            (status, name.as_str()),
            (400, "ValidationException"),
            "{text}"
        );
    }
}

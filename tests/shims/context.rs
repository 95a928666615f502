//! Values of the context that a caller or a server chose: whatever they are, the event is handled.

use serde_json::{Value, json};

use crate::driver::{Frame, Language, Worker};
use crate::for_each_language;

for_each_language! {
    context_value_not_utf8_is_replaced
    context_key_not_utf8_is_no_error
    client_context_not_json_is_absent
    client_context_not_an_object_is_no_error
    context_value_empty_is_no_error
}

/// Sends an event with a context of any bytes.
fn ask(worker: &mut Worker, context: &[u8]) -> Frame {
    worker.sequence += 1;
    let head = format!("{} {} 2\n", worker.sequence, context.len());
    worker.send_bytes(&[head.as_bytes(), context, b"{}"].concat());
    worker.answer()
}

fn context_value_not_utf8_is_replaced(language: Language) {
    let mut worker = language.case("context");
    let bytes = b"request-id=r\xff\nfunction-arn=a\xe4b\ntrace-id=R=\xff\ntenant-id=t\xfft\n\
        client-context={\"client\":{\"app_title\":\"\xff\"},\"custom\":{\"k\xfe\":\"v\xfe\"}}\n\
        cognito-identity={\"cognitoIdentityId\":\"i\xff\",\"cognitoIdentityPoolId\":\"p\"}\n";
    for round in 0..2 {
        let answer = ask(&mut worker, bytes).json();
        for (name, wanted) in [
            ("aws_request_id", json!("r\u{fffd}")),
            ("invoked_function_arn", json!("a\u{fffd}b")),
            ("trace", json!("R=\u{fffd}")),
            ("trace_of_child", json!("R=\u{fffd}")),
            ("tenant_id", json!("t\u{fffd}t")),
            ("client_app", json!("\u{fffd}")),
            ("client_custom", json!({"k\u{fffd}": "v\u{fffd}"})),
            ("identity_id", json!("i\u{fffd}")),
            ("identity_pool", json!("p")),
        ] {
            assert_eq!(answer[name], wanted, "{round} {name}: {answer}");
        }
        // Nothing of it is left for the next event.
        let next = ask(&mut worker, b"request-id=2\n").json();
        assert_eq!(
            (&next["aws_request_id"], &next["tenant_id"]),
            (&json!("2"), &Value::Null)
        );
    }
}

fn context_key_not_utf8_is_no_error(language: Language) {
    let mut worker = language.case("context");
    let answer = ask(&mut worker, b"\xff\xfe=x\nrequest-id=1\n=\n__proto__=y\n").json();
    assert_eq!(answer["aws_request_id"], "1");
}

fn client_context_not_json_is_absent(language: Language) {
    let mut worker = language.case("context");
    let deep = "[".repeat(2_000);
    let texts = ["{", "{\"a\":\"\u{7f}", "text", "01", "{}{}", "'", &deep];
    for text in texts {
        let context = format!("client-context={text}\ncognito-identity={text}\nrequest-id=1\n");
        let answer = ask(&mut worker, context.as_bytes()).json();
        assert_eq!(answer["aws_request_id"], "1");
        for name in ["client_app", "client_custom", "identity_id"] {
            assert_eq!(answer[name], Value::Null, "{text}: {name}");
        }
    }
    let answer = ask(
        &mut worker,
        b"client-context=\xff\xfe\ncognito-identity={\xff\n",
    );
    assert_eq!(answer.json()["client_app"], Value::Null);
    let count = texts.len() + 1;
    for name in ["client-context", "cognito-identity"] {
        let line = format!("{name} is not JSON: ignored\n");
        worker.until_log(|log| log.matches(&line).count() == count);
    }
    assert_eq!(worker.log().lines().count(), 2 * count);
}

fn client_context_not_an_object_is_no_error(language: Language) {
    let mut worker = language.case("same");
    for text in [
        "[1]",
        "\"text\"",
        "7",
        "null",
        "true",
        "{\"client\":\"text\"}",
        "{\"client\":[1],\"custom\":7,\"env\":null}",
        "{\"__proto__\":1,\"get\":2}",
    ] {
        let context = format!("client-context={text}\ncognito-identity={text}\n");
        let answer = ask(&mut worker, context.as_bytes());
        assert_eq!(answer.verb, "ok", "{text}: {}", answer.text());
    }
    assert_eq!(worker.log(), "");
}

fn context_value_empty_is_no_error(language: Language) {
    let mut worker = language.case("context");
    let answer = ask(
        &mut worker,
        b"request-id=\nfunction-arn=\ntrace-id=\nclient-context=\ncognito-identity=\ntenant-id=\n",
    );
    let answer = answer.json();
    for name in ["client_app", "client_custom", "identity_id"] {
        assert_eq!(answer[name], Value::Null, "{name}: {answer}");
    }
    assert_eq!(worker.log(), "");
}

//! Response streams, by the two clients that read them.

use serde_json::{Value, json};

use crate::client::{Call, Client, call};
use crate::lambda::{Lambda, function_error};
use crate::support::skip;

crate::for_each_client! { boto3 Boto3:
    stream_of_pieces_arrives_whole
    stream_that_breaks_ends_with_the_error
    response_buffered_is_a_stream_as_well
}
crate::for_each_client! { javascript Javascript:
    stream_of_pieces_arrives_whole
    stream_that_breaks_ends_with_the_error
    response_buffered_is_a_stream_as_well
}

fn stream(event: &Value) -> Call {
    let arguments = json!({ "FunctionName": "function", "Payload": event.to_string() });
    call("InvokeWithResponseStream", arguments)
}

/// The text of the first pieces.
pub fn pieces(count: usize) -> String {
    (0..count)
        .map(|number| format!("piece {number}\n"))
        .collect()
}

fn stream_of_pieces_arrives_whole(client: Client) {
    if !skip::has("node") {
        return;
    }
    let lambda = Lambda::with_handler("index.stream", &[]);
    let outcomes = client.make_all(
        &lambda,
        &json!({}),
        &[stream(&json!({"pieces": 5})), stream(&json!({"pieces": 0}))],
    );
    for (outcome, count) in outcomes.iter().zip([5, 0]) {
        assert!(outcome.error.is_none(), "{outcome:?}");
        assert_eq!(
            (outcome.status, &outcome.payload),
            (Some(200), &pieces(count))
        );
        let complete = &outcome.fields["InvokeComplete"];
        assert!(complete.is_object(), "{outcome:?}");
        assert_eq!(complete.get("ErrorCode"), None);
        assert_eq!(outcome.fields["ExecutedVersion"], "$LATEST");
    }
}

fn stream_that_breaks_ends_with_the_error(client: Client) {
    if !skip::has("node") {
        return;
    }
    let lambda = Lambda::with_handler("index.stream", &[]);
    let event = json!({"pieces": 3, "do": "raise", "text": "no more"});
    let outcome = client.make(&lambda, stream(&event));
    assert!(outcome.error.is_none(), "{outcome:?}");
    assert_eq!(outcome.payload, pieces(3));
    let complete = &outcome.fields["InvokeComplete"];
    let code = complete["ErrorCode"].as_str();
    assert!(code.is_some_and(|code| !code.is_empty()), "{outcome:?}");
    let details = complete["ErrorDetails"].as_str().unwrap_or_default();
    assert!(details.contains("no more"), "{outcome:?}");
    assert_eq!(outcome.attempts, 1);
}

fn response_buffered_is_a_stream_as_well(client: Client) {
    let lambda = Lambda::start(&[]);
    let event = json!({"name": "Ada"});
    let calls = [
        stream(&event),
        stream(&json!({"do": "raise", "text": "no"})),
    ];
    let outcomes = client.make_all(&lambda, &json!({}), &calls);
    assert_eq!(outcomes[0].json(), event);
    let details = outcomes[1].fields["InvokeComplete"]["ErrorDetails"].as_str();
    let details = details.unwrap_or_else(|| panic!("an error: {:?}", outcomes[1]));
    let expected = ("ValueError".to_string(), "no".to_string());
    assert_eq!(function_error(details.as_bytes()), expected);
}

//! AWS's types for events and responses: the package `aws_lambda_events`.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use tinderbox::{Failure, Invocation};

/// Handles each message; the failed ones return to the queue.
fn handle(event: SqsEvent, _: &Invocation) -> Result<SqsBatchResponse, Failure> {
    let mut response = SqsBatchResponse::default();
    for message in event.records {
        if let Err(failure) = store(&message) {
            tinderbox::warn!("{failure}");
            response.add_failure(message.message_id.unwrap_or_default());
        }
    }
    Ok(response)
}

fn store(message: &SqsMessage) -> Result<(), Failure> {
    let order: serde_json::Value = serde_json::from_str(message.body.as_deref().unwrap_or(""))?;
    tinderbox::info!("order {}", order["id"]);
    Ok(())
}

fn main() {
    tinderbox::run(tinderbox::json(handle))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
    use tinderbox::testing::Event;

    /// A record as SQS sends it.
    fn record(id: &str, body: &str) -> serde_json::Value {
        serde_json::json!({
            "messageId": id,
            "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
            "body": body,
            "attributes": {
                "ApproximateReceiveCount": "1",
                "SentTimestamp": "1545082649183",
                "SenderId": "AIDAIENQZJOLO23YVJ4VO",
                "ApproximateFirstReceiveTimestamp": "1545082649185"
            },
            "messageAttributes": {},
            "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-2:123456789012:my-queue",
            "awsRegion": "us-east-2"
        })
    }

    #[test]
    fn batch_with_a_bad_message_names_it_in_the_response() {
        let records = [record("good", r#"{"id":7}"#), record("bad", "no JSON")];
        let event = Event::json(&serde_json::json!({ "Records": records })).expect("JSON");
        let answer = event.run(tinderbox::json(handle));
        let expected = r#"{"batchItemFailures":[{"itemIdentifier":"bad"}]}"#;
        assert_eq!(answer.text(), expected);
    }

    #[test]
    fn event_of_another_service_is_the_error_of_its_event() {
        let answer = Event::new(r#"{"Records":7}"#).run(tinderbox::json(handle));
        assert_eq!(answer.error_type(), Some("Function.BadEvent"));
    }

    #[test]
    fn http_event_is_answered_with_an_http_response() {
        let hello = |request: ApiGatewayV2httpRequest, _: &Invocation| {
            let name = request
                .query_string_parameters
                .first("name")
                .unwrap_or("you");
            let mut response = ApiGatewayV2httpResponse::default();
            response.status_code = 200;
            response
                .headers
                .insert("content-type", "text/plain".parse()?);
            response.body = Some(format!("Hello, {name}!").into());
            Ok::<_, Failure>(response)
        };
        let event = serde_json::json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": "/hello",
            "rawQueryString": "name=Ada",
            "headers": { "accept": "*/*" },
            "queryStringParameters": { "name": "Ada" },
            "requestContext": {
                "accountId": "123456789012",
                "apiId": "api-id",
                "domainName": "id.execute-api.us-east-1.amazonaws.com",
                "domainPrefix": "id",
                "http": {
                    "method": "GET",
                    "path": "/hello",
                    "protocol": "HTTP/1.1",
                    "sourceIp": "192.0.2.1",
                    "userAgent": "agent"
                },
                "requestId": "id",
                "routeKey": "$default",
                "stage": "$default",
                "time": "12/Mar/2020:19:03:58 +0000",
                "timeEpoch": 1583348638390_i64
            },
            "isBase64Encoded": false
        });
        let answer = Event::json(&event)
            .expect("JSON")
            .run(tinderbox::json(hello));
        let response: serde_json::Value = answer.json().expect("JSON");
        assert_eq!(response["statusCode"], 200, "{answer:?}");
        assert_eq!(response["body"], "Hello, Ada!");
        assert_eq!(response["headers"]["content-type"], "text/plain");
    }
}

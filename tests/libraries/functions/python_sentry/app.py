import sentry_sdk
from sentry_sdk.integrations.aws_lambda import AwsLambdaIntegration

sentry_sdk.init(
    traces_sample_rate=1.0,
    send_client_reports=False,
    auto_session_tracking=False,
    integrations=[AwsLambdaIntegration(timeout_warning=True)],
    _experiments={"transport_compression_level": 0},
)


def handler(event, context):
    if "httpMethod" in event:
        raise ValueError("out of stock")
    return {"statusCode": 200, "body": "sold"}

import sentry_sdk
from sentry_sdk.integrations.aws_lambda import AwsLambdaIntegration

sentry_sdk.init(
    send_client_reports=False,
    auto_session_tracking=False,
    integrations=[AwsLambdaIntegration()],
    _experiments={"transport_compression_level": 0},
)


def handler(event, context):
    sentry_sdk.capture_message("seen")
    return {"statusCode": 200}

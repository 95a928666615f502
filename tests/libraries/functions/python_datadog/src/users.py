from datadog_lambda.metric import lambda_metric


def find(event, context):
    lambda_metric("users.found", 1, tags=["path:" + event.get("rawPath", event.get("path"))])
    if "httpMethod" in event:
        raise LookupError("no user")
    return {"statusCode": 200, "body": "7"}

def handler(event, context):
    return {"statusCode": 200, "body": event.get("rawPath", event.get("path"))}

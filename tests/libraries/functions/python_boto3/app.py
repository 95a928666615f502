import boto3

table = boto3.resource("dynamodb").Table("users")


def handler(event, context):
    found = table.get_item(Key={"id": "1"})
    return {"item": found["Item"], "status": found["ResponseMetadata"]["HTTPStatusCode"]}

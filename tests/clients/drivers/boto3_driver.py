"""Makes the calls that stdin lists with boto3, and prints the result of each.

Stdin: {"endpoint": URL, "config": {...}, "calls": [{"operation": NAME, "arguments": {...}}]}.
An operation is one of the Lambda API, or "wait NAME_OF_A_WAITER"; arguments are those of the API, with
bytes as text, {"length": N} or {"file": PATH}. Stdout: [{"status", "fields", "payload", "attempts",
"error": null or {"class", "code", "message", "fields"}}].
"""

import datetime
import json
import sys

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError


def argument(value):
    if isinstance(value, dict) and list(value) == ["length"]:
        return b'"' + b"x" * (value["length"] - 2) + b'"'
    if isinstance(value, dict) and list(value) == ["file"]:
        with open(value["file"], "rb") as file:
            return file.read()
    if isinstance(value, dict):
        return {name: argument(part) for name, part in value.items()}
    return value


def text(value):
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    return repr(value)


def payload(reply):
    body = reply.pop("Payload", None)
    if body is not None:
        return text(body.read())
    stream = reply.pop("EventStream", None)
    if stream is None:
        return None
    parts = []
    for event in stream:
        if "PayloadChunk" in event:
            parts.append(event["PayloadChunk"]["Payload"])
        else:
            reply.update(event)
    return text(b"".join(parts))


def make(client, operation, arguments):
    result = {"status": None, "fields": {}, "payload": None, "attempts": 1, "error": None}
    try:
        if operation.startswith("wait "):
            waiter = client.get_waiter(operation.split()[1].replace("-", "_"))
            waiter.wait(**arguments, WaiterConfig={"Delay": 1, "MaxAttempts": 10})
            return result
        reply = getattr(client, xform_name(operation))(**argument(arguments))
        metadata = reply.pop("ResponseMetadata")
        result.update(payload=payload(reply), fields=reply)
    except ClientError as error:
        fields = error.response
        metadata = fields.pop("ResponseMetadata", {})
        details = fields.pop("Error")
        result["error"] = {
            "class": type(error).__name__,
            "code": details.get("Code"),
            "message": details.get("Message"),
            "fields": {**details, **fields},
        }
    except Exception as error:  # a broken connection, an answer that is cut short, a waiter that gives up
        result["error"] = {"class": type(error).__name__, "code": "", "message": str(error), "fields": {}}
        return result
    result.update(
        status=metadata.get("HTTPStatusCode"),
        attempts=metadata.get("RetryAttempts", 0) + 1,
        headers=metadata.get("HTTPHeaders"),
    )
    return result


def main():
    work = json.load(sys.stdin)
    client = boto3.client(
        "lambda",
        endpoint_url=work["endpoint"],
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        config=Config(**work.get("config", {})),
    )
    results = [make(client, call["operation"], call["arguments"]) for call in work["calls"]]
    json.dump(results, sys.stdout, default=text)


main()

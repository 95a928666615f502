"""The function of the tests in Python: does what its event says."""

import os
import signal
import sys
import time


def handler(event, context):
    do = event.get("do") if isinstance(event, dict) else None
    if do == "raise":
        raise ValueError(event["text"])
    if do == "log":
        for line in event["lines"]:
            print(line, flush=True)
    if do == "sleep":
        time.sleep(event["seconds"])
    if do == "exit":
        os._exit(event["status"])
    if do == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if do == "large":
        return "x" * (event["length"] - 2)
    if do == "environment":
        return {"process": os.getpid(), "variable": os.environ.get(event.get("name", ""))}
    if do == "context":
        client = context.client_context
        return {
            "id": context.aws_request_id,
            "arn": context.invoked_function_arn,
            "name": context.function_name,
            "version": context.function_version,
            "variable": os.environ.get("AWS_LAMBDA_FUNCTION_VERSION"),
            "memory": int(context.memory_limit_in_mb),
            "has_time": context.get_remaining_time_in_millis() > 0,
            "custom": client.custom if client else None,
        }
    return event

# One function for each case.
import logging
import os
import signal
import subprocess
import sys
import time
from decimal import Decimal

logger = logging.getLogger()
logger.setLevel(logging.INFO)


def same(event, context):
    return event


def context(event, context):
    client = context.client_context
    child = subprocess.run(["printenv", "_X_AMZN_TRACE_ID"], capture_output=True, text=True)
    return {
        "aws_request_id": context.aws_request_id,
        "invoked_function_arn": context.invoked_function_arn,
        "tenant_id": context.tenant_id,
        "function_name": context.function_name,
        "function_version": context.function_version,
        "memory_limit": context.memory_limit_in_mb,
        "log_group_name": context.log_group_name,
        "log_stream_name": context.log_stream_name,
        "client_app": client and client.client.app_title,
        "client_custom": client and client.custom,
        "identity_id": context.identity.cognito_identity_id,
        "identity_pool": context.identity.cognito_identity_pool_id,
        "remaining_ms": context.get_remaining_time_in_millis(),
        "trace": os.environ.get("_X_AMZN_TRACE_ID"),
        "trace_of_child": child.stdout.strip() or None,
    }


def inner(message):
    raise LookupError(message)


def throws(event, context):
    inner(event.get("message", "it was thrown"))


def odd_type(event, context):
    raise type("Größe \n 1", (Exception,), {})("odd")


def recurses(event, context):
    return recurses(event, context)


def exits(event, context):
    sys.exit(event["status"])


def exits_at_once(event, context):
    os._exit(event["status"])


def dies(event, context):
    os.kill(os.getpid(), signal.SIGKILL)


def slow(event, context):
    time.sleep(event["ms"] / 1000)
    return "slept"


def logs(event, context):
    line = "x" * 99
    for _ in range(0, event["bytes"], 200):
        print(line)
        print(line, file=sys.stderr)
    print("the end", end="")
    return "logged"


def info(event, context):
    logger.info("of level INFO")
    context.log("by the context")


def big(event, context):
    return "a" * (event["bytes"] - 2)


def raw(event, context):
    return (bytes(range(251)) * (event["bytes"] // 251 + 1))[: event["bytes"]]


def decimals(event, context):
    return {"number": Decimal("1.5")}


def unfit(event, context):
    return {"number": 1j}


def unfit_type(event, context):
    return {1, 2}


def unfit_text(event, context):
    return "\ud800"


def descriptors(event, context):
    # Without the default, which closes them itself.
    listing = ["ls", "-l", "/proc/self/fd"]
    return subprocess.run(listing, capture_output=True, text=True, close_fds=False).stdout


NAME = "_X_AMZN_TRACE_ID"


def trace(event, context):
    import ctypes

    getenv = ctypes.CDLL(None).getenv
    getenv.restype = ctypes.c_char_p
    of_c = getenv(NAME.encode())
    pid = os.fork()
    if pid == 0:
        os.execvp("sh", ["sh", "-c", f'[ "${{{NAME}-unset}}" = "$1" ]', "sh", event["wanted"]])
    forked = os.waitpid(pid, 0)[1] == 0
    child = subprocess.run(["printenv", NAME], capture_output=True, text=True).stdout
    given = subprocess.run(["printenv", NAME], capture_output=True, text=True, env=os.environ)
    seen = [os.environ.get(NAME), of_c and of_c.decode(), child[:-1] or None, given.stdout[:-1] or None]
    if event.get("leaves"):
        os.environ[NAME] = event["leaves"]
    elif "leaves" in event:
        os.environ.pop(NAME, None)
    return {"seen": seen, "forked": forked}

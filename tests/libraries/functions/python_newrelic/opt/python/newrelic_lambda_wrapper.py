"""As the wrapper of New Relic's layer: the function's own handler, in New Relic's."""

import importlib
import os

os.environ["NEW_RELIC_APP_NAME"] = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
os.environ["NEW_RELIC_NO_CONFIG_FILE"] = "true"
os.environ["NEW_RELIC_SERVERLESS_MODE_ENABLED"] = "true"
os.environ["NEW_RELIC_DISTRIBUTED_TRACING_ENABLED"] = "true"

import newrelic.agent
from newrelic_lambda.lambda_handler import lambda_handler

newrelic.agent.initialize()
module, name = os.environ["NEW_RELIC_LAMBDA_HANDLER"].rsplit(".", 1)
own = getattr(importlib.import_module(module.replace("/", ".")), name)


@lambda_handler()
def handler(event, context):
    return own(event, context)

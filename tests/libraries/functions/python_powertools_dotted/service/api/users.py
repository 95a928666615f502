from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.utilities.typing import LambdaContext

from . import store

app = APIGatewayRestResolver()
logger = Logger(service="users", level="DEBUG")


@app.post("/users/<number>")
def rename(number):
    logger.debug("rename")
    return store.rename(number, app.current_event.json_body), 201


def handler(event: dict, context: LambdaContext) -> dict:
    return app.resolve(event, context)

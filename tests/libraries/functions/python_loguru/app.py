import sys

from loguru import logger

logger.remove()
logger.add(sys.stdout, format="{level} {message}", serialize=True)


def handler(event, context):
    logger.bind(path=event["rawPath"]).info("event")
    return "logged"

import structlog

structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.processors.JSONRenderer(),
    ]
)
logger = structlog.get_logger()


def handler(event, context):
    structlog.contextvars.bind_contextvars(id=context.aws_request_id)
    logger.info("event", path=event["rawPath"])
    logger.error("failed\nin two lines")
    return "logged"

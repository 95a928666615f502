from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.metrics import MetricUnit

app = APIGatewayHttpResolver()
logger = Logger()
metrics = Metrics()
tracer = Tracer()


@app.get("/users/<number>")
@tracer.capture_method
def find(number):
    tracer.put_annotation("number", number)
    metrics.add_metric(name="visits", unit=MetricUnit.Count, value=1)
    logger.info("visit", extra={"number": number})
    logger.debug("not shown")
    try:
        raise KeyError("no user")
    except KeyError:
        logger.exception("failed")
    return {"number": number, "tags": app.current_event.query_string_parameters}


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_HTTP)
@tracer.capture_lambda_handler
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event, context):
    return app.resolve(event, context)

const { Logger } = require("@aws-lambda-powertools/logger");
const { Metrics, MetricUnit } = require("@aws-lambda-powertools/metrics");
const { Tracer } = require("@aws-lambda-powertools/tracer");

const logger = new Logger();
const metrics = new Metrics();
const tracer = new Tracer();

exports.handler = async (event, context) => {
  logger.addContext(context);
  const parent = tracer.getSegment();
  const segment = parent.addNewSubsegment("## handler");
  tracer.setSegment(segment);
  tracer.annotateColdStart();
  tracer.putAnnotation("path", event.rawPath ?? event.path);
  metrics.captureColdStartMetric(context.functionName);
  metrics.addMetric("visits", MetricUnit.Count, 1);
  logger.info("visit", { tags: ["a", "b"] });
  logger.debug("not shown");
  logger.error("failed", new Error("no user"));
  segment.close();
  tracer.setSegment(parent);
  metrics.publishStoredMetrics();
  return { statusCode: 200, body: JSON.stringify({ traced: tracer.isTracingEnabled() }) };
};

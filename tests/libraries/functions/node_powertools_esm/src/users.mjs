import middy from "@middy/core";
import { Logger } from "@aws-lambda-powertools/logger";
import { injectLambdaContext } from "@aws-lambda-powertools/logger/middleware";
import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import { logMetrics } from "@aws-lambda-powertools/metrics/middleware";
import { Tracer } from "@aws-lambda-powertools/tracer";
import { captureLambdaHandler } from "@aws-lambda-powertools/tracer/middleware";

const logger = new Logger();
const metrics = new Metrics();
const tracer = new Tracer();

export const handler = middy(async (event) => {
  metrics.addMetric("visits", MetricUnit.Count, 1);
  logger.info("visit", { path: event.rawPath });
  console.log("console beside the logger");
  return { statusCode: 200, body: "visited" };
})
  .use(captureLambdaHandler(tracer))
  .use(injectLambdaContext(logger, { logEvent: true }))
  .use(logMetrics(metrics, { captureColdStartMetric: true }));

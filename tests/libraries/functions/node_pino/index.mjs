import pino from "pino";

const logger = pino({ level: "debug", base: { service: "users" } });

export const handler = async (event, context) => {
  const log = logger.child({ id: context.awsRequestId });
  log.info({ method: event.requestContext.http?.method ?? event.httpMethod }, "event\nof two lines");
  log.debug("details");
  log.error(new TypeError("not a user"));
  return "logged";
};

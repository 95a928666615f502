const { createLogger, format, transports } = require("winston");

const logger = createLogger({
  level: "info",
  format: format.combine(format.timestamp(), format.json()),
  defaultMeta: { service: "users" },
  transports: [new transports.Console()],
});

exports.handler = async (event) => {
  logger.info("event", { path: event.rawPath });
  logger.warn("careful");
  logger.debug("not shown");
  return "logged";
};

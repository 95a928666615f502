const Sentry = require("@sentry/aws-serverless");

Sentry.init({ tracesSampleRate: 1, sendClientReports: false, autoSessionTracking: false });

exports.handler = Sentry.wrapHandler(async (event) => {
  if (event.httpMethod) throw new RangeError("out of stock");
  return { statusCode: 200, body: "sold" };
});

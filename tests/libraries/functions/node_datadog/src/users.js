const { sendDistributionMetric } = require("datadog-lambda-js");

exports.find = async (event) => {
  sendDistributionMetric("users.found", 1, "path:" + (event.rawPath ?? event.path));
  console.log("found");
  if (event.httpMethod) throw new Error("not found");
  return { statusCode: 200, body: "7" };
};

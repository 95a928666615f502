// Makes the calls that stdin lists with the AWS SDK for JavaScript, and prints the result of each: the
// formats are those of boto3_driver.py. The argument is the folder with node_modules.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const lambda = createRequire(`${process.argv[2]}/`)("@aws-sdk/client-lambda");
const work = JSON.parse(readFileSync(0, "utf8"));
const client = new lambda.LambdaClient({
  endpoint: work.endpoint,
  region: "us-east-1",
  credentials: { accessKeyId: "key", secretAccessKey: "secret" },
  ...work.config,
});

const argument = (name, value) => {
  if (typeof value?.length === "number" && typeof value !== "string") {
    return Buffer.from(`"${"x".repeat(value.length - 2)}"`);
  }
  if (value?.file) {
    return readFileSync(value.file);
  }
  if (name === "Payload" || name === "InvokeArgs") {
    return Buffer.from(value);
  }
  if (value && typeof value === "object" && !Array.isArray(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, argument(key, part)]));
  }
  return value;
};

const payload = async (reply) => {
  if (reply.EventStream) {
    const parts = [];
    for await (const event of reply.EventStream) {
      if (event.PayloadChunk) {
        parts.push(Buffer.from(event.PayloadChunk.Payload));
      } else {
        Object.assign(reply, event);
      }
    }
    delete reply.EventStream;
    return Buffer.concat(parts).toString();
  }
  const bytes = reply.Payload;
  delete reply.Payload;
  return bytes ? Buffer.from(bytes).toString() : null;
};

const camel = (name) => name.split("-").map((word) => word[0].toUpperCase() + word.slice(1)).join("");

const make = async ({ operation, arguments: given }) => {
  const result = { status: null, fields: {}, payload: null, attempts: 1, error: null };
  try {
    if (operation.startsWith("wait ")) {
      const wait = lambda[`waitUntil${camel(operation.slice(5))}`];
      await wait({ client, maxWaitTime: 10, minDelay: 1, maxDelay: 1 }, given);
      return result;
    }
    const reply = await client.send(new lambda[`${operation}Command`](argument("", given)));
    const { $metadata: metadata, ...fields } = reply;
    result.payload = await payload(fields);
    Object.assign(result, { status: metadata.httpStatusCode, attempts: metadata.attempts, fields });
  } catch (error) {
    const { name, message, $metadata: metadata, $response, $fault, $service, ...fields } = error;
    result.status = metadata?.httpStatusCode ?? null;
    result.attempts = metadata?.attempts ?? 1;
    result.error = { class: error.constructor.name, code: name, message, fields };
  }
  return result;
};

const results = [];
for (const call of work.calls) {
  results.push(await make(call));
}
process.stdout.write(JSON.stringify(results), () => process.exit(0));

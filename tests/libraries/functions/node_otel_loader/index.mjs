import { trace } from "@opentelemetry/api";

export const handler = async (event) =>
  trace.getTracer("users").startActiveSpan("find user", async (span) => {
    span.end();
    return { statusCode: 200, parent: span.parentSpanContext !== undefined };
  });

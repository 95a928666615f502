import { Hono } from "hono";
import { streamHandle } from "hono/aws-lambda";
import { streamText } from "hono/streaming";

const app = new Hono();
app.get("/users/:id", (c) =>
  streamText(c, async (stream) => {
    await stream.writeln(`user ${c.req.param("id")}`);
    await stream.write("done");
  }),
);

export const handler = streamHandle(app);

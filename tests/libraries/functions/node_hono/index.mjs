import { Hono } from "hono";
import { handle } from "hono/aws-lambda";

const app = new Hono();
app.get("/users/:id", (c) => c.json({ id: c.req.param("id"), tags: c.req.queries("tag") }));
app.post("/users/:id", async (c) => {
  const { name } = await c.req.json();
  return c.html(`<p>${name}, ${c.env.lambdaContext.functionName}</p>`, 201, { "x-id": c.req.param("id") });
});

export const handler = handle(app);

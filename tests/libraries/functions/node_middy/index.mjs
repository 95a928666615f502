import middy from "@middy/core";

const parseBody = () => ({
  before: async (request) => {
    if (request.event.body) request.event.body = JSON.parse(request.event.body);
  },
  after: async (request) => {
    request.response.headers = { "x-request-id": request.context.awsRequestId };
  },
  onError: async (request) => {
    console.warn("answered by onError:", request.error.message);
    request.response = { statusCode: 422, body: request.error.message };
  },
});

export const handler = middy(async (event) => {
  if (!event.body) throw new Error("no body");
  return { statusCode: 200, body: `${event.body.name}, ${event.body.age}` };
}).use(parseBody());

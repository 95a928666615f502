const express = require("express");
const serverless = require("serverless-http");

const app = express();
app.use(express.json());
app.get("/users/:id", (request, response) => {
  response.cookie("seen", "1").json({ id: request.params.id, query: request.query, ip: request.ip });
});
app.post("/users/:id", (request, response) => {
  console.log("post", request.body);
  response.status(201).set("x-name", "Ada").send(`<p>${request.body.name}</p>`);
});

exports.handler = serverless(app);

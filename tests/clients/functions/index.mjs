// The function of the tests in JavaScript: does what its event says.

const sleep = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

export const handler = async (event, context) => {
  switch (event?.do) {
    case "raise":
      throw new RangeError(event.text);
    case "log":
      event.lines.forEach((line) => console.log(line));
      break;
    case "sleep":
      await sleep(event.seconds);
      break;
    case "exit":
      process.exit(event.status);
    case "kill":
      process.kill(process.pid, "SIGKILL");
      await sleep(60);
      break;
    case "large":
      return "x".repeat(event.length - 2);
    case "environment":
      return { process: process.pid, variable: process.env[event.name] ?? null };
    case "context":
      return {
        id: context.awsRequestId,
        arn: context.invokedFunctionArn,
        name: context.functionName,
        version: context.functionVersion,
        variable: process.env.AWS_LAMBDA_FUNCTION_VERSION,
        memory: Number(context.memoryLimitInMB),
        has_time: context.getRemainingTimeInMillis() > 0,
        custom: context.clientContext?.custom ?? null,
      };
  }
  return event;
};

export const stream = awslambda.streamifyResponse(async (event, out) => {
  for (let piece = 0; piece < event.pieces; piece++) {
    out.write(`piece ${piece}\n`);
    await sleep(0.01);
  }
  if (event.do === "raise") {
    throw new RangeError(event.text);
  }
  out.end();
});

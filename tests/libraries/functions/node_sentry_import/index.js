exports.handler = async (event) => {
  if (event.httpMethod) throw new RangeError("out of stock");
  return { statusCode: 200, body: "sold" };
};

exports.find = async (event) => {
  if (event.httpMethod) throw new Error("not found");
  return { statusCode: 200, body: "7" };
};

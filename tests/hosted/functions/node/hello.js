// The event comes back.
exports.handler = async (event, context) => event;

// Echoes the event.
exports.handler = async (event, context) => event;

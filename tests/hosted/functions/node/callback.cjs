// Echoes the event through the callback.
module.exports.handler = (event, context, callback) => callback(null, event);

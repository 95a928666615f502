// Echoes the event.
export const handler = async (event, context) => event;

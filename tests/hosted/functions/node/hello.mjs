// The event comes back.
export const handler = async (event, context) => event;

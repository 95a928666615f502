// Answers each event with itself.
export const handler = async (event) => event;

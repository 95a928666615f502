// Echoes events; "repeat N TEXT" gives the text repeated to N characters, "fail N TEXT" fails so.
export const handler = (event) => {
	const [, verb, size, text] = (typeof event === 'string' && /^(repeat|fail) (\d+) (\w+)$/.exec(event)) || [];
	if (verb === undefined) return event;
	const repeated = text.repeat(Number(size) / text.length + 1).slice(0, Number(size));
	if (verb === 'fail') throw new RangeError(repeated);
	return repeated;
};

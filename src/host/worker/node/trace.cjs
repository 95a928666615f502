// The trace id, for the handler, for C libraries and for children. `process.env` calls `setenv`, and
// glibc never frees a value that `setenv` was given. So at the 1,000th event one long value is set and
// found in the heap, and from then on the id is written there. Where that fails, memory grows.
const TRACE = '_X_AMZN_TRACE_ID', PADDING = 'x'.repeat(1023);
let memory, address;
const findAddress = () => {
	env[TRACE] = PADDING;
	const maps = fs.readFileSync('/proc/self/maps', 'utf8');
	const [, from, end] = /^(\w+)-(\w+)\srw.*\[heap\]$/m.exec(maps).map((part) => parseInt(part, 16));
	const piece = Buffer.alloc(1 << 20);
	memory = fs.openSync('/proc/self/mem', 'r+');
	for (let start = from; start < end && !address; start += piece.length - 2 * PADDING.length) {
		const bytes = fs.readSync(memory, piece, 0, Math.min(piece.length, end - start), start);
		// Copies without the name before them are not the variable.
		for (let at = 0; (at = piece.indexOf(PADDING, at + 1)) > 0 && at < bytes;)
			if (piece.toString('latin1', at - TRACE.length - 1, at) === `${TRACE}=`) address = start + at;
	}
};
const setTrace = (seq, id) => {
	const write = (text) => fs.writeSync(memory, `${text}\0`, address);
	if (seq === 1000) textOf(findAddress);
	if (!id) return delete env[TRACE];
	if (address && id.length < PADDING.length / 3) {
		textOf(() => {
			write(id);
			if (env[TRACE] === id) return;
			// The handler has set or unset the variable: `setenv` reuses a value that it knows.
			write(PADDING);
			env[TRACE] = PADDING;
			write(id);
		});
		if (env[TRACE] === id) return;
		address = 0;
	}
	env[TRACE] = id;
};

Promise.reject(new RangeError("nobody caught it"));
await new Promise((done) => setTimeout(done, 60000));

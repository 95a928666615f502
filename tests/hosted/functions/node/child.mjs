process.send('from the child');
process.disconnect();

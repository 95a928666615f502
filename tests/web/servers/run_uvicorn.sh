#!/bin/sh
# FastAPI in uvicorn.
cd "$LAMBDA_TASK_ROOT" || exit
if [ -n "$TINDERBOX_SOCKET" ]; then
    exec /usr/bin/python3 -m uvicorn --log-level warning --uds "$TINDERBOX_SOCKET" asgi:app
fi
exec /usr/bin/python3 -m uvicorn --log-level warning --host 127.0.0.1 --port "$PORT" asgi:app

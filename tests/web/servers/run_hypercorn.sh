#!/bin/sh
# FastAPI in hypercorn.
cd "$LAMBDA_TASK_ROOT" || exit
exec /usr/bin/python3 -m hypercorn --bind "127.0.0.1:$PORT" asgi:app

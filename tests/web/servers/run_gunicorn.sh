#!/bin/sh
# Flask in gunicorn.
cd "$LAMBDA_TASK_ROOT" || exit
listen=127.0.0.1:$PORT
[ -z "$TINDERBOX_SOCKET" ] || listen=unix:$TINDERBOX_SOCKET
exec /usr/bin/python3 -m gunicorn --log-level warning --bind "$listen" --threads 2 wsgi:app

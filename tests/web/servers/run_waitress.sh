#!/bin/sh
# Flask in waitress.
cd "$LAMBDA_TASK_ROOT" || exit
exec /usr/bin/python3 -m waitress --host=127.0.0.1 --port="$PORT" wsgi:app

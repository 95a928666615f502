#!/bin/sh
# http.server of Python.
cd "$LAMBDA_TASK_ROOT" || exit
exec /usr/bin/python3 plain.py

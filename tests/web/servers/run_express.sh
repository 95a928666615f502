#!/bin/sh
# Express.
cd "$LAMBDA_TASK_ROOT" || exit
exec node express.cjs

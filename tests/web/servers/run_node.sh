#!/bin/sh
# Node's http module.
cd "$LAMBDA_TASK_ROOT" || exit
exec node node.mjs

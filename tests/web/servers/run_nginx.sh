#!/bin/sh
# nginx, with a configuration of its own in TMPDIR.
cd "$LAMBDA_TASK_ROOT" || exit
folder=$(mktemp -d)
listen=127.0.0.1:$PORT
[ -z "$TINDERBOX_SOCKET" ] || listen=unix:$TINDERBOX_SOCKET
sed "s|FOLDER|$folder|; s|LISTEN|$listen|; s|ROOT|$LAMBDA_TASK_ROOT|" nginx.conf >"$folder/nginx.conf"
exec nginx -p "$folder" -e stderr -c "$folder/nginx.conf"

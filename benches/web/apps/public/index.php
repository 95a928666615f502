<?php
// The same answers as those of server.c.
header('Content-Type: text/plain');
$bytes = strlen(file_get_contents('php://input'));
echo $bytes === 0 ? 'hello' : $bytes;

<?php
// Echoes events; "repeat N TEXT" gives the text repeated to N characters, "fail N TEXT" fails so.
function hello($event, $context) {
    if (!is_string($event) || strncmp($event, 'repeat ', 7) && strncmp($event, 'fail ', 5))
        return $event;
    [$verb, $size, $text] = explode(' ', $event);
    $text = substr(str_repeat($text, intdiv((int) $size, strlen($text)) + 1), 0, (int) $size);
    if ($verb == 'fail')
        throw new DomainException($text);
    return $text;
}

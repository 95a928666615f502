<?php

// Echoes the event.
function hello($payload, $context)
{
    return $payload;
}

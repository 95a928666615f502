<?php

// The event comes back.
function hello($payload, $context)
{
    return $payload;
}

<?php

$greetings = 0;

function greeting($payload)
{
    global $greetings;
    $greetings++;
    return "Hello, {$payload['name']}! You are number $greetings.";
}

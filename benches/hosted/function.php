<?php
// Answers each event with itself.
function handler($event)
{
    return $event;
}

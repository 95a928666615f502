<?php
namespace App;

function greeting(): string
{
    return 'Hello';
}

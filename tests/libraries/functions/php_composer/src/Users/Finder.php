<?php
declare(strict_types=1);

namespace App\Users;

final class Finder
{
    public function __construct(private readonly string $greeting)
    {
    }

    public function find(string $path): string
    {
        return "$this->greeting, user " . basename($path);
    }
}

<?php
class Routes extends Illuminate\Foundation\Support\Providers\RouteServiceProvider
{
    public function boot()
    {
        $this->routes(function () {
            require base_path('routes/web.php');
        });
        Illuminate\Support\Facades\Artisan::command('greet {name} {--loud}', function ($name) {
            $this->line($this->option('loud') ? strtoupper("hello $name") : "hello $name");
            return $name === 'nobody' ? 3 : 0;
        });
    }
}
return [
    'name' => 'Shop', 'env' => 'production', 'debug' => false, 'url' => 'http://localhost',
    'timezone' => 'UTC', 'locale' => 'en', 'fallback_locale' => 'en', 'cipher' => 'AES-256-CBC',
    'key' => 'base64:' . base64_encode(str_repeat('k', 32)),
    'providers' => [
        Illuminate\Cookie\CookieServiceProvider::class,
        Illuminate\Encryption\EncryptionServiceProvider::class,
        Illuminate\Filesystem\FilesystemServiceProvider::class,
        Illuminate\Foundation\Providers\FoundationServiceProvider::class,
        Illuminate\Session\SessionServiceProvider::class,
        Illuminate\Translation\TranslationServiceProvider::class,
        Illuminate\Validation\ValidationServiceProvider::class,
        Illuminate\View\ViewServiceProvider::class,
        Routes::class,
    ],
    'aliases' => ['Route' => Illuminate\Support\Facades\Route::class],
];

<?php
use Illuminate\Http\Request;
use Illuminate\Support\Facades\Route;
Route::get('/users/{name}', fn (Request $request, string $name) => [
    'name' => $name, 'url' => $request->fullUrl(), 'route' => route('user', ['name' => 'x']),
    'ip' => $request->ip(), 'secure' => $request->secure(), 'query' => $request->query(),
])->name('user');
Route::post('/users', function (Request $request) {
    $valid = $request->validate(['email' => 'required|email', 'photo' => 'file']);
    return response()->json([
        'email' => $valid['email'],
        'size' => $request->file('photo')?->getSize(),
    ], 201);
});
Route::middleware([
    Illuminate\Cookie\Middleware\EncryptCookies::class,
    Illuminate\Cookie\Middleware\AddQueuedCookiesToResponse::class,
    Illuminate\Session\Middleware\StartSession::class,
])->get('/count', function (Request $request) {
    $request->session()->put('count', $count = $request->session()->get('count', 0) + 1);
    return view('count', ['count' => $count, 'who' => '<b>']);
});
Route::get('/stream', fn () => response()->stream(function () {
    echo 'a';
    flush();
    echo 'b';
}));
Route::get('/fail', fn () => throw new RuntimeException('reason'));
Route::redirect('/away', '/users/x');

<?php
return ['driver' => 'cookie', 'lifetime' => 120, 'expire_on_close' => false, 'encrypt' => false,
    'lottery' => [0, 100], 'cookie' => 'shop_session', 'path' => '/', 'domain' => null,
    'secure' => null, 'http_only' => true, 'same_site' => 'lax'];

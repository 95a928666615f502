//! `fastcgi:`: PHP behind php-fpm and php-cgi.

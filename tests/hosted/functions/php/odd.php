<?php

// Odd exceptions, and changes to the objects and streams that the worker uses.
class MessageIsNoText extends Exception
{
    public function __construct()
    {
        $this->message = ['a'];
    }
}

class Late
{
    public function __destruct()
    {
        throw new Exception('by a destructor');
    }
}

class LateExit
{
    public function __destruct()
    {
        exit(0);
    }
}

class Member extends Exception
{
    public $member;
}

function message_is_no_text()
{
    throw new MessageIsNoText();
}

function message_is_not_utf_8()
{
    throw new Exception("a\xffz");
}

function warnings_are_errors()
{
    set_error_handler(function ($number, $message) {
        throw new ErrorException($message);
    });
    throw new MessageIsNoText();
}

function buffer_throws($payload)
{
    ob_start(function () {
        throw new DomainException('by a buffer');
    });
    echo 'x';
    return $payload;
}

function buffers_throw()
{
    foreach ([1, 2] as $number) {
        ob_start(function () use ($number) {
            throw new DomainException("by buffer $number");
        });
        echo 'x';
    }
    throw new LengthException('by the handler');
}

function buffer_exits($payload)
{
    ob_start(function () {
        exit(0);
    });
    echo 'x';
    return $payload;
}

function buffer_nests($payload)
{
    ob_start(function () {
        ob_start();
    });
    echo 'x';
    return $payload;
}

function buffer_is_odd($payload)
{
    ob_start(function () {
        return false;
    });
    echo 'as it was';
    return $payload;
}

function buffer_stays($payload)
{
    ob_start(null, 0, PHP_OUTPUT_HANDLER_STDFLAGS ^ PHP_OUTPUT_HANDLER_REMOVABLE);
    echo 'x';
    return $payload;
}

function destructor_throws()
{
    $error = new Member('with a member');
    $error->member = new Late();
    throw $error;
}

function destructor_exits()
{
    $error = new Member('with a member');
    $error->member = new LateExit();
    throw $error;
}

function result_throws_late($payload)
{
    return ['member' => $payload, 'late' => new Late()];
}

function streams_are_closed($payload)
{
    if (is_resource(STDOUT)) {
        fclose(STDOUT);
        fclose(STDERR);
    }
    echo 'lost';
    return $payload;
}

#!/usr/bin/perl
# A worker that violates the frame protocol in the way that the event names. It echoes every other
# event, with its pid in front.
use strict;
use warnings;
use Time::HiRes qw(sleep);

open(my $channel, '+<&=', 3) or exit 2;
binmode $channel;

sub write_all {
    my $data = join '', @_;
    for (my $at = 0; $at < length $data;) {
        $at += syswrite($channel, $data, length($data) - $at, $at) // exit 0;
    }
}

sub error_body { qq({"errorMessage":"$_[0]","errorType":"Function.Broken","stackTrace":[]}) }

my ($number, $own);
my $good = sub { "$_[0] $number " . length($own) . "\n$own" };
my %ways = (
    # Not an answer.
    wrong_number => sub { $number++; write_all $good->('ok') },
    old_number => sub { $number = 0; write_all $good->('ok') },
    padded_number => sub { $number = "0$number"; write_all $good->('ok') },
    signed_number => sub { $number = "+$number"; write_all $good->('ok') },
    unknown_verb => sub { write_all $good->('okay') },
    no_length => sub { write_all "ok $number\n" },
    no_number => sub { write_all "ok\n" },
    hex_length => sub { write_all "ok $number 0x4\nabcd" },
    huge_length => sub { write_all "ok $number 99999999999999999999999\nabc"; sleep 30 },
    long_line => sub { write_all "ok $number 1 ", 'x' x 300, "\na" },
    endless_line => sub { write_all 'x' x 100000; sleep 30 },
    garbage => sub { write_all join '', map { chr } 0 .. 255 },
    empty_line => sub { write_all "\n" },
    two_spaces => sub { write_all "ok  $number 1\na" },
    trailing_space => sub { write_all "ok $number 1 \na" },
    ready_again => sub { write_all "ready\n", $good->('ok') },
    untyped_error => sub { write_all "error $number 2\n{}" },
    empty_error => sub { write_all "error $number 0 Function.Empty\n" },
    long_error => sub { write_all "error $number 300000 Function.Long\n", ' ' x 300000 },
    bad_type => sub { write_all "error $number 2 A B\n{}" },
    closed => sub { close $channel; sleep 30 },
    chunk_first => sub { write_all "chunk $number 1\na" },
    end_first => sub { write_all "end $number\n" },
    # Cut short.
    short => sub { write_all "ok $number 100\nonly this"; exit 0 },
    short_line => sub { write_all "ok $number"; exit 0 },
    silent => sub { exit 0 },
    silent_status => sub { exit 7 },
    long_and_gone => sub { write_all "ok $number 6000000\n", 'x' x 1000000; kill 9, $$; sleep 30 },
    # An answer, and more bytes after it.
    twice => sub { write_all $good->('ok'), $good->('ok') },
    trailing_byte => sub { write_all $good->('ok'), 'x' },
    later_line => sub { write_all $good->('ok'); sleep 0.1; write_all "ready\n" },
    answer_and_exit => sub { write_all $good->('ok'); exit 0 },
    answer_and_kill => sub { write_all $good->('ok'); kill 9, $$; sleep 30 },
    answer_and_close => sub { write_all $good->('ok'); close $channel; sleep 30 },
    fatal => sub { my $body = error_body('final answer'); write_all "fatal $number ", length $body, " Function.Broken\n", $body; sleep 30 },
    # Streams.
    stream => sub {
        write_all "stream $number text/plain; charset=utf-8\n";
        write_all "chunk $number 3\nabc", "chunk $number 0\n", "chunk $number 70000\n", 'd' x 70000;
        sleep 0.05;
        write_all "chunk $number 1\n.", "end $number\n";
    },
    stream_untyped => sub { write_all "stream $number\nchunk $number 2\nhiend $number\n" },
    stream_empty => sub { write_all "stream $number\nend $number\n" },
    stream_large => sub {
        write_all "stream $number\n";
        write_all "chunk $number 1000000\n", 'x' x 1000000 for 1 .. 10;
        write_all "end $number\n";
    },
    stream_error => sub {
        my $body = error_body('broke midway');
        write_all "stream $number\nchunk $number 4\npart";
        write_all "error $number ", length $body, " Function.Broken\n", $body;
    },
    stream_fatal => sub {
        my $body = error_body('broke midway');
        write_all "stream $number\nchunk $number 4\npart";
        write_all "fatal $number ", length $body, " Function.Broken\n", $body;
        exit 1;
    },
    stream_killed => sub { write_all "stream $number\nchunk $number 4\npart"; sleep 0.1; kill 9, $$; sleep 30 },
    stream_short => sub { write_all "stream $number\nchunk $number 100\npart"; exit 0 },
    stream_garbage => sub { write_all "stream $number\nchunk $number 4\npart", "what\n" },
    stream_ok => sub { write_all "stream $number\nchunk $number 4\npart", $good->('ok') },
    stream_twice => sub { write_all "stream $number\nchunk $number 4\npart", "stream $number\n" },
    stream_number => sub { write_all "stream $number\nchunk $number 4\npart", "end 99\n" },
    stream_slow => sub { write_all "stream $number\nchunk $number 4\npart"; sleep 30 },
    # Answers of other types.
    typed => sub { write_all "ok $number 4 text/html; charset=utf-8\n<p/>" },
    bad_content_type => sub { write_all "ok $number 2 text/html\r\nhi" },
    bad_stream_type => sub { write_all "stream $number text/\x01\nend $number\n" },
    long_type => sub { write_all "ok $number 2 text/", 'x' x 200, "\nhi" },
);

my $start = $ENV{WORKER_START} // 'ready';
exit 6 if $start eq 'exit';
if ($start eq 'mute') { close $channel; sleep 30 }
write_all({
    ready => "ready\n",
    early => "ready\nsurplus",
    other => "hello\n",
    long => 'x' x 300 . "\n",
    spaced => "ready \n",
    short => "init-error 100 Function.Broken\nonly this",
    untyped => "init-error 2\n{}",
    reported => 'init-error ' . length(error_body('at init')) . " Function.Broken\n" . error_body('at init'),
    answer => "ok 1 2\nhi",
}->{$start});
exit 1 if $start =~ /short|untyped|reported/;
while (defined(my $line = readline $channel)) {
    ($number, my ($context_bytes, $event_bytes)) = split ' ', $line;
    read $channel, my $context, $context_bytes if $context_bytes;
    my $event = '';
    read $channel, $event, $event_bytes if $event_bytes;
    $own = "$$ $event";
    if ($event =~ /^type (\S+)/) {
        my $type = $1;
        my $body = error_body('typed') =~ s/Function\.Broken/$type/r;
        write_all "error $number ", length $body, " $type\n", $body;
        next;
    }
    ($ways{$event} // sub { write_all $good->('ok') })->();
}

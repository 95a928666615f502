#!/usr/bin/perl
# A worker that breaks the frame protocol in the way that the event names; other events come back
# with its pid before them.
use strict;
use warnings;
use Time::HiRes qw(sleep);

open(my $channel, '+<&=', 3) or exit 2;
binmode $channel;

sub say_all {
    my $data = join '', @_;
    for (my $at = 0; $at < length $data;) {
        $at += syswrite($channel, $data, length($data) - $at, $at) // exit 0;
    }
}

sub error_body { qq({"errorMessage":"$_[0]","errorType":"Function.Rogue","stackTrace":[]}) }

my ($number, $own);
my $good = sub { "$_[0] $number " . length($own) . "\n$own" };
my %ways = (
    # What is no answer at all.
    wrong_number => sub { $number++; say_all $good->('ok') },
    old_number => sub { $number = 0; say_all $good->('ok') },
    padded_number => sub { $number = "0$number"; say_all $good->('ok') },
    signed_number => sub { $number = "+$number"; say_all $good->('ok') },
    unknown_verb => sub { say_all $good->('okay') },
    no_length => sub { say_all "ok $number\n" },
    no_number => sub { say_all "ok\n" },
    hex_length => sub { say_all "ok $number 0x4\nabcd" },
    huge_length => sub { say_all "ok $number 99999999999999999999999\nabc"; sleep 30 },
    long_line => sub { say_all "ok $number 1 ", 'x' x 300, "\na" },
    endless_line => sub { say_all 'x' x 100000; sleep 30 },
    garbage => sub { say_all join '', map { chr } 0 .. 255 },
    empty_line => sub { say_all "\n" },
    two_spaces => sub { say_all "ok  $number 1\na" },
    space_behind => sub { say_all "ok $number 1 \na" },
    ready_again => sub { say_all "ready\n", $good->('ok') },
    untyped_error => sub { say_all "error $number 2\n{}" },
    empty_error => sub { say_all "error $number 0 Function.Empty\n" },
    long_error => sub { say_all "error $number 300000 Function.Long\n", ' ' x 300000 },
    bad_type => sub { say_all "error $number 2 A B\n{}" },
    closed => sub { close $channel; sleep 30 },
    chunk_first => sub { say_all "chunk $number 1\na" },
    end_first => sub { say_all "end $number\n" },
    # What ends too soon.
    short => sub { say_all "ok $number 100\nonly this"; exit 0 },
    short_line => sub { say_all "ok $number"; exit 0 },
    silent => sub { exit 0 },
    silent_status => sub { exit 7 },
    long_and_gone => sub { say_all "ok $number 6000000\n", 'x' x 1000000; kill 9, $$; sleep 30 },
    # What is an answer, and something behind it.
    twice => sub { say_all $good->('ok'), $good->('ok') },
    byte_behind => sub { say_all $good->('ok'), 'x' },
    later_line => sub { say_all $good->('ok'); sleep 0.1; say_all "ready\n" },
    answer_and_exit => sub { say_all $good->('ok'); exit 0 },
    answer_and_kill => sub { say_all $good->('ok'); kill 9, $$; sleep 30 },
    answer_and_close => sub { say_all $good->('ok'); close $channel; sleep 30 },
    fatal => sub { my $body = error_body('last words'); say_all "fatal $number ", length $body, " Function.Rogue\n", $body; sleep 30 },
    # Streams.
    stream => sub {
        say_all "stream $number text/plain; charset=utf-8\n";
        say_all "chunk $number 3\nabc", "chunk $number 0\n", "chunk $number 70000\n", 'd' x 70000;
        sleep 0.05;
        say_all "chunk $number 1\n.", "end $number\n";
    },
    stream_untyped => sub { say_all "stream $number\nchunk $number 2\nhiend $number\n" },
    stream_empty => sub { say_all "stream $number\nend $number\n" },
    stream_large => sub {
        say_all "stream $number\n";
        say_all "chunk $number 1000000\n", 'x' x 1000000 for 1 .. 10;
        say_all "end $number\n";
    },
    stream_error => sub {
        my $body = error_body('broke midway');
        say_all "stream $number\nchunk $number 4\npart";
        say_all "error $number ", length $body, " Function.Rogue\n", $body;
    },
    stream_fatal => sub {
        my $body = error_body('broke midway');
        say_all "stream $number\nchunk $number 4\npart";
        say_all "fatal $number ", length $body, " Function.Rogue\n", $body;
        exit 1;
    },
    stream_killed => sub { say_all "stream $number\nchunk $number 4\npart"; sleep 0.1; kill 9, $$; sleep 30 },
    stream_short => sub { say_all "stream $number\nchunk $number 100\npart"; exit 0 },
    stream_garbage => sub { say_all "stream $number\nchunk $number 4\npart", "what\n" },
    stream_ok => sub { say_all "stream $number\nchunk $number 4\npart", $good->('ok') },
    stream_twice => sub { say_all "stream $number\nchunk $number 4\npart", "stream $number\n" },
    stream_number => sub { say_all "stream $number\nchunk $number 4\npart", "end 99\n" },
    stream_slow => sub { say_all "stream $number\nchunk $number 4\npart"; sleep 30 },
    # Answers of other types.
    typed => sub { say_all "ok $number 4 text/html; charset=utf-8\n<p/>" },
    bad_content_type => sub { say_all "ok $number 2 text/html\r\nhi" },
    bad_stream_type => sub { say_all "stream $number text/\x01\nend $number\n" },
    long_type => sub { say_all "ok $number 2 text/", 'x' x 200, "\nhi" },
);

my $start = $ENV{ROGUE} // 'ready';
exit 6 if $start eq 'exit';
if ($start eq 'mute') { close $channel; sleep 30 }
say_all({
    ready => "ready\n",
    early => "ready\nsurplus",
    other => "hello\n",
    long => 'x' x 300 . "\n",
    spaced => "ready \n",
    short => "init-error 100 Function.Rogue\nonly this",
    untyped => "init-error 2\n{}",
    told => 'init-error ' . length(error_body('told so')) . " Function.Rogue\n" . error_body('told so'),
    answer => "ok 1 2\nhi",
}->{$start});
exit 1 if $start =~ /short|untyped|told/;
while (defined(my $line = readline $channel)) {
    ($number, my ($context_bytes, $event_bytes)) = split ' ', $line;
    read $channel, my $context, $context_bytes if $context_bytes;
    my $event = '';
    read $channel, $event, $event_bytes if $event_bytes;
    $own = "$$ $event";
    if ($event =~ /^type (\S+)/) {
        my $type = $1;
        my $body = error_body('typed') =~ s/Function\.Rogue/$type/r;
        say_all "error $number ", length $body, " $type\n", $body;
        next;
    }
    ($ways{$event} // sub { say_all $good->('ok') })->();
}

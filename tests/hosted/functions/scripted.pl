#!/usr/bin/perl
# A worker that sends the bytes of the event, after a flag. `@@` becomes the number of the event and
# `@+` the next one. Flags: `?` answers with its pid and the number, `s` writes in small pieces, `x`
# exits afterwards, `k` is killed, `c` closes the channel and sleeps, any other waits for an event.
use strict;
use warnings;

open(my $channel, '+<&=', 3) or exit 2;
binmode $channel;

sub say_all {
    my ($data, $piece) = @_;
    for (my $at = 0; $at < length $data;) {
        my $bytes = $at < 300 ? $piece : length $data;
        $at += syswrite($channel, $data, $bytes, $at) // exit 0;
    }
}

$SIG{PIPE} = 'IGNORE';
say_all("ready\n", 6);
while (defined(my $line = readline $channel)) {
    my ($number, $context_bytes, $event_bytes) = split ' ', $line;
    my ($context, $event) = ('', '');
    read $channel, $context, $context_bytes if $context_bytes;
    read $channel, $event, $event_bytes if $event_bytes;
    my $flag = substr $event, 0, 1, '';
    if ($flag eq '?') {
        my $own = "$$ $number";
        $event = "ok $number " . length($own) . "\n$own";
    } else {
        $event =~ s/@([@+])/$number + ($1 eq '+')/ge;
    }
    say_all($event, $flag eq 's' ? 3 : length $event);
    exit 3 if $flag eq 'x';
    kill 9, $$ if $flag eq 'k';
    if ($flag eq 'c') {
        close $channel;
        sleep 30;
    }
}

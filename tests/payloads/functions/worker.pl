#!/usr/bin/perl
# A worker that echoes events; "repeat N TEXT" gives the text repeated to N characters, with its
# quotes, "fail N TEXT" fails so.
use strict;
use warnings;

open(my $channel, '+<&=', 3) or exit 2;
binmode $channel;

sub send_all {
    my $data = join '', @_;
    for (my $at = 0; $at < length $data;) {
        my $bytes = syswrite $channel, $data, length($data) - $at, $at;
        exit 0 unless $bytes;
        $at += $bytes;
    }
}

send_all "ready\n";
while (defined(my $line = readline $channel)) {
    my ($number, $context_bytes, $event_bytes) = split ' ', $line;
    my ($context, $event) = ('', '');
    read $channel, $context, $context_bytes if $context_bytes;
    read $channel, $event, $event_bytes if $event_bytes;
    my ($answer, $type) = ('ok', '');
    if ($event =~ /^"(repeat|fail) (\d+) (\w+)"$/) {
        my $text = substr $3 x ($2 / length($3) + 1), 0, $2;
        $event = qq("$text");
        if ($1 eq 'fail') {
            ($answer, $type) = ('error', ' Function.Failed');
            $event = qq({"errorMessage":"$text","errorType":"Function.Failed","stackTrace":[]});
        }
    }
    send_all "$answer $number ", length $event, "$type\n", $event;
}

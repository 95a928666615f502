#!/usr/bin/perl
# A worker that takes as many seconds to start as the file `slow` contains, if there is one. It
# answers each event but `die`, which kills it.
use strict;
use warnings;

if (open my $file, '<', "$ENV{LAMBDA_TASK_ROOT}/slow") {
    sleep readline $file;
}
open(my $channel, '+<&=', 3) or exit 2;
syswrite $channel, "ready\n";
while (defined(my $line = readline $channel)) {
    my ($number, $context, $event) = split ' ', $line;
    read $channel, my $rest, $context + $event;
    kill 9, $$ if substr($rest, $context) eq 'die';
    syswrite $channel, "ok $number 6\nworker";
}

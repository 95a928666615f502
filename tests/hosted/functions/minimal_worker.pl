#!/usr/bin/perl
# A worker that answers every event with its own name and its last two arguments. In the place of an
# interpreter, these are the file and the function.
open(my $channel, '+<&=', 3) or exit 2;
my $name = $0 =~ s{.*/}{}r;
my $answer = join ' ', $name, @ARGV > 1 ? @ARGV[-2, -1] : ();
syswrite $channel, "ready\n";
while (defined(my $line = readline $channel)) {
    my ($number, $context, $event) = split ' ', $line;
    read $channel, my $rest, $context + $event;
    syswrite $channel, "ok $number " . length($answer) . "\n$answer";
}

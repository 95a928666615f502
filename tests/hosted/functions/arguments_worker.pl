#!/usr/bin/perl
# A worker in the place of an interpreter: it answers with all its arguments, long ones shortened, and
# writes to the descriptor for log frames, if it has the variable.
open(my $channel, '+<&=', 3) or exit 2;
my $answer = join '|', map { length > 200 ? 'SHIM' : $_ } @ARGV;
my $telemetry = $ENV{_LAMBDA_TELEMETRY_LOG_FD} // 'unset';
$answer .= "|telemetry=$telemetry" if $ENV{SHOW_TELEMETRY};
if ($telemetry =~ /^\d+$/ && open(my $frames, '>&=', $telemetry)) { syswrite $frames, "a frame\n" }
syswrite $channel, "ready\n";
while (defined(my $line = readline $channel)) {
    my ($number, $context, $event) = split ' ', $line;
    read $channel, my $rest, $context + $event;
    syswrite $channel, "ok $number " . length($answer) . "\n$answer";
}

#!/usr/bin/perl
# A worker that hears SIGTERM, and that has hooks for a restore from a snapshot where HOOKS is set.
use strict;
use warnings;
use Time::HiRes qw(sleep);

$| = 1;
open(my $channel, '+<&=', 3) or exit 2;

sub send_all { syswrite $channel, join '', @_ }

sub fault {
    my ($verb) = @_;
    my $body = '{"errorMessage":"the hook failed","errorType":"Function.Hook","stackTrace":[]}';
    send_all "$verb ", length $body, " Function.Hook\n", $body;
}

my $hooks = $ENV{HOOKS} // '';
print STDERR "before the snapshot\n" if $hooks;
$SIG{TERM} = sub {
    print STDERR "asked to exit\n";
    sleep 60 if ($ENV{STAYS} // '');
    exit 7;
};
send_all $hooks ? "ready restore\n" : "ready\n";
while (sysread $channel, my $line, 65536) {
    my ($number, $context, $event) = split /\n/, $line, 3;
    ($number) = split ' ', $number;
    if ($number == 0) {
        print STDERR "after the restore\n";
        if ($hooks eq 'fail') { fault('init-error'); exit 1 }
        exit 9 if $hooks eq 'exit';
        send_all "ready\n";
        next;
    }
    if ($line =~ /sleep/) { print STDERR "sleeps\n"; sleep 60 }
    exit 3 if $line =~ /exit/;
    send_all "ok $number 2\n$$" =~ s/2\n.*/length($$) . "\n$$"/er;
}

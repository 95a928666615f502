#!/usr/bin/perl
# A worker that speaks the frame protocol itself. Commands are JSON strings like
# "do:fail a reason"; every other event is echoed byte for byte.
use strict;
use warnings;
use Time::HiRes qw(sleep time);

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

sub fault {
    my ($verb, $type, $message) = @_;
    my $body = qq({"errorMessage":"$message","errorType":"$type","stackTrace":[]});
    send_all "$verb ", length $body, " $type\n", $body;
}

sub flood {
    my ($bytes) = @_;
    for (; $bytes > 0; $bytes -= 10000) {
        syswrite STDERR, 'l' x ($bytes < 10000 ? $bytes : 10000);
    }
}

sub background {
    my ($work) = @_;
    my $pid = fork // die;
    return if $pid;
    close $channel;
    $work->();
    exec 'true';
}

my %do = (
    killed => sub { print STDERR "before the end\n"; kill 9, $$; sleep 30 },
    orphan => sub { system 'sleep 30 &'; kill 9, $$; sleep 30 },
    sleep => sub { print STDERR "sleeps\n"; sleep $_[0]; '"slept"' },
    big => sub { '"' . 'x' x $_[0] . '"' },
    flood => sub { flood($_[0]); '"flooded"' },
    later => sub {
        my ($bytes) = @_;
        background(sub { sleep 0.2; flood($bytes); print STDERR "over\n" });
        '"later"';
    },
    background => sub { system 'sleep 30 &'; '"left"' },
    log => sub { print STDERR "$_[0]\n$_[0], again\n"; '"logged"' },
    pid => sub { qq("$$") },
    trace => sub { my $id = $_[1]{'trace-id'} // 'unset'; qq("$id") },
    context => sub {
        my $of = $_[1];
        my @fields = map { $of->{$_} // '-' } qw(request-id function-arn trace-id tenant-id);
        push @fields, ($of->{'deadline-ms'} // 0) > time * 1000 ? 'yes' : 'no';
        '"' . join('|', @fields) . '"';
    },
    client => sub {
        my $of = $_[1];
        '[' . join(',', map { $of->{$_} // 'null' } qw(client-context cognito-identity)) . ']';
    },
);

if ($ENV{INIT}) {
    print STDERR "at init\n";
    exit 5 if $ENV{INIT} eq 'exit';
    fault('init-error', 'Function.AtInit', 'broken at init');
    exit 1;
}
send_all "ready\n";
while (defined(my $line = readline $channel)) {
    my ($number, $context_bytes, $event_bytes) = split ' ', $line;
    my ($text, $event) = ('', '');
    read $channel, $text, $context_bytes if $context_bytes;
    read $channel, $event, $event_bytes if $event_bytes;
    my %of = map { split /=/, $_, 2 } split /\n/, $text;
    my $response = $event;
    if ($event =~ /^"do:(\w+) ?(.*)"$/s) {
        my ($what, $argument) = ($1, $2);
        if ($what eq 'fail') {
            fault("error $number", 'Function.Failed', $argument);
            next;
        }
        if ($what eq 'exit') {
            exit $argument;
        }
        $response = $do{$what}->($argument, \%of);
    }
    send_all "ok $number ", length $response, "\n", $response;
}

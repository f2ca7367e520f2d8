# Drives a daemon with Perl's Redis. usage: perl_redis.pl SOCKET PASSWORD RESTART
# RESTART is a program that restarts the daemon and returns once it answers.
use strict;
use warnings;
use Redis;

my ($socket, $password, $restart) = @ARGV;

sub check { my ($condition, $what) = @_; die "not so: $what\n" unless $condition }

sub refused {
    my ($start, $body) = @_;
    check(!eval { $body->(); 1 }, "refused: $start");
    check(index($@, $start) >= 0, "'$@' holds '$start'");
}

refused('NOAUTH', sub { Redis->new(sock => $socket)->echo('a') });
refused('WRONGPASS', sub { Redis->new(sock => $socket, password => 'wrong') });
my $client = Redis->new(sock => $socket, password => $password, reconnect => 5);
check($client->ping eq 'PONG', 'PING');
my %hello = $client->hello(2);
check($hello{proto} == 2, 'HELLO 2');

my $tokens = 0;
for my $n (0 .. 9_999) {
    $client->rate('l' . $n % 100, 'i' . ($n % 50 + 1), $n % 5 + 1, sub { $tokens++ if $_[0] =~ /^\d+:\d+$/ });
}
$client->wait_all_responses;
check($tokens == 10_000, '10,000 tokens');

$client->multi;
$client->rate('tx', 'tea', 5);
$client->rate('tx', 'rum', 1);
check((my @answers = $client->exec) == 2, 'EXEC answers both');
refused("ERR COUNT is '-1'", sub { $client->recommend('l1', 'COUNT', -1) });
my $big = 'x' x (1 << 20);
check($client->echo($big) eq $big, 'ECHO of 1 MiB');
check($client->info->{redis_mode} eq 'standalone', 'INFO');

check(system($restart) == 0, 'restart');
check($client->ping eq 'PONG', 'PING after the restart');
print "fine: Perl's Redis $Redis::VERSION, RESP 2\n";
print "skipped: RESP 3, which Perl's Redis does not speak\n";

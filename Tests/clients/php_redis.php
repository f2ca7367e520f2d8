<?php
// Drives a daemon with phpredis. usage: php_redis.php SOCKET PASSWORD RESTART
// RESTART is a program that restarts the daemon and returns once it answers.
[, $socket, $password, $restart] = $argv;

function check($condition, $what)
{
    if (!$condition) {
        fwrite(STDERR, "not so: $what\n");
        exit(1);
    }
}

function startsWith($client, $start)
{
    $error = (string) $client->getLastError();
    check(str_starts_with($error, $start), "'$error' begins with '$start'");
    $client->clearLastError();
}

$client = new Redis();
check($client->connect($socket), 'connect');
try {
    $client->rawCommand('ECHO', 'a');
    startsWith($client, 'NOAUTH');
} catch (RedisException $error) {
    check(str_starts_with($error->getMessage(), 'NOAUTH'), $error->getMessage());
}
try {
    check(!$client->auth('wrong'), 'AUTH wrong');
} catch (RedisException $error) {
    check(str_starts_with($error->getMessage(), 'WRONGPASS'), $error->getMessage());
}
check($client->auth($password), 'AUTH');
check($client->ping() === true, 'PING');
check(in_array('freshet', $client->rawCommand('HELLO', '2')), 'HELLO 2');

$pipeline = $client->multi(Redis::PIPELINE);
for ($n = 0; $n < 10000; $n++) {
    $pipeline->rawCommand('RATE', 'p' . $n % 100, 'i' . ($n % 50 + 1), (string) ($n % 5 + 1));
}
$tokens = $pipeline->exec();
check(count($tokens) === 10000 && preg_match('/^\d+:\d+$/', $tokens[9999]), '10,000 tokens');

$client->multi();
$client->rawCommand('RATE', 'tx', 'tea', '5');
$client->rawCommand('RATE', 'tx', 'rum', '1');
check(count($client->exec()) === 2, 'EXEC answers both');
check($client->rawCommand('RECOMMEND', 'p1', 'COUNT', '-1') === false, 'an error');
startsWith($client, "ERR COUNT is '-1'");
$big = str_repeat('x', 1 << 20);
check($client->echo($big) === $big, 'ECHO of 1 MiB');
check($client->info()['redis_mode'] === 'standalone', 'INFO');
check($client->config('GET', 'save') === ['save' => ''], 'CONFIG GET');

passthru($restart, $code);
check($code === 0, 'restart');
check($client->ping() === true, 'PING after the restart');
echo 'fine: phpredis ', phpversion('redis'), ", RESP 2\n";
echo "skipped: RESP 3, which phpredis does not speak\n";

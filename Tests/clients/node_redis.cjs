// Drives a daemon with node-redis. usage: node_redis.cjs SOCKET PASSWORD RESTART
// RESTART is a program that restarts the daemon and returns once it answers.
const assert = require('node:assert');
const { execFileSync } = require('node:child_process');
const { readFileSync } = require('node:fs');
const { createClient } = require('redis');

const [socket, password, restart] = process.argv.slice(2);

async function connect(password) {
    const client = createClient({ socket: { path: socket }, password });
    client.on('error', () => {}); // told by the commands that fail
    await client.connect();
    return client;
}

async function refused(start, action) {
    await assert.rejects(action, (error) => error.message.startsWith(start) || assert.fail(error.message));
}

async function main() {
    const stranger = await connect(undefined);
    await refused('NOAUTH', () => stranger.sendCommand(['ECHO', 'a']));
    await refused('WRONGPASS', () => stranger.sendCommand(['AUTH', 'wrong']));
    await stranger.disconnect();
    const client = await connect(password);
    assert.equal(await client.ping(), 'PONG');
    const hello = await client.sendCommand(['HELLO', '2']);
    assert.equal(hello[hello.indexOf('proto') + 1], 2);

    const commands = Array.from({ length: 10000 }, (_, n) =>
        client.sendCommand(['RATE', `n${n % 100}`, `i${n % 50 + 1}`, String(n % 5 + 1)]));
    const tokens = await Promise.all(commands);
    assert(tokens.every((token) => /^\d+:\d+$/.test(token)));

    const answers = await client.multi().addCommand(['RATE', 'tx', 'tea', '5'])
        .addCommand(['RATE', 'tx', 'rum', '1']).exec();
    assert.equal(answers.length, 2);
    await refused("ERR COUNT is '-1'", () => client.sendCommand(['RECOMMEND', 'n1', 'COUNT', '-1']));
    const big = 'x'.repeat(1 << 20);
    assert.equal(await client.echo(big), big);
    assert.match(await client.info('replication'), /role:master/);
    assert.deepEqual({ ...await client.configGet('save') }, { save: '' });

    execFileSync(restart, { stdio: 'inherit' });
    // The client finds out that it was cut off, and connects again by itself; what was asked meanwhile may fail.
    for (let tries = 0; ; tries += 1) {
        try {
            assert.equal(await client.ping(), 'PONG');
            break;
        } catch (error) {
            if (tries === 100) throw error;
            await new Promise((resolve) => setTimeout(resolve, 50));
        }
    }
    await client.quit();
    const { version } = JSON.parse(readFileSync(`${process.env.NODE_PATH}/redis/package.json`));
    console.log(`fine: node-redis ${version}, RESP 2`);
    if (version.startsWith('4.')) console.log('skipped: RESP 3, which node-redis speaks from 5 on');
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});

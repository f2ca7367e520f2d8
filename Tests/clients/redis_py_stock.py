"""Drives a daemon with redis-py as its users do: default settings, default (transactional) pipelines.

Usage: redis_py_stock.py SOCKET PASSWORD RESTART
RESTART is a program that restarts the daemon and returns once it answers.
"""

import subprocess
import sys

import redis


def refused(error, start, action):
    try:
        action()
    except error as found:
        assert str(found).startswith(start), found
    else:
        raise AssertionError(f"not refused: {start}")


def check(socket, password, restart, options):
    def client_with(**more):
        return redis.Redis(unix_socket_path=socket, decode_responses=True, **options, **more)

    refused(redis.RedisError, "", lambda: client_with(password="wrong").ping())
    refused(redis.RedisError, "", lambda: client_with().ping())
    client = client_with(password=password, client_name="stock")
    assert client.ping() and client.client_getname() == "stock"
    assert client.command_count() > 40
    assert client.config_get("save") == {"save": ""} and client.config_get("nothing") == {}
    assert client.info("replication")["role"] == "master" and client.info()["redis_mode"] == "standalone"
    assert [line["name"] for line in client.client_list()] == ["stock"]
    assert client.role()[0] in ("master", b"master") and client.dbsize() == 0 and client.time()[0] > 0

    for transaction in (True, False):
        with client.pipeline(transaction=transaction) as pipeline:
            for number in range(10_000):
                pipeline.execute_command("RATE", f"y{number % 100}", f"i{number % 50 + 1}", 1 + number % 5)
            tokens = pipeline.execute()
        offsets = [int(token.split(":")[1]) for token in tokens]
        assert offsets == sorted(set(offsets)) and len(offsets) == 10_000
    with client.pipeline() as pipeline:
        pipeline.execute_command("RATE", "py-never", "tea", 5)
        pipeline.execute_command("NOSUCH")
        refused(redis.ResponseError, "Command # 2 (NOSUCH) of pipeline", pipeline.execute)
    refused(redis.ResponseError, "", lambda: client.execute_command("USER.GET", "py-never"))
    refused(redis.ResponseError, "WATCH is not supported", lambda: client.pipeline().watch("key"))
    refused(redis.ResponseError, "COUNT is '-1'", lambda: client.execute_command("RECOMMEND", "y1", "COUNT", -1))
    big = "x" * (1 << 20)
    assert client.echo(big) == big

    subprocess.run([restart], check=True)
    assert client.ping()


if __name__ == "__main__":
    has_three = int(redis.__version__.split(".")[0]) >= 5
    for options in [{"protocol": 2}, {"protocol": 3}] if has_three else [{}]:
        check(*sys.argv[1:], options)
        print(f"fine: redis-py {redis.__version__}, RESP {options.get('protocol', 2)}, as stock clients use it")
    if not has_three:
        print("skipped: RESP 3, which redis-py speaks from 5 on")

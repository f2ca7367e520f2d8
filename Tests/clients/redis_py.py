"""Drives every command of a running daemon with redis-py, in RESP 2 and 3.

Usage: redis_py.py SOCKET
"""

import sys

import redis


def refused(call, word):
    """The call is answered with an error whose first word is `word`. redis-py strips a leading ERR."""
    try:
        answer = call()
    except redis.ResponseError as error:
        assert word == "ERR" or str(error).startswith(word), error
    else:
        raise AssertionError(f"not refused: {answer}")


def pairs(answer):
    """A map: RESP 3 has them, in RESP 2 names and values alternate."""
    return answer if isinstance(answer, dict) else dict(zip(answer[::2], answer[1::2]))


def check(path, version):
    client = redis.Redis(unix_socket_path=path, protocol=version, decode_responses=True)
    call = client.execute_command
    user = f"py{version}"

    assert client.ping()
    assert client.echo("a b") == "a b"
    assert client.client_id() > 0
    assert client.client_setname("check") and client.client_getname() == "check"
    assert call("SELECT", 0) in ("OK", True)
    assert client.command_count() > 20

    assert call("ITEM.SET", "py-item", "TITLE", "A title", "TAGS", "x,y", "AVAILABLE", 1).startswith("0:")
    tokens = [call("RATE", user, item, value) for item, value in [("i1", 5), ("i2", 4.5), ("py-item", 1)]]
    tokens.append(call("SIGNAL", user, "i3", "click", "TS", 1_700_000_000_000))
    ids = call("RECOMMEND", user, "COUNT", 10, "AFTER", tokens[-1], "TIMEOUT", 5000)
    assert len(ids) == 10 and not {"i1", "i2", "i3", "py-item"} & set(ids), ids
    scored = call("RECOMMEND", user, "COUNT", 10, "MODEL", "stars", "WITHSCORES", "EXCLUDE", ids[0])
    scores = [float(score) for score in scored[1::2]]
    assert ids[0] not in scored[::2] and scores == sorted(scores, reverse=True)
    assert "i1" in call("RECOMMEND", user, "COUNT", 1000, "INCLUDESEEN")
    assert call("RECOMMEND", user, "TAG", "x", "INCLUDESEEN") == ["py-item"]
    assert len(call("RECOMMEND", "nobody", "COUNT", 3)) == 3
    assert len(call("PREDICT", user, "i4", "i5", "MODEL", "stars")) == 2
    ranked = call("RANK", user, "i4", "i5", "i6", "MODEL", "stars")
    values = [float(value) for value in ranked[1::2]]
    assert sorted(ranked[::2]) == ["i4", "i5", "i6"] and values == sorted(values, reverse=True), ranked
    why = pairs(call("EXPLAIN", user, "i1", "MODEL", "stars"))
    parts = sum(float(why[part]) for part in ("mean", "user-bias", "item-bias", "match"))
    assert abs(parts - float(why["score"])) < 1e-5 and "seen" in why["why-not"], why
    assert why["rank"] is None and not why["recommended"] and float(why["seen-value"]) == 5, why
    for order in ("popular", "bias", "-bias"):
        assert len(call("TOP", 3, "BY", order, "WITHSCORES")) == 6
    for metric in ("cosine", "dot", "l2"):
        assert len(call("SIMILAR", "i1", "COUNT", 3, "METRIC", metric, "WITHSCORES")) == 6

    item = pairs(call("ITEM.GET", "py-item"))
    assert item["title"] == "A title" and item["tags"] == ["x", "y"], item
    record = pairs(call("USER.GET", user, "COUNT", 2))
    assert record["seen"] == 4 and len(record["history"]) == 2, record
    assert pairs(record["history"][0])["kind"] == "signal", record

    token = call("RETRACT", user, "i1")
    assert "i1" in call("RECOMMEND", user, "COUNT", 1000, "AFTER", token)
    token = call("FORGET", user)
    assert len(call("RECOMMEND", user, "COUNT", 1, "AFTER", token)) == 1
    refused(lambda: call("USER.GET", user), "NOUSER")
    refused(lambda: call("RECOMMEND", user, "FALLBACK", "none"), "NOUSER")

    status = pairs(call("STATUS"))
    assert status["events.applied"] > 0 and status["events.dead-letters"] == 0, status
    assert len(pairs(call("STATUS", "DIGEST"))["digest"]) >= 16
    assert {pairs(model)["name"] for model in call("MODELS")} == {"stars", "likes"}
    assert client.info()["redis_mode"] == "standalone"
    assert client.info("events")["events.applied"] > 0
    assert int(pairs(call("CHECKPOINT"))["0"]) > 0

    with client.pipeline(transaction=False) as pipeline:
        for number in range(200):
            pipeline.execute_command("RATE", f"{user}-{number % 7}", f"i{number % 90 + 1}", 1 + number % 5)
        tokens = pipeline.execute()
    offsets = [int(token.split(":")[1]) for token in tokens]
    assert offsets == sorted(offsets) and len(set(offsets)) == 200

    for words, first in [
        (("RECOMMEND",), "ERR"),
        (("RECOMMEND", user, "COUNT", "-1"), "ERR"),
        (("RECOMMEND", user, "COUNT", "1000000000"), "ERR"),
        (("RECOMMEND", user, "BOGUS"), "ERR"),
        (("RECOMMEND", "", "COUNT", "1"), "ERR"),
        (("RECOMMEND", "x" * 300), "ERR"),
        (("RATE", user, "i1", "nan"), "ERR"),
        (("RATE", user, "i1", "inf"), "ERR"),
        (("RATE", user, "i1", "1e9"), "ERR"),
        (("RATE", user, "i1", "5", "TS", "-1"), "ERR"),
        (("SIGNAL", user, "i1", "no-such-signal"), "ERR"),
        (("RECOMMEND", user, "MODEL", "no-such"), "NOMODEL"),
        (("PREDICT", "nobody", "i1"), "NOUSER"),
        (("PREDICT", f"{user}-1", "no-such"), "NOITEM"),
        (("RANK", f"{user}-1", "i1", "no-such"), "NOITEM"),
        (("EXPLAIN", "nobody", "i1"), "NOUSER"),
        (("EXPLAIN", f"{user}-1", "no-such"), "NOITEM"),
        (("TOP", "3", "BY", "luck"), "ERR"),
        (("SIMILAR", "no-such"), "NOITEM"),
        (("SIMILAR", "i1", "METRIC", "manhattan"), "ERR"),
        (("RECOMMEND", f"{user}-1", "AFTER", "0:999999999", "TIMEOUT", "10"), "STALE"),
        (("RECOMMEND", f"{user}-1", "AFTER", "soon"), "ERR"),
        (("SELECT", "1"), "ERR"),
        (("FLUSHALL",), "ERR"),
    ]:
        refused(lambda: call(*words), first)
    assert client.ping()
    print(f"fine: redis-py {redis.__version__}, RESP {version}")


if __name__ == "__main__":
    for version in (2, 3):
        check(sys.argv[1], version)

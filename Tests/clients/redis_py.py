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
    ids = call("RECOMMEND", user, "COUNT", 10, "AFTER", tokens[-1], "TIMEOUT", 60_000)
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
    assert len(call("TOP", 3, "BY", "trending")) <= 3
    for metric in ("cosine", "dot", "l2"):
        assert len(call("SIMILAR", "i1", "COUNT", 3, "METRIC", metric, "WITHSCORES")) == 6

    item = pairs(call("ITEM.GET", "py-item"))
    assert item["title"] == "A title" and item["tags"] == ["x", "y"], item
    assert item["ratings"] >= 1 and item["last-event"] > 0, item
    assert float(pairs(pairs(item["models"])["stars"])["norm"]) > 0, item
    record = pairs(call("USER.GET", user, "COUNT", 2))
    assert record["seen"] == 4 and len(record["history"]) == 2, record
    assert pairs(record["history"][0])["kind"] == "signal", record
    assert float(pairs(pairs(record["models"])["likes"])["norm"]) > 0, record

    # Hidden items: in no list, named as the reason, and back again.
    first = call("RECOMMEND", user, "COUNT", 3)[0]
    token = call("HIDE", user, first)
    assert first not in call("RECOMMEND", user, "COUNT", 1000, "INCLUDESEEN", "AFTER", token)
    assert "hidden" in pairs(call("EXPLAIN", user, first))["why-not"]
    record = pairs(call("USER.GET", user))
    assert record["hidden"] == 1 and record["hidden-items"] == [first], record
    token = call("UNHIDE", user, first)
    assert first in call("RECOMMEND", user, "COUNT", 1000, "AFTER", token)

    # Several users at once, and somebody of whom only items are known.
    several = call("MRECOMMEND", user, f"{user}-nobody", "u1", "COUNT", 3, "FALLBACK", "none")
    assert [type(part) for part in several] == [list, redis.ResponseError, list], several
    assert several[0] == call("RECOMMEND", user, "COUNT", 3), several
    for model in ("stars", "likes"):
        session = call("RECOMMEND.ITEMS", 3, "i1", "i2", "i3", "WEIGHTS", 5, 1, 3.5, "COUNT", 5, "MODEL", model)
        assert len(session) == 5 and not {"i1", "i2", "i3"} & set(session), session
    meta = pairs(call("RECOMMEND.ITEMS", 2, "no-such", "i1", "WITHMETA"))
    assert meta["ignored"] == ["no-such"] and len(meta["items"]) == 10, meta
    near = call("SIMILAR.USERS", user, "COUNT", 5, "WITHSCORES")
    assert len(near) == 10 and user not in near, near

    # What an answer stands on.
    meta = pairs(call("RECOMMEND", user, "COUNT", 1000, "TAG", "x", "WITHMETA"))
    assert meta["model"] == "blend" and meta["position"].startswith("0:"), meta
    assert float(meta["age-ms"]) >= 0 and meta["fallback"] == "none" and meta["items"] == [], meta
    why = pairs(meta["why-fewer"])
    assert sum(count for reason, count in why.items() if reason != "catalogue") == why["catalogue"], why
    assert pairs(call("SIMILAR", "i1", "COUNT", 3, "WITHMETA"))["why-fewer"] is None
    assert pairs(call("EXPLAIN", user, "i9", "EXCLUDE", "i9"))["why-not"][0] == "filtered"

    # Strange ids are ids like any other.
    for strange in ("a b", "\"quoted\" 'too'", "\0nul\0", "🎬👩‍👩‍👧", "COUNT"):
        call("ITEM.SET", strange, "AVAILABLE", 1)
        token = call("RATE", user, strange, 4)
        assert strange in call("RECOMMEND", user, "COUNT", 1000, "INCLUDESEEN", "AFTER", token)
        assert pairs(call("ITEM.GET", strange))["id"] == strange
        call("RETRACT", user, strange)
        call("ITEM.SET", strange, "AVAILABLE", 0)

    token = call("RETRACT", user, "i1")
    assert "i1" in call("RECOMMEND", user, "COUNT", 1000, "AFTER", token)
    token = call("FORGET", user)
    assert len(call("RECOMMEND", user, "COUNT", 1, "AFTER", token)) == 1
    refused(lambda: call("USER.GET", user), "NOUSER")
    refused(lambda: call("RECOMMEND", user, "FALLBACK", "none"), "NOUSER")

    status = pairs(call("STATUS"))
    assert status["events.applied"] > 0 and status["events.dead-letters"] == 0, status
    assert len(pairs(call("STATUS", "DIGEST"))["digest"]) >= 16
    assert {pairs(model)["name"] for model in call("MODELS")} == {"stars", "likes", "repeat", "next", "blend"}
    assert client.info()["redis_mode"] == "standalone"
    assert client.info("events")["events.applied"] > 0
    assert int(pairs(call("CHECKPOINT"))["0"]) > 0

    with client.pipeline(transaction=False) as pipeline:
        for number in range(200):
            pipeline.execute_command("RATE", f"{user}-{number % 7}", f"i{number % 90 + 1}", 1 + number % 5)
        tokens = pipeline.execute()
    offsets = [int(token.split(":")[1]) for token in tokens]
    assert offsets == sorted(offsets) and len(set(offsets)) == 200
    call("RECOMMEND", "u1", "COUNT", 1, "AFTER", tokens[-1], "TIMEOUT", 60_000)

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
        (("RECOMMEND.ITEMS", 2, "no-such", "nor-this"), "NOITEM"),
        (("RECOMMEND.ITEMS", "i1", "5"), "ERR"),
        (("RECOMMEND.ITEMS", 1, "i1", "WEIGHTS", "101", "MODEL", "stars"), "ERR"),
        (("SIMILAR.USERS", "no-such"), "NOUSER"),
        (("RECOMMEND", user, "COUNT", 1, "COUNT", 2), "ERR"),
        (("MRECOMMEND", user, "MODEL", "no-such"), "NOMODEL"),
        (("HIDE", user), "ERR"),
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

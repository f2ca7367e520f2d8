"""Asks daemons of a cluster with redis-py's client for Redis Cluster, in RESP 2 and 3.

Usage: redis_py_cluster.py HOST:PORT USER PASSWORD-FILE
"""

import sys

from redis.cluster import ClusterNode, RedisCluster


def pairs(answer):
    """A map: RESP 3 has them, in RESP 2 names and values alternate."""
    return answer if isinstance(answer, dict) else dict(zip(answer[::2], answer[1::2]))


def check(host, port, user, password, version):
    client = RedisCluster(
        startup_nodes=[ClusterNode(host, port)], username=user, password=password, protocol=version,
        decode_responses=True)
    call = client.execute_command
    assert len(client.get_nodes()) > 1, client.get_nodes()
    users = [f"pc{version}-{number}" for number in range(60)]
    tokens = {}
    for name in users:
        for item in range(3):
            tokens[name] = call("RATE", name, f"i{item}", 5)
    for name in users:
        answer = call("RECOMMEND", name, "COUNT", 3, "INCLUDESEEN", "AFTER", tokens[name], "TIMEOUT", 30_000)
        assert answer, name
        assert pairs(call("USER.GET", name))["seen"] == 3, name
    pipeline = client.pipeline()
    for name in users:
        pipeline.execute_command("USER.GET", name)
    assert [pairs(answer)["id"] for answer in pipeline.execute()] == users
    node = client.get_random_node()
    assert client.cluster_info(target_nodes=node)["cluster_state"] == "ok"
    assert len(client.cluster_nodes()) == len(client.get_nodes())
    assert len(client.cluster_shards()) == len(client.get_nodes())
    assert client.cluster_keyslot("foo") == 12182
    assert len(client.cluster_myid(target_node=node)) == 40
    assert call("TOP", 2, "BY", "popular", target_nodes=node)
    client.close()


def main():
    address, user, file = sys.argv[1:]
    host, port = address.rsplit(":", 1)
    with open(file, encoding="utf-8") as lines:
        password = lines.readline().strip()
    for version in (2, 3):
        check(host, int(port), user, password, version)
    print("fine: redis-py's client for Redis Cluster, RESP 2 and 3")


main()

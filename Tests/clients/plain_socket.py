"""Speaks RESP to a running daemon over a plain Unix socket, with nothing but the standard library.

Usage: plain_socket.py SOCKET
"""

import socket
import sys


class Client:
    """The ten lines that any language needs."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(path)
        self.stream = self.socket.makefile("rb")

    def send(self, *words):
        words = [str(word).encode() for word in words]
        request = b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
        self.socket.sendall(request)

    def receive(self):
        line = self.stream.readline()
        if not line:
            raise EOFError("the daemon closed the connection")
        kind, text = line[:1], line[1:-2].decode()
        if kind == b"-":
            return RuntimeError(text)
        if kind == b"$":
            return None if text == "-1" else self.stream.read(int(text) + 2)[:-2].decode()
        if kind == b"*":
            return [self.receive() for _ in range(int(text))]
        if kind == b"%":
            return {self.receive(): self.receive() for _ in range(int(text))}
        return {b"+": str, b":": int, b",": float, b"#": "t".__eq__, b"_": lambda _: None}[kind](text)

    def call(self, *words):
        self.send(*words)
        return self.receive()


def main(path):
    client = Client(path)
    for version in (2, 3):
        hello = client.call("HELLO", version)
        assert (hello if version == 3 else dict(zip(hello[::2], hello[1::2])))["proto"] == version
        user = f"plain{version}"

        token = client.call("RATE", user, "i1", 5)
        assert token.startswith("0:"), token
        ids = client.call("RECOMMEND", user, "COUNT", 5, "AFTER", token)
        assert len(ids) == 5 and "i1" not in ids, ids
        scored = client.call("RECOMMEND", user, "COUNT", 5, "WITHSCORES")
        assert len(scored) == 10 and scored[0] == ids[0], scored
        assert isinstance(scored[1], float if version == 3 else str), scored

        meta = client.call("RECOMMEND", user, "COUNT", 5, "WITHMETA")
        meta = meta if version == 3 else dict(zip(meta[::2], meta[1::2]))
        assert meta["items"] == ids and meta["why-fewer"] is None, meta
        several = client.call("MRECOMMEND", user, "no-such-user", "COUNT", 5, "FALLBACK", "none")
        assert several[0] == ids and isinstance(several[1], RuntimeError), several

        # A pipeline: answers in the order of the requests.
        for number in range(100):
            client.send("ECHO", number)
        assert [client.receive() for _ in range(100)] == [str(number) for number in range(100)]

        # An error is an answer; the connection goes on.
        for wrong, first in [
            (["RECOMMEND", user, "COUNT", "-1"], "ERR"),
            (["RECOMMEND", user, "MODEL", "no-such"], "NOMODEL"),
            (["SIMILAR", "no-such-item"], "NOITEM"),
            (["USER.GET", "no-such-user"], "NOUSER"),
            (["RECOMMEND", user, "AFTER", "0:999999999", "TIMEOUT", "10"], "STALE"),
            (["NOSUCH"], "ERR"),
        ]:
            answer = client.call(*wrong)
            assert isinstance(answer, RuntimeError) and str(answer).split()[0] == first, answer
        assert client.call("PING") == "PONG"
        print(f"fine: RESP {version}")

    client.socket.sendall(b"PING\r\n")
    assert client.receive() == "PONG"
    print("fine: inline command")

    silent = Client(path)
    silent.socket.sendall(b"*2\r\n$4\r\nEC")  # half a request, and then silence
    assert client.call("PING") == "PONG"
    silent.socket.close()

    client.socket.sendall(b"*1\r\n$-5\r\n")
    assert "Protocol error" in str(client.receive())
    try:
        client.receive()
    except EOFError:
        print("fine: a broken protocol is answered, and the connection closed")
    else:
        raise AssertionError("the connection went on")


if __name__ == "__main__":
    main(sys.argv[1])

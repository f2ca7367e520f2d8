"""Writes a whole pipeline before it reads one answer, as many clients do.

Usage: write_before_read.py SOCKET
"""

import socket
import sys


def flood(path, command, count, sign):
    """`sign` begins each answer, and stands nowhere else."""
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(120)
    client.connect(path)
    client.sendall(command * count)
    client.shutdown(socket.SHUT_WR)
    answers = 0
    while chunk := client.recv(1 << 16):
        answers += chunk.count(sign)
    assert answers == count, f"{answers} answers to {count} times {command.decode().strip()}"
    print(f"fine: {count} times {command.decode().strip()}")


if __name__ == "__main__":
    flood(sys.argv[1], b"PING\r\n", 1_000_000, b"+")
    flood(sys.argv[1], b"RECOMMEND u1 COUNT 10\r\n", 100_000, b"*")
    flood(sys.argv[1], b"RATE flood i1 4\r\n", 100_000, b"$")

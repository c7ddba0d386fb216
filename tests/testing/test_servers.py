"""The servers that tests stand on: they start, keep their data over a kill, freeze, and leave nothing behind."""

from __future__ import annotations

import socket
from pathlib import Path

import psutil
import pytest

from fotofila.testing.servers import NatsServer, PostgresServer, RedisServer, S3Server, Server, SqsServer
from fotofila.testing.servers.process import answers


@pytest.mark.parametrize("kind", [NatsServer, PostgresServer, RedisServer, S3Server, SqsServer])
def test_server_comes_back_at_the_same_port_and_leaves_no_process(kind: type[Server], tmp_path: Path) -> None:
    with kind(tmp_path / "server") as server:
        url = server.url
        server.kill()
        assert not answers(server.port)
        server.start()
        assert server.url == url
        assert answers(server.port)
        started = psutil.Process(server.pid)
        family = [started, *started.children(recursive=True)]
    assert [process for process in family if process.is_running() and process.status() != "zombie"] == []


def test_killed_postgres_keeps_what_was_committed(tmp_path: Path) -> None:
    with PostgresServer(tmp_path) as server:
        server.psql("CREATE TABLE kept AS SELECT 7 AS number")
        server.kill()
        server.start()
        assert server.psql("SELECT number FROM kept") == "7"


def test_frozen_server_accepts_and_says_nothing(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        server.pause()
        with socket.create_connection(("127.0.0.1", server.port), timeout=0.2) as connection:
            connection.sendall(b"PING\r\n")
            with pytest.raises(TimeoutError):
                connection.recv(16)
            server.resume()
            connection.settimeout(60)
            assert connection.recv(16) == b"+PONG\r\n"

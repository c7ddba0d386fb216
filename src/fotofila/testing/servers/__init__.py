"""Real servers for tests and benches, each from a wheel, on loopback and a free port, always stopped.

Their programs come with the extra `test` (or `bench`); a server named in an error is one whose wheel is missing.
"""

from fotofila.testing.servers.nats import NatsServer
from fotofila.testing.servers.postgres import PostgresServer
from fotofila.testing.servers.process import Server, ServerError
from fotofila.testing.servers.redis import RedisServer
from fotofila.testing.servers.s3 import S3Server
from fotofila.testing.servers.sqs import SqsServer

__all__ = ["NatsServer", "PostgresServer", "RedisServer", "S3Server", "Server", "ServerError", "SqsServer"]

from __future__ import annotations

from pathlib import Path

import pytest

from fotofila.bootstrap import make_queue
from fotofila.core.config import Settings, SettingsError
from fotofila.core.queue.nats import NatsQueue
from fotofila.core.queue.nats_link import NatsAddress
from fotofila.core.queue.sqlite import SqliteQueue
from fotofila.core.queue.sqs import SqsQueue


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("", SqliteQueue),
        ("sqlite:///queue.db", SqliteQueue),
        ("nats://a:4222,b:4222", NatsQueue),
        ("tls://user:secret@a", NatsQueue),
        ("sqs://eu-west-1", SqsQueue),
        ("sqs://", SqsQueue),
    ],
)
async def test_url_chooses_the_adapter(tmp_path: Path, url: str, kind: type) -> None:
    queue = make_queue(Settings(data_dir=tmp_path, queue_url=url))
    assert isinstance(queue, kind)
    await queue.close()


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"queue_url": "amqp://localhost"}, "FOTOFILA_QUEUE_URL: amqp"),
        ({"queue_url": "nats://"}, "nats://host:4222"),
        ({"queue_url": "nats://a", "queue_process_name": "my.photos"}, "FOTOFILA_QUEUE_PROCESS_NAME"),
        ({"queue_url": "tls://a", "queue_tls_ca": "/nowhere/ca.pem"}, "FOTOFILA_QUEUE_TLS"),
    ],
)
def test_wrong_setting_stops_the_start_with_its_name(settings: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        make_queue(Settings(**settings))  # type: ignore[arg-type]


def test_user_and_password_are_taken_out_of_every_server() -> None:
    options = NatsAddress(url="nats://me:p%40ss@a:4222,me:p%40ss@b:4222").options()
    assert options["servers"] == ["nats://a:4222", "nats://b:4222"]
    assert (options["user"], options["password"]) == ("me", "p@ss")


def test_name_without_password_is_a_token() -> None:
    assert NatsAddress(url="nats://t0ken@a").options()["token"] == "t0ken"


def test_credentials_are_the_text_of_a_file_and_not_its_path() -> None:
    with pytest.raises(ValueError, match="whole text"):
        NatsAddress(url="nats://a", credentials="/etc/nats/user.creds").options()

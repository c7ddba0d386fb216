"""The notification routes, through the real app."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from notify_parts import House, Receiver, verify

from fotofila.notify.rules import MOST_RULES
from fotofila.notify.targets import MOST_TARGETS

HOOK = {"name": "Shop", "kind": "webhook", "url": "https://hooks.example/x"}
CHAT = {"name": "Chat", "kind": "apprise", "url": "tgram://123456789:abcdefghijklmnopqrstuvwxyzabcdefghi/12345"}
ROUTES = [
    ("GET", "/targets"),
    ("POST", "/targets"),
    ("PATCH", "/targets/{target}"),
    ("DELETE", "/targets/{target}"),
    ("POST", "/targets/{target}/test"),
    ("GET", "/rules"),
    ("POST", "/rules"),
    ("PATCH", "/rules/{rule}"),
    ("DELETE", "/rules/{rule}"),
    ("GET", "/deliveries"),
    ("POST", "/deliveries/{delivery}/redeliver"),
]


async def make(client: httpx.AsyncClient, path: str, **body: object) -> dict[str, Any]:
    answer = await client.post(path, json=body)
    assert answer.status_code in {201, 202}, answer.text
    return dict(answer.json())


async def test_webhook_shows_its_secret_once(client: httpx.AsyncClient) -> None:
    made = await make(client, "/targets", **HOOK)
    assert made["secret"].startswith("whsec_")
    [listed] = (await client.get("/targets")).json()["items"]
    assert listed == {key: value for key, value in made.items() if key != "secret"}
    renamed = (await client.patch(f"/targets/{made['id']}", json={"name": "Other"})).json()
    assert (renamed["name"], renamed["secret"]) == ("Other", None)


async def test_rotation_gives_another_secret(client: httpx.AsyncClient) -> None:
    made = await make(client, "/targets", **HOOK)
    changed = (await client.patch(f"/targets/{made['id']}", json={"rotate_secret": True})).json()
    assert changed["secret"].startswith("whsec_")
    assert changed["secret"] != made["secret"]


async def test_apprise_url_is_never_shown(client: httpx.AsyncClient) -> None:
    made = await make(client, "/targets", **CHAT)
    assert (made["url"], made["secret"]) == ("tgram://1...i/12345/", None)
    assert "abcdefgh" not in (await client.get("/targets")).text
    refused = await client.patch(f"/targets/{made['id']}", json={"rotate_secret": True})
    assert refused.status_code == 422
    changed = await client.patch(f"/targets/{made['id']}", json={"url": "ntfy://topic"})
    assert changed.json()["url"] == "ntfys://topic"


@pytest.mark.parametrize(
    "body",
    [
        {**HOOK, "url": "https://user:pass@hooks.example"},
        {**HOOK, "url": "gopher://hooks.example"},
        {**HOOK, "kind": "pigeon"},
        {**HOOK, "name": ""},
        {**HOOK, "colour": "red"},
        {**CHAT, "url": "syslog://"},
        {**CHAT, "url": CHAT["url"] + "?template=/etc/passwd"},
    ],
)
async def test_target_that_cannot_be_used_is_refused_with_a_sentence(
    client: httpx.AsyncClient, body: dict[str, str]
) -> None:
    answer = await client.post("/targets", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert (await client.get("/targets")).json()["items"] == []


async def test_rule_is_made_changed_and_forgotten(client: httpx.AsyncClient) -> None:
    target = await make(client, "/targets", **HOOK)
    rule = await make(client, "/rules", event="job.failed", target_id=target["id"], quiet_seconds=60)
    assert rule == {
        "id": rule["id"],
        "event": "job.failed",
        "target_id": target["id"],
        "quiet_seconds": 60,
        "enabled": True,
    }
    changed = (await client.patch(f"/rules/{rule['id']}", json={"enabled": False, "quiet_seconds": 0})).json()
    assert (changed["enabled"], changed["quiet_seconds"]) == (False, 0)
    assert (await client.get("/rules")).json()["items"] == [changed]
    assert (await client.delete(f"/rules/{rule['id']}")).status_code == 204
    assert (await client.get("/rules")).json()["items"] == []


async def test_one_event_has_one_rule_for_each_target(client: httpx.AsyncClient) -> None:
    target = await make(client, "/targets", **HOOK)
    await make(client, "/rules", event="job.done", target_id=target["id"])
    answer = await client.post("/rules", json={"event": "job.done", "target_id": target["id"]})
    assert answer.status_code == 409


@pytest.mark.parametrize("body", [{"event": "job.progress"}, {"quiet_seconds": 3601}, {"quiet_seconds": -1}])
async def test_rule_with_a_wrong_value_is_refused(client: httpx.AsyncClient, body: dict[str, object]) -> None:
    target = await make(client, "/targets", **HOOK)
    answer = await client.post("/rules", json={"event": "job.done", "target_id": target["id"], **body})
    assert answer.status_code == 422


async def test_test_button_sends_a_real_message(client: httpx.AsyncClient, house: House, receiver: Receiver) -> None:
    target = await make(client, "/targets", name="Shop", kind="webhook", url=receiver.url)
    delivery = await make(client, f"/targets/{target['id']}/test")
    assert (delivery["event_type"], delivery["state"]) == ("test", "pending")
    await house.send()
    assert verify(receiver.requests[0], target["secret"])
    [shown] = (await client.get("/deliveries", params={"target_id": target["id"]})).json()["items"]
    assert (shown["state"], shown["status_code"], shown["attempts"]) == ("delivered", 204, 1)
    again = await client.post(f"/deliveries/{shown['id']}/redeliver")
    assert (again.status_code, again.json()["state"]) == (202, "pending")


async def test_target_that_is_off_is_neither_tested_nor_sent_to(client: httpx.AsyncClient, house: House) -> None:
    target = await make(client, "/targets", **HOOK)
    delivery = await make(client, f"/targets/{target['id']}/test")
    await client.patch(f"/targets/{target['id']}", json={"enabled": False})
    assert (await client.post(f"/targets/{target['id']}/test")).status_code == 409
    assert (await client.post(f"/deliveries/{delivery['id']}/redeliver")).status_code == 409
    [ended] = await house.log()
    assert (ended.state, "switched off" in (ended.error or "")) == ("failed", True)


async def test_log_comes_in_pages_newest_first(client: httpx.AsyncClient) -> None:
    target = await make(client, "/targets", **HOOK)
    made = [(await make(client, f"/targets/{target['id']}/test"))["id"] for _ in range(5)]
    seen, cursor = [], None
    while True:
        page = (await client.get("/deliveries", params={"limit": 2, **({"cursor": cursor} if cursor else {})})).json()
        seen += [item["id"] for item in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == made[::-1]
    assert (await client.get("/deliveries", params={"cursor": "nonsense"})).status_code == 422


async def test_deleting_a_target_forgets_its_rules_and_log(client: httpx.AsyncClient, house: House) -> None:
    target = await make(client, "/targets", **HOOK)
    await make(client, "/rules", event="job.done", target_id=target["id"])
    await make(client, f"/targets/{target['id']}/test")
    assert (await client.delete(f"/targets/{target['id']}")).status_code == 204
    assert (await client.get("/rules")).json()["items"] == []
    assert await house.log() == []


async def test_another_workspace_finds_nothing(client: httpx.AsyncClient) -> None:
    target = await make(client, "/targets", **HOOK)
    rule = await make(client, "/rules", event="job.done", target_id=target["id"])
    delivery = await make(client, f"/targets/{target['id']}/test")
    client.headers["x-api-key"] = "stranger"
    for path in ("/targets", "/rules", "/deliveries"):
        assert (await client.get(path)).json()["items"] == []
    asked = [
        await client.patch(f"/targets/{target['id']}", json={"name": "Mine now"}),
        await client.delete(f"/targets/{target['id']}"),
        await client.post(f"/targets/{target['id']}/test"),
        await client.post("/rules", json={"event": "job.done", "target_id": target["id"]}),
        await client.patch(f"/rules/{rule['id']}", json={"enabled": False}),
        await client.delete(f"/rules/{rule['id']}"),
        await client.get("/deliveries", params={"target_id": target["id"]}),
        await client.post(f"/deliveries/{delivery['id']}/redeliver"),
        await client.delete("/targets/not-an-id"),
    ]
    assert [answer.status_code for answer in asked] == [404] * len(asked)
    client.headers["x-api-key"] = "owner"
    assert len((await client.get("/targets")).json()["items"]) == 1


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_every_route_needs_admin(client: httpx.AsyncClient, method: str, path: str) -> None:
    target = await make(client, "/targets", **HOOK)
    rule = await make(client, "/rules", event="job.done", target_id=target["id"])
    delivery = await make(client, f"/targets/{target['id']}/test")
    url = path.format(target=target["id"], rule=rule["id"], delivery=delivery["id"])
    bodies = {"/targets": HOOK, "/rules": {"event": "job.done", "target_id": target["id"]}}
    body = bodies.get(path, {}) if method in {"POST", "PATCH"} else None
    for key, status in (("viewer", 403), ("nobody", 401)):
        answer = await client.request(method, url, json=body, headers={"x-api-key": key})
        assert answer.status_code == status


async def test_workspace_has_so_many_targets(client: httpx.AsyncClient, house: House) -> None:
    for _ in range(MOST_TARGETS):
        await house.webhook("https://hooks.example/x")
    answer = await client.post("/targets", json=HOOK)
    assert (answer.status_code, answer.json()["code"]) == (422, "limit_reached")
    assert str(MOST_TARGETS) in answer.json()["detail"]


async def test_workspace_has_so_many_rules(client: httpx.AsyncClient, house: House) -> None:
    target, _ = await house.webhook("https://hooks.example/x")
    for number in range(MOST_RULES):
        await house.rule(target, f"event.{number}")
    answer = await client.post("/rules", json={"event": "job.done", "target_id": target.id})
    assert (answer.status_code, answer.json()["code"]) == (422, "limit_reached")

"""Which Apprise services may be used, and with which options.

An Apprise URL can name hosts and files of ours: `json://` posts anywhere, `template=` and `pgppub=` read a file. So
both are lists of what is allowed. Open to everybody are e-mail (the server's address is checked when connecting) and
services whose host is fixed by their plugin, or pinned here. Those that go to a host of the user's choice (Signal's
gateway among them) need FOTOFILA_WEBHOOKS_ALLOW_PRIVATE, since their connections cannot be checked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fotofila.notify.errors import TargetUrlError

MAIL = frozenset({"mailto", "mailtos"})

_MAIL = frozenset({"to", "from", "name", "cc", "bcc", "reply", "smtp", "mode"})
_NTFY = frozenset({"priority", "mode", "to", "token", "auth", "image", "xtags"})
_WORKFLOWS = frozenset({"id", "sig", "sp", "sv", "ver", "api-version", "image", "wrap", "pa", "powerautomate", "route"})

FIXED: Mapping[str, frozenset[str]] = {
    "mailto": _MAIL,
    "mailtos": _MAIL,
    "slack": frozenset({"to", "image", "footer", "blocks", "timestamp", "mode", "token"}),
    "tgram": frozenset({"to", "image", "silent", "preview", "topic", "thread", "detect", "mdv"}),
    "discord": frozenset({"avatar", "footer", "thread", "tts", "ping"}),
    "gchat": frozenset({"key", "token", "workspace", "thread"}),
    "workflow": _WORKFLOWS,
    "workflows": _WORKFLOWS,
    "pover": frozenset({"to", "priority", "sound", "expire", "interval"}),
    "pbul": frozenset({"to"}),
    "ntfy": _NTFY,
    "ntfys": _NTFY,
    "whatsapp": frozenset({"to", "from", "token", "lang"}),
}
"""Service → options that may be given."""

_GENERIC = frozenset({"method"})
_CHAT = frozenset({"to", "image", "token", "mode", "channel", "priority", "avatar", "batch", "status", "path"})

ANYWHERE: Mapping[str, frozenset[str]] = {
    scheme + secure: options
    for secure in ("", "s")
    for scheme, options in {
        "json": _GENERIC,
        "xml": _GENERIC,
        "form": _GENERIC,
        "gotify": _CHAT,
        "matrix": _CHAT | {"version", "msgtype"},
        "mmost": _CHAT,
        "nctalk": _CHAT,
        "rocket": _CHAT,
        "signal": _CHAT,
    }.items()
}
"""The same for services on a host of the user's choice."""

HOST = re.compile(r"[a-z0-9.-]+")
NTFY_HOST = "ntfy.sh"
WORKFLOW_HOSTS = (".logic.azure.com", ".environment.api.powerplatform.com")


def check_service(scheme: str, *, allow_private: bool) -> frozenset[str]:
    """Return the options that a service may be given.

    Raises:
        TargetUrlError: it is not one of those that may be used.
    """
    known = {**FIXED, **ANYWHERE} if allow_private else FIXED
    if scheme in known:
        return known[scheme]
    if scheme in ANYWHERE:
        message = (
            f"{scheme}:// goes to a host of your choice, which needs FOTOFILA_WEBHOOKS_ALLOW_PRIVATE=true; "
            "a target of the kind webhook does not."
        )
        raise TargetUrlError(message)
    raise TargetUrlError(f"{scheme}:// is none of the services that can be used: {', '.join(sorted(known))}.")


def check_options(parsed: Mapping[str, Any], options: frozenset[str], *, scheme: str) -> None:
    """Refuse options that are not listed; the generic services also take headers and fields (`+`, `-`, `:`).

    Raises:
        TargetUrlError: it names the option.
    """
    given = [str(name).lower() for name in parsed.get("qsd") or {}]
    free = options is _GENERIC
    wrong = sorted(name for name in given if name not in options and not (free and name[:1] in {"+", "-", ":", " "}))
    if wrong:
        known = ", ".join(sorted(options))
        raise TargetUrlError(f"The option {wrong[0]!r} cannot be used with {scheme}://: it takes {known}.")


def check_pinned_host(parsed: Mapping[str, Any], *, scheme: str) -> None:
    """Refuse another host than the service's own, where the URL can name one.

    Raises:
        TargetUrlError: it names the host.
    """
    host = str(parsed.get("host") or "").lower()
    if scheme in {"ntfy", "ntfys"} and parsed.get("mode") == "private":
        _pin(host, scheme == "ntfys" and host == NTFY_HOST, [f"ntfys://{NTFY_HOST}"])
    if scheme in {"workflow", "workflows"}:
        # The characters matter too: `evil.com\.logic.azure.com` is evil.com to some readers of URLs.
        _pin(host, HOST.fullmatch(host) and host.endswith(WORKFLOW_HOSTS), [f"*{suffix}" for suffix in WORKFLOW_HOSTS])


def _pin(host: str, fits: object, wanted: Sequence[str]) -> None:
    if not fits:
        message = (
            f"{host} is not this service's own host ({', '.join(wanted)}): "
            "another one needs FOTOFILA_WEBHOOKS_ALLOW_PRIVATE=true."
        )
        raise TargetUrlError(message)

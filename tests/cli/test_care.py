from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from tests.cli.conftest import Run

SEED = "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g"
"""A private key of Ed25519, from RFC 8032, section 7.1, test 1."""


@pytest.fixture(autouse=True)
def with_faces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOTOFILA_CAPABILITIES", "library,access,notify,faces")


@pytest.fixture
def passphrase(tmp_path: Path) -> Path:
    path = tmp_path / "passphrase"
    path.write_text("correct horse battery\n", encoding="utf-8")
    return path


def test_a_collection_is_made_exported_imported_and_erased_with_a_receipt(
    cli: Run, tmp_path: Path, data_dir: Path, passphrase: Path
) -> None:
    made = cli("collections", "create", "visitors", "--ttl-days", "30", "--switch-on", "--json")
    assert (made.code, made.json["ttl_days"], made.json["switched_on"]) == (0, 30, True)
    file = tmp_path / "visitors.faces"
    assert cli("collections", "export", "visitors", file, "--passphrase-file", passphrase).code == 0
    assert file.stat().st_mode & 0o077 == 0
    assert cli("collections", "export", "visitors", file, "--passphrase-file", passphrase).code == 1
    there = cli("collections", "import", file, "--as", "copy", "--passphrase-file", passphrase, "--json")
    assert (there.json["name"], there.json["created"], there.json["faces"]) == ("copy", True, 0)
    wrong = cli("collections", "import", file, "--key-file", file)
    assert wrong.code == 1
    assert "passphrase" in wrong.err
    assert [each["name"] for each in cli("collections", "list", "--json").json] == ["copy", "visitors"]
    receipt = tmp_path / "receipt.json"
    assert (
        cli("collections", "erase", "--collection", "copy", "--yes", "--receipt", receipt, "--reason", "test").code == 0
    )
    assert "copy" not in cli("collections", "list").out
    seen = cli("audit", "verify-receipt", receipt, "--in-log")
    assert seen.code == 0
    assert "test" in seen.out
    changed = {**json.loads(receipt.read_text(encoding="utf-8")), "reason": "another"}
    good = receipt.read_bytes()
    receipt.write_text(json.dumps(changed), encoding="utf-8")
    refused = cli("audit", "verify-receipt", receipt)
    assert refused.code == 1
    assert "changed" in refused.err
    receipt.write_bytes(good)
    with sqlite3.connect(data_dir / "fotofila.db") as database:
        database.execute("DELETE FROM audit_log")
    database.close()
    assert cli("audit", "verify-receipt", receipt).code == 0
    gone = cli("audit", "verify-receipt", receipt, "--in-log")
    assert (gone.code, "`fotofila audit verify`" in gone.err) == (1, True)
    public = tmp_path / "keys.pem"
    public.write_text(cli("audit", "keys").out, encoding="ascii")
    elsewhere = ("--data-dir", str(tmp_path / "elsewhere"))
    assert cli("audit", "verify-receipt", receipt, *elsewhere).code == 1
    assert cli("audit", "verify-receipt", receipt, "--public-key", public, *elsewhere).code == 0
    assert not (tmp_path / "elsewhere").exists()


def test_erasing_asks_what_and_whether(cli: Run) -> None:
    assert cli("collections", "erase", "--yes").code == 1
    assert cli("collections", "erase", "--yes", "--collection", "x", "--user-id", "ana").code == 1
    assert cli("collections", "erase", "--yes", "--everything", "--photo-embeddings").code == 1
    for whole in ("--everything", "--photo-embeddings"):
        done = cli("collections", "erase", "--yes", whole)
        assert json.loads(done.out)["what"] == whole.removeprefix("--").replace("-", "_")
    nobody = cli("collections", "erase", "--yes", "--user-id", "ana")
    assert nobody.code == 0
    assert json.loads(nobody.out)["counts"]["faces"] == 0


def test_the_log_is_listed_exported_and_verified(cli: Run, tmp_path: Path, data_dir: Path) -> None:
    cli("keys", "create", "laptop", "--json")
    cli("users", "create", "ana", "--no-password")
    listed = cli("audit", "list", "--json").json
    assert [each["action"] for each in listed] == ["user.create", "key.create"]
    assert cli("audit", "list", "--action", "key", "--json").json == listed[1:]
    assert "key.create" in cli("audit", "list").out
    file = tmp_path / "audit.jsonl"
    assert cli("audit", "export", file).code == 0
    assert cli("audit", "verify", "--file", file, "--json").json["entries"] == 3
    kept = tmp_path / "kept.jsonl"
    kept.write_text(cli("audit", "checkpoints").out, encoding="utf-8")
    whole = cli("audit", "verify", "--checkpoints", kept, "--json")
    assert (whole.code, whole.json["ok"], whole.json["entries"]) == (0, True, 3)
    assert cli("audit", "prune", "--before", "2026-01-01", "--yes", "--json").json == {"entries": 0, "until": 0}
    with sqlite3.connect(data_dir / "fotofila.db") as database:
        database.execute("UPDATE audit_log SET subject = 'nobody' WHERE sequence = 2")
    database.close()
    broken = cli("audit", "verify")
    assert broken.code == 1
    assert "entry 2" in broken.out
    assert cli("audit", "verify", "--json").json["broken"]["sequence"] == 2
    lines = file.read_text(encoding="utf-8").replace("laptop", "desktop")
    file.write_text(lines, encoding="utf-8")
    assert cli("audit", "verify", "--file", file).code == 1
    file.write_text("no log\n", encoding="utf-8")
    assert "Line 1" in cli("audit", "verify", "--file", file).err


def test_a_key_of_ones_own_signs(cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ("-----BEGIN PRIVATE KEY-----", SEED, "-----END PRIVATE KEY-----", "")
    pem = "\n".join(lines)
    path = tmp_path / "audit.pem"
    path.write_text(pem, encoding="ascii")
    derived = cli("audit", "keys").out
    monkeypatch.setenv("FOTOFILA_AUDIT_KEY_FILE", str(path))
    own = cli("audit", "keys").out
    assert own.count("BEGIN PUBLIC KEY") == 1
    path.write_text(pem + derived, encoding="ascii")
    assert cli("audit", "keys").out == own + derived
    path.write_text("no key", encoding="ascii")
    refused = cli("audit", "keys")
    assert refused.code == 2
    assert "openssl genpkey" in refused.err

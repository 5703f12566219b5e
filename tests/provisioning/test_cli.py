"""The command itself, in processes of its own: statuses, JSON, what it says, what it never says."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

import jsonschema
import pytest
from tests.project.tree import ROOT
from tests.provisioning.conftest import PASSPHRASE, Office
from tests.provisioning.maker import Phone
from typer.testing import CliRunner

from offhook.base.schema.enrolment_request import REQUEST_FILE, write_request
from offhook.base.schema.ticket import TICKET_FILE, read_ticket
from offhook_provisioning.cli.main import app
from offhook_provisioning.crypto.signing import verify

SCHEMA = json.loads(
    (resources.files("offhook_provisioning.cli") / "result.schema.json").read_text()
)
SAME, ERROR, CHANGED = 0, 1, 2


@dataclass
class Operator:
    """Says commands in a workspace; keeps all that came out, and all that was said."""

    root: Path
    heard: list[str] = field(default_factory=list)
    said: list[list[str]] = field(default_factory=list)

    def private(self, name: str, content: str) -> str:
        path = self.root.parent / name
        path.write_text(content)
        path.chmod(0o600)
        return str(path)

    def says(self, *words: str, unlock: bool = False, plain: bool = False) -> tuple[int, str]:
        command = [*words, "-w", str(self.root)]
        if unlock:
            command += ["--passphrase-file", self.private("passphrase", PASSPHRASE)]
        if not plain:
            command.append("--json")
        self.said.append(command)
        done = subprocess.run(
            [sys.executable, "-m", "offhook_provisioning.cli.main", *command],
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'firmware'}:{ROOT / 'provisioning'}"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        self.heard += [done.stdout, done.stderr]
        return done.returncode, done.stdout + (done.stderr if plain else "")

    def asks(self, *words: str, unlock: bool = False) -> tuple[int, dict[str, object]]:
        """With --json, checked against the schema."""
        status, told = self.says(*words, unlock=unlock)
        document = json.loads(told)
        jsonschema.validate(document, SCHEMA)
        assert status == {"same": SAME, "changed": CHANGED, "error": ERROR}[document["status"]]
        return status, document


@pytest.fixture
def operator(office: Office) -> Operator:
    return Operator(office.root)


def test_from_an_empty_folder_to_a_bundle_every_command_says_what_it_did(tmp_path: Path) -> None:
    operator = Operator(tmp_path / "fleet")
    stick = tmp_path / "stick"
    stick.mkdir()
    password = operator.private("password", "the trunk's word")
    assert operator.asks("init", "--name", "Example", unlock=True)[0] == CHANGED
    assert operator.asks("init", "--name", "Example", unlock=True)[0] == SAME
    desk = ("device", "add", "desk-1", "--user", "+49301", "--domain", "sip.example.com")
    assert operator.asks(*desk, "--from-file", password)[0] == CHANGED
    assert operator.asks(*desk, "--from-file", password)[0] == SAME
    load = ("load", "desk-1", "--usb", str(stick))
    assert operator.asks(*load, unlock=True)[0] == CHANGED
    phone = Phone("desk-1")
    octets = (stick / TICKET_FILE).read_bytes()
    ticket = read_ticket(octets, verify, 0.0)
    (stick / REQUEST_FILE).write_bytes(
        write_request("desk-1", phone.csr_der, phone.identity.recipient, ticket.token)
    )
    assert operator.asks("plan", unlock=True)[0] == CHANGED
    assert operator.asks(*load, unlock=True)[0] == CHANGED
    assert operator.asks(*load, unlock=True)[0] == SAME
    assert operator.asks("apply", unlock=True)[0] == SAME
    assert operator.asks("status")[1]["data"]["devices"][0]["stage"] == "enrolled, bundle 1"  # type: ignore[index]
    assert operator.asks("device", "lost", "desk-1")[0] == CHANGED
    assert operator.asks("expiry", "--days", "4000")[0] == CHANGED
    heard = "".join(operator.heard)
    assert "the trunk's word" not in heard
    assert PASSPHRASE not in heard
    assert str(ticket.token) == "•••"
    assert ticket.token.reveal().hex() not in heard


@pytest.mark.parametrize(
    "words",
    [
        ("no-such-command",),
        ("device", "add"),
        ("load", "desk-1"),
        ("status", "--days", "3"),
        ("device", "lost", "nobody"),
        ("secret", "set", "Not A Name"),
    ],
)
def test_a_wrong_use_is_an_error_and_not_a_change(
    operator: Operator, words: tuple[str, ...]
) -> None:
    status, told = operator.says(*words, plain=True)
    assert status == ERROR
    assert told.strip()
    assert "Traceback" not in told


def test_an_error_in_json_has_its_message(operator: Operator) -> None:
    _, document = operator.asks("device", "lost", "nobody")
    assert "there is no device nobody" in str(document["error"])


def test_a_defect_in_the_inventory_is_told_with_place_and_remedy(operator: Operator) -> None:
    path = operator.root / "fleet.toml"
    path.write_text(path.read_text().replace('country = "DE"', 'country = "XX"\nstrange = 1'))
    desk = ("device", "add", "desk-1", "--user", "1", "--domain", "a.example", "--password-later")
    status, told = operator.says(*desk, plain=True)
    assert status == ERROR
    assert "line.country" in told
    assert "line.strange" in told
    assert not (operator.root / "devices").exists()


def test_a_folder_that_is_no_workspace_is_told_how_to_become_one(tmp_path: Path) -> None:
    status, told = Operator(tmp_path).says("status", plain=True)
    assert status == ERROR
    assert "offhook-provision init" in told


def test_wiring_needs_no_workspace_and_writes_its_diagram_once(tmp_path: Path) -> None:
    profile = ROOT / "board" / "profiles" / "rotary-bell.toml"
    words = ["wiring", str(profile), "--svg", str(tmp_path / "w.svg"), "--json"]
    first = CliRunner().invoke(app, words)
    document = json.loads(first.stdout)
    jsonschema.validate(document, SCHEMA)
    assert document["status"] == "changed"
    assert document["data"]["pins"][0]["gpio"] == 4
    assert json.loads(CliRunner().invoke(app, words).stdout)["status"] == "same"


COMMANDS = [
    (),
    *((name,) for name in ("init", "backup", "restore", "load", "plan", "diff", "apply")),
    *((name,) for name in ("status", "export", "expiry", "rotate", "revoke", "device", "ca")),
    *(("device", name) for name in ("add", "import", "list", "replace", "lost")),
    *(("secret", name) for name in ("set", "list", "remove")),
    ("ca", "install"),
    ("wiring",),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself_and_none_takes_a_secret_as_an_argument(
    command: tuple[str, ...],
) -> None:
    told = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "200"})
    assert told.exit_code == 0
    assert len(told.output) > 150
    for word in ("--password ", "--passphrase ", "--secret ", "--token "):
        assert word not in told.output


def test_fifty_random_secrets_are_in_no_output_argument_environment_or_file(
    operator: Operator, tmp_path: Path
) -> None:
    words = [secrets.token_hex(12) for _ in range(50)]
    rows = "".join(f"desk-{n},1{n},a.example,{word}\n" for n, word in enumerate(words[:40]))
    csv = operator.private("phones.csv", "device,user,domain,password\n" + rows)
    operator.asks("device", "import", csv)
    for number, word in enumerate(words[40:]):
        file = operator.private(f"secret-{number}", word)
        operator.asks("secret", "set", f"more-{number}", "--from-file", file)
    stick = tmp_path / "stick"
    stick.mkdir()
    for name in ("desk-1", "desk-2"):
        operator.asks("load", name, "--usb", str(stick), unlock=True)
        octets = (stick / TICKET_FILE).read_bytes()
        words.append(read_ticket(octets, verify, 0.0).token.reveal().hex())
        phone = Phone(name)
        ticket = read_ticket(octets, verify, 0.0)
        request = write_request(name, phone.csr_der, phone.identity.recipient, ticket.token)
        (stick / REQUEST_FILE).write_bytes(request)
        operator.asks("load", name, "--usb", str(stick), unlock=True)
        (stick / REQUEST_FILE).unlink()
    for command in ("plan", "diff", "apply"):
        operator.says(command, unlock=True, plain=True)
    for command in ("status", "expiry"):
        operator.asks(command)
    operator.asks("secret", "list")
    operator.asks("export", str(tmp_path / "web"))
    operator.asks("backup", str(tmp_path / "backup.age"), unlock=True)
    # What goes wrong says no more: damaged files, wrong columns, settings that are none.
    operator.asks("device", "import", operator.private("odd.csv", f"device,user\nx,{words[3]}\n"))
    path = operator.root / "devices" / "desk-1.toml"
    path.write_text(
        path.read_text() + f'password = "{words[1]}"\n[settings.sound]\nx = "{words[1]}"\n'
    )
    assert operator.asks("apply", unlock=True)[0] == ERROR
    operator.says("apply", unlock=True, plain=True)
    path.write_text(f"status = {words[1]}")
    assert operator.asks("apply", unlock=True)[0] == ERROR
    path.unlink()
    (operator.root / "private" / "secrets" / "desk-2" / "home.age").write_bytes(words[2].encode())
    assert operator.asks("apply", unlock=True)[0] == ERROR
    (operator.root / "private" / "secrets" / "desk-2" / "home.age").unlink()

    written = [
        path.read_bytes()
        for folder in (operator.root, tmp_path / "web", stick)
        for path in folder.rglob("*")
        if path.is_file()
    ]
    written.append((tmp_path / "backup.age").read_bytes())
    places = [each.encode() for each in operator.heard]
    places += ["\0".join(each).encode() for each in operator.said]
    places += ["\0".join(f"{k}={v}" for k, v in os.environ.items()).encode(), *written]
    found = [word for word in [*words, PASSPHRASE] if any(word.encode() in at for at in places)]
    assert found == []
    assert len(places) > 100

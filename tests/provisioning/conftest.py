from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.provisioning.maker import NOW, Phone

from offhook.base.schema.bundle import BUNDLE_FILE, Bundle, Holder, accept_bundle
from offhook.base.schema.enrolment_request import write_request
from offhook.base.schema.ticket import read_ticket
from offhook.base.secret import Secret
from offhook_provisioning.crypto.authority import load_key, public_octets
from offhook_provisioning.crypto.sealing import Identity
from offhook_provisioning.crypto.signing import verify
from offhook_provisioning.fleet.apply import apply
from offhook_provisioning.fleet.devices import NewDevice, add
from offhook_provisioning.fleet.enrolment import take_request, write_ticket
from offhook_provisioning.workspace.disk import Disk, Step
from offhook_provisioning.workspace.keys import Keys
from offhook_provisioning.workspace.making import make
from offhook_provisioning.workspace.workspace import Workspace

PASSPHRASE = "six words drawn by lot here"


@dataclass(frozen=True)
class Pristine:
    """A workspace without devices, made once: behind its passphrase stands a second of work."""

    root: Path
    identity: Identity


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Pristine:
    root = tmp_path_factory.mktemp("pristine") / "workspace"
    secret = Secret(PASSPHRASE)
    workspace = make(root, "Example", secret, NOW, company=False, disk=Disk())
    return Pristine(root, Keys.unlock(workspace, secret).identity)


@dataclass
class Office:
    """A workspace of a test's own, and phones that enrol with it."""

    keys: Keys

    @property
    def workspace(self) -> Workspace:
        return self.keys.workspace

    @property
    def root(self) -> Path:
        return self.workspace.root

    def again(self, step: Step | None = None) -> Office:
        """The same folder as another command finds it."""
        disk = Disk() if step is None else Disk(step)
        disk.sweep(self.root)
        return Office(Keys(Workspace.at(self.root, disk), self.keys.identity))

    def add(self, name: str) -> None:
        secret = Secret("trunk password")
        add(self.workspace, NewDevice(name, "+49301", "sip.example.com", password=secret))

    def request(self, name: str, phone: Phone | None = None, now: float = NOW) -> bytes:
        """What a phone writes that found the newest ticket."""
        ticket = read_ticket(write_ticket(self.keys, name, now), verify, now)
        phone = phone or Phone(name)
        return write_request(name, phone.csr_der, phone.identity.recipient, ticket.token)

    def enrol(self, name: str, now: float = NOW) -> Phone:
        phone = Phone(name)
        take_request(self.keys, self.request(name, phone, now), now)
        return phone

    def bundle(self, name: str) -> bytes:
        return (self.root / "out" / name / BUNDLE_FILE).read_bytes()

    def accepted(self, phone: Phone, counter: int = 0, now: float = NOW) -> Bundle:
        spki = public_octets(load_key(phone.key).public_key())
        operator = self.workspace.operator_keys
        holder = Holder(phone.device, operator, phone.identity.recipient, spki, counter)
        return accept_bundle(self.bundle(phone.device), holder, phone.means, now)

    def files(self) -> dict[str, bytes]:
        return {
            path.relative_to(self.root).as_posix(): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file()
        }


@pytest.fixture
def office(pristine: Pristine, tmp_path: Path) -> Office:
    root = tmp_path / "workspace"
    shutil.copytree(pristine.root, root)
    return Office(Keys(Workspace.at(root), pristine.identity))


@pytest.fixture
def furnished(office: Office) -> tuple[Office, dict[str, Phone]]:
    """Three phones that are enrolled and have their bundles."""
    phones = {}
    for name in ("desk-1", "desk-2", "desk-3"):
        office.add(name)
        phones[name] = office.enrol(name)
    apply(office.keys, NOW)
    return office, phones

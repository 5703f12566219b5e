"""A workspace: where each file is, and how inventory, state and secrets are read and kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from offhook.base.errors import LocalError
from offhook.base.schema.document_fields import SECRET_NAME
from offhook.base.secret import Secret
from offhook_provisioning.crypto.sealing import seal
from offhook_provisioning.workspace.disk import PRIVATE, Disk, read
from offhook_provisioning.workspace.inventory import (
    FLEET,
    Device,
    Fleet,
    check_name,
    read_device,
    read_fleet,
)
from offhook_provisioning.workspace.state import (
    DeviceState,
    Revocations,
    decode_device,
    decode_revocations,
    encode_state,
)

MARK: Final = "public/workspace.json"
"""The file that makes a folder a workspace; `init` writes it last."""
CHAIN: Final = "public/ca.pem"
SEALED: Final = "private/secrets"
CSR: Final = "public/ca.csr.pem"
CRL_PLACES: Final = ("public/crl.pem", "out/crl.pem")
GITIGNORE: Final = "private/\nstate/\nout/\n.lock\n.offhook-*\n"


class Marked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands in the mark: the recipient of all private files, operator's public keys (hex)."""

    format: int
    recipient: str
    operator: tuple[Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")], ...]


@dataclass(frozen=True, slots=True)
class Workspace:
    """An existing workspace at `root`. Every method raises LocalError with what helps."""

    root: Path
    disk: Disk

    @classmethod
    def at(cls, root: Path, disk: Disk | None = None) -> Workspace:
        """The workspace `root`."""
        if not (root / MARK).is_file():
            raise LocalError(
                f"{root} is no workspace: make one with offhook-provision init, "
                "or name another by --workspace"
            )
        return cls(root, disk or Disk())

    @property
    def marked(self) -> Marked:
        """The mark."""
        try:
            return msgspec.json.decode(read(self.root / MARK), type=Marked)
        except (msgspec.DecodeError, ValueError) as error:
            raise LocalError(f"{MARK} is damaged: {error}. Restore it from a backup") from None

    def mark(self, marked: Marked) -> bool:
        """Replace the mark."""
        return self.disk.write(self.root / MARK, encode_state(marked))

    @property
    def fleet(self) -> Fleet:
        """fleet.toml."""
        try:
            return read_fleet(read(self.root / "fleet.toml"))
        except LocalError as error:
            raise LocalError(f"fleet.toml: {error}") from None

    def device_names(self) -> list[str]:
        """All devices, sorted."""
        folder = self.root / "devices"
        return sorted(each.stem for each in folder.glob("*.toml")) if folder.is_dir() else []

    def device_path(self, name: str) -> Path:
        """A device's file."""
        return self.root / "devices" / f"{check_name(name)}.toml"

    def device(self, name: str) -> Device:
        """A device that there is."""
        path = self.device_path(name)
        if not path.is_file():
            known = ", ".join(self.device_names()[:8]) or "none yet"
            raise LocalError(f"there is no device {name}; devices: {known} (device list)")
        return read_device(read(path), name)

    def devices(self) -> Iterator[tuple[str, Device]]:
        """Every device with its name."""
        for name in self.device_names():
            yield name, self.device(name)

    def state(self, name: str) -> DeviceState:
        """What is remembered of a device; an empty one where nothing is."""
        path = self.root / "state" / f"{check_name(name)}.json"
        return decode_device(read(path), name) if path.is_file() else DeviceState()

    def keep(self, name: str, state: DeviceState) -> bool:
        """Remember `state`; whether it is another one than before."""
        path = self.root / "state" / f"{check_name(name)}.json"
        return self.disk.write(path, encode_state(state), PRIVATE)

    @property
    def revocations(self) -> Revocations:
        """Which certificates were revoked."""
        path = self.root / "state" / "_revoked.json"
        return decode_revocations(read(path)) if path.is_file() else Revocations()

    def keep_revocations(self, revocations: Revocations) -> bool:
        """Remember them; whether that is anything new."""
        path = self.root / "state" / "_revoked.json"
        return self.disk.write(path, encode_state(revocations), PRIVATE)

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """The CA's certificate and those above it, root last."""
        path = self.root / CHAIN
        if not path.is_file():
            raise LocalError(
                f"the CA has no certificate yet: have {CSR} signed by the company's CA, "
                "then offhook-provision ca install FILE"
            )
        try:
            return tuple(x509.load_pem_x509_certificates(read(path)))
        except ValueError:
            raise LocalError(f"{CHAIN} is damaged. Restore it from a backup") from None

    @property
    def crl(self) -> x509.CertificateRevocationList | None:
        """The list that was last written, if it is whole, and the same in `out/`."""
        paths = [self.root / each for each in CRL_PLACES]
        if not all(each.is_file() for each in paths):
            return None
        first, second = map(read, paths)
        try:
            return x509.load_pem_x509_crl(first) if first == second else None
        except ValueError:
            return None

    @property
    def anchor(self) -> bytes:
        """The CA's root, DER."""
        return self.chain[-1].public_bytes(Encoding.DER)

    @property
    def operator_keys(self) -> tuple[bytes, ...]:
        """The operator's public keys, raw; documents are signed by each of them."""
        return tuple(bytes.fromhex(each) for each in self.marked.operator)

    def secret_path(self, scope: str, name: str) -> Path:
        """The sealed file of a secret; `scope` is a device, or FLEET."""
        if not SECRET_NAME.fullmatch(name):
            raise LocalError(
                f"{name!r} is no name for a secret: small letters, digits, '.', '_' and '-'"
            )
        folder = scope if scope == FLEET else check_name(scope)
        return self.root / SEALED / folder / f"{name}.age"

    def put_secret(self, scope: str, name: str, secret: Secret) -> None:
        """Keep a secret, sealed. That needs no passphrase."""
        path = self.secret_path(scope, name)
        self.disk.write(path, seal(secret, self.marked.recipient), PRIVATE)

    def secrets(self) -> Iterator[tuple[str, str]]:
        """Every secret that is set: its scope and its name, sorted."""
        for path in sorted((self.root / SEALED).glob("*/*.age")):
            yield path.parent.name, path.stem

    def token_path(self, device: str) -> Path:
        """The sealed file of the newest ticket's token; no secret of the settings lies there."""
        return self.root / "private" / "tokens" / f"{check_name(device)}.age"

    def keep_token(self, device: str, token: Secret) -> None:
        """Keep a token, sealed."""
        sealed = seal(token, self.marked.recipient)
        self.disk.write(self.token_path(device), sealed, PRIVATE)

    def find_secret(self, device: str, name: str) -> Path | None:
        """The sealed file of what `secrets/name` is for a device: its own, or the fleet's."""
        paths = (self.secret_path(device, name), self.secret_path(FLEET, name))
        return next((each for each in paths if each.is_file()), None)

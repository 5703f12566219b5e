"""What a passphrase opens: the workspace's identity, and by it signing keys, CA and secrets."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

from offhook.base.errors import LocalError
from offhook.base.secret import Secret
from offhook_provisioning.crypto.authority import Authority
from offhook_provisioning.crypto.sealing import (
    Identity,
    SealBroken,
    open_by_passphrase,
    seal,
    seal_by_passphrase,
)
from offhook_provisioning.crypto.signing import SigningKey, encode
from offhook_provisioning.workspace.disk import PRIVATE, read
from offhook_provisioning.workspace.workspace import Workspace

IDENTITY: Final = "private/identity.age"
CA_KEY: Final = "private/ca.age"
SHORTEST_PASSPHRASE: Final = 10


def operator_file(public: bytes) -> str:
    """Where the signing key with this public half lies."""
    return f"private/operator-{public.hex()[:16]}.age"


def check_passphrase(passphrase: Secret) -> None:
    """Raises LocalError for one that is too short to guard a fleet."""
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise LocalError(
            f"the passphrase is shorter than {SHORTEST_PASSPHRASE} characters: "
            "take six words drawn by lot, and keep them apart from the backup"
        )


def sealed_identity(identity: Identity, passphrase: Secret) -> bytes:
    """The workspace's identity behind a passphrase."""
    return seal_by_passphrase(identity.text, passphrase)


@dataclass(frozen=True, slots=True)
class Keys:
    """An unlocked workspace."""

    workspace: Workspace
    identity: Identity

    @classmethod
    def unlock(cls, workspace: Workspace, passphrase: Secret) -> Keys:
        """Takes about a second, on purpose. Raises LocalError."""
        try:
            text = open_by_passphrase(read(workspace.root / IDENTITY), passphrase)
        except SealBroken:
            raise LocalError(
                f"{IDENTITY} can't be opened: the passphrase is wrong, or the file is damaged "
                "(restore it from a backup)"
            ) from None
        identity = Identity(text)
        if identity.recipient != workspace.marked.recipient:
            raise LocalError(f"{IDENTITY} belongs to another workspace: restore the right one")
        return cls(workspace, identity)

    def opened(self, name: str) -> Secret:
        """A private file of the workspace. Raises LocalError."""
        try:
            return self.identity.open(read(self.workspace.root / name))
        except SealBroken as error:
            raise LocalError(f"{name}: {error}. Restore it from a backup") from None

    def keep(self, name: str, secret: Secret) -> None:
        """Seal a private file of the workspace."""
        path = self.workspace.root / name
        self.workspace.disk.write(path, seal(secret, self.identity.recipient), PRIVATE)

    @property
    def signing(self) -> list[SigningKey]:
        """The operator's keys, each of which signs."""
        return [
            SigningKey(self.opened(operator_file(each))) for each in self.workspace.operator_keys
        ]

    @property
    def authority(self) -> Authority:
        """The CA."""
        return Authority(self.opened(CA_KEY), self.workspace.chain)

    def token(self, device: str) -> Secret:
        """The token of a device's newest ticket. Raises LocalError."""
        return self.opened(str(self.workspace.token_path(device).relative_to(self.workspace.root)))

    def secret(self, device: str, name: str) -> Secret:
        """What `secrets/name` is for a device. Raises LocalError with the command that sets it."""
        path = self.workspace.find_secret(device, name)
        if path is None:
            raise LocalError(
                f"the secret {name} of {device} is not set: "
                f"offhook-provision secret set {name} --device {device}"
            )
        return self.opened(str(path.relative_to(self.workspace.root)))

    def digest(self, content: dict[str, object]) -> str:
        """A keyed digest: tells whether content changed, and nothing of the secrets in it."""
        key = hmac.new(self.identity.text.reveal(), b"offhook content", hashlib.sha256).digest()
        return hmac.new(key, encode(content).reveal(), hashlib.sha256).hexdigest()

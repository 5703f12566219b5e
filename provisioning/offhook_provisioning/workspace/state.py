"""What the tool remembers between two commands; no secret, and one file for each device."""

from __future__ import annotations

import msgspec

from offhook.base.errors import LocalError


class TicketState(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The newest ticket: its token's digest, Unix seconds."""

    digest: str
    issued: int
    expires: int


class DeviceState(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One device. Empty: nothing yet. Octets stand in base64, serial numbers in decimal."""

    ticket: TicketState | None = None
    used: tuple[str, ...] = ()
    """Digests of tokens that enrolled it."""
    recipient: str = ""
    csr: str = ""
    certificate: tuple[str, ...] = ()
    """Its certificate and those above it, root last, DER."""
    renew_at: int = 0
    """When two thirds of the certificate's life are over."""
    serials: tuple[str, ...] = ()
    """Every certificate that it ever had."""
    counter: int = 0
    """The highest that a bundle was made with, delivered or not."""
    content: str = ""
    """A keyed digest of what the newest bundle holds."""
    bundle: str = ""
    """SHA-256 of the newest bundle's octets."""
    refresh_at: int = 0
    """When two thirds of the bundle's life are over."""

    @property
    def enrolled(self) -> bool:
        """Whether its keys are known."""
        return bool(self.recipient)


class Revocations(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Certificates that were revoked, and the list that was last written of them."""

    serials: dict[str, int] = {}
    """Serial number → when, Unix seconds."""
    number: int = 0
    listed: tuple[str, ...] = ()
    refresh_at: int = 0


def encode_state(state: msgspec.Struct) -> bytes:
    """As JSON; the same state gives the same octets."""
    return msgspec.json.format(msgspec.json.encode(state), indent=1) + b"\n"


def decode_device(octets: bytes, name: str) -> DeviceState:
    """Raises LocalError."""
    try:
        return msgspec.json.decode(octets, type=DeviceState)
    except (msgspec.DecodeError, ValueError) as error:
        raise _broken(f"state/{name}.json", error) from None


def decode_revocations(octets: bytes) -> Revocations:
    """Raises LocalError."""
    try:
        return msgspec.json.decode(octets, type=Revocations)
    except (msgspec.DecodeError, ValueError) as error:
        raise _broken("state/_revoked.json", error) from None


def _broken(where: str, error: Exception) -> LocalError:
    return LocalError(f"{where} is damaged: {error}. Restore it from a backup")

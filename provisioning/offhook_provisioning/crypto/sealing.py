"""Encryption in the age format (age-encryption.org/v1) by pyrage: to keys and passphrases."""

from __future__ import annotations

from typing import Final

import pyrage

from offhook.base.errors import LocalError
from offhook.base.secret import Secret

_ATTEMPTS: Final = 100
"""To be let begin; a refused one takes 2 ms. One that is let begin is at most sixteen times the
library's second of work, and is the last."""


class SealBroken(LocalError):
    """What is sealed can't be opened: another key, another passphrase, or damage."""


class Identity:
    """An age identity: the private half of an X25519 key."""

    def __init__(self, text: Secret) -> None:
        try:
            self._identity = pyrage.x25519.Identity.from_str(text.reveal().decode())
        except (pyrage.IdentityError, UnicodeDecodeError):
            raise SealBroken("this is no age identity") from None
        self.text = text

    @classmethod
    def generate(cls) -> Identity:
        """A fresh one."""
        return cls(Secret(str(pyrage.x25519.Identity.generate())))

    @property
    def recipient(self) -> str:
        """The public half, age1…"""
        return str(self._identity.to_public())

    def open(self, sealed: bytes) -> Secret:
        """What was sealed to us. Raises SealBroken."""
        try:
            return Secret(pyrage.decrypt(sealed, [self._identity]))
        except pyrage.DecryptError:
            raise SealBroken("it is sealed to another key, or damaged") from None

    def unseal(self, sealed: bytes) -> bytes | None:
        """What `base.schema.bundle.Unseal` asks for."""
        try:
            return self.open(sealed).reveal()
        except SealBroken:
            return None


def seal(content: Secret, recipient: str) -> bytes:
    """An age file that `recipient` alone opens; never the same twice. Raises LocalError."""
    try:
        key = pyrage.x25519.Recipient.from_str(recipient)
    except pyrage.RecipientError:
        raise LocalError(f"{recipient!r} is no age recipient (age1…)") from None
    return bytes(pyrage.encrypt(content.reveal(), [key]))


def seal_by_passphrase(content: Secret, passphrase: Secret) -> bytes:
    """An age file that the passphrase opens (scrypt, about a second of work)."""
    return bytes(pyrage.passphrase.encrypt(content.reveal(), passphrase.reveal().decode()))


def open_by_passphrase(sealed: bytes, passphrase: Secret) -> Secret:
    """What was sealed by the passphrase. Raises SealBroken."""
    for _ in range(_ATTEMPTS):
        try:
            return Secret(pyrage.passphrase.decrypt(sealed, passphrase.reveal().decode()))
        except pyrage.DecryptError as error:
            # The library measures this machine for a moment, and refuses work that would then take
            # long; on a busy machine another moment gives another measure.
            if "work" not in str(error):
                raise SealBroken("the passphrase is wrong, or the file is damaged") from None
    raise SealBroken(
        "a faster machine made it, and here it would take too long: "
        "try again when this one is idle, or on another"
    )

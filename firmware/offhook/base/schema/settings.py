"""The phone's settings: one TOML document, every key explained, all defects found."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Final, Literal

from offhook.base.errors import LocalError
from offhook.base.schema.fields import (
    Days,
    Dscp,
    FilePath,
    HostName,
    Text,
    split_host_port,
)
from offhook.base.schema.line_settings import LineSettings
from offhook.base.schema.media_settings import Media
from offhook.base.schema.problem import DocumentInvalid, Problem, show
from offhook.base.schema.secret_source import SecretSource
from offhook.base.schema.section import Defect, Section, key
from offhook.base.schema.sound_settings import HandsetSettings, SoundSettings
from offhook.base.schema.trunk_profile import TrunkProfile
from offhook.base.schema.walker import walk

LONGEST_DOCUMENT: Final = 1 << 20
"""Octets of a settings document."""

NAME: Final = r"^[a-z0-9][a-z0-9_-]{0,31}\Z"


class Account(Section, frozen=True):
    """One SIP identity at one trunk or exchange."""

    name: Annotated[
        str,
        key(
            "What this account is called in commands, reports and logs.",
            example="home",
            expects="a name of small letters, digits, hyphens and underscores",
            pattern=NAME,
        ),
    ]
    user: Annotated[
        str,
        key(
            "The user part of the SIP address: a number or a name, as the trunk gave it.",
            example="+4930123456",
            expects='a user name or number without "@", ":" and blanks',
            pattern=r"^[^@:\s<>\"]{1,128}\Z",
        ),
    ]
    domain: Annotated[
        HostName,
        key(
            "The domain of the SIP address. The trunk's servers are found through it (RFC 3263), "
            "and its certificate must prove it (RFC 5922).",
            example="sip.example.com",
        ),
    ]
    display_name: Annotated[
        str,
        key("The name that called people may see.", example="Front desk", max_length=128),
    ] = ""
    auth_user: Annotated[
        Text | None, key("The user name for digest, where it isn't `user`.", example="desk7")
    ] = None
    password: Annotated[
        SecretSource | None,
        key(
            "Where the digest password is kept. Leave it out where the trunk knows the phone by "
            "its client certificate.",
            example={"file": "/etc/offhook/secrets/home"},
        ),
    ] = None
    realm: Annotated[
        Text | None,
        key(
            "The only realm that gets credentials. Left out, the first challenge to our own "
            "REGISTER fixes it.",
            example="sip.example.com",
        ),
    ] = None
    server: Annotated[
        str | None,
        key(
            "A server to connect to instead of those that DNS names for `domain`. "
            "The certificate must prove `service_name` all the same.",
            example="192.0.2.1:5061",
            expects="a host name or IP address, with :PORT where it isn't 5061",
        ),
    ] = None
    service_name: Annotated[
        HostName | None,
        key(
            "The name that the TLS server must prove, where it isn't `domain`. Never the name of "
            "an SRV target.",
            example="sip.example.com",
        ),
    ] = None
    register: Annotated[
        bool, key("Register, so that calls come in (RFC 3261 §10).", example=False)
    ] = True
    trunk: Annotated[
        TrunkProfile,
        key(
            "The trunk profile: a built-in one's name, or a table that changes single keys of one.",
            example="generic",
            expects="a trunk profile's name or a table",
        ),
    ] = TrunkProfile()

    @property
    def proven_name(self) -> str:
        """The name that the peer's certificate must carry."""
        return self.service_name or self.domain

    def check(self) -> Iterator[Defect]:
        """`server` has a host and a port."""
        if self.server is None:
            return
        try:
            split_host_port(self.server)
        except LocalError:
            yield Defect(
                "server",
                self.server,
                "a host name or IP address, with :PORT where it isn't 5061",
                'Write for instance server = "192.0.2.1:5061", an IPv6 address in brackets.',
            )


class Trust(Section, frozen=True):
    """Whom the phone believes. There is no key that switches the check off."""

    anchors: Annotated[
        tuple[FilePath, ...],
        key(
            "Files with the CA certificates (PEM, several in one file are fine) that a trunk's "
            "certificate must lead to. An own CA for an own exchange; for a public provider "
            "/etc/ssl/certs/ca-certificates.crt.",
            example=["/etc/offhook/ca.pem"],
            min_length=1,
        ),
    ]
    crls: Annotated[
        tuple[FilePath, ...],
        key("Files with certificate revocation lists (PEM or DER).", example=["/etc/offhook/crl"]),
    ] = ()
    crl_required: Annotated[
        bool,
        key(
            "Refuse a certificate for whose issuer no current revocation list is at hand.",
            example=True,
        ),
    ] = False
    client_certificate: Annotated[
        FilePath | None,
        key(
            "File with the phone's own certificate and what leads to its CA (PEM), for trunks "
            "that ask for one.",
            example="/etc/offhook/phone.pem",
        ),
    ] = None
    client_key: Annotated[
        SecretSource | None,
        key(
            "Where the private key (PEM) of `client_certificate` is kept.",
            example={"file": "/etc/offhook/secrets/phone.key"},
        ),
    ] = None

    def check(self) -> Iterator[Defect]:
        """Certificate and key go together; a demanded list must be there."""
        if self.client_certificate is not None and self.client_key is None:
            yield Defect(
                "client_key",
                None,
                "the key of client_certificate",
                'Add client_key = { file = "PATH" }, or take client_certificate out.',
            )
        if self.client_key is not None and self.client_certificate is None:
            yield Defect(
                "client_certificate",
                None,
                "the certificate of client_key",
                'Add client_certificate = "PATH", or take client_key out.',
            )
        if self.crl_required and not self.crls:
            yield Defect("crls", [], "at least one list, as crl_required says", "Name the files.")


class Signalling(Section, frozen=True):
    """How SIP travels."""

    dscp: Annotated[
        Dscp,
        key("DSCP mark of the TLS flow; 24 is CS3, the class of signalling.", example=24),
    ] = 24
    handshake_timeout_s: Annotated[
        float,
        key("Seconds that connecting and the TLS handshake may take.", example=5.0, ge=1, le=60),
    ] = 5.0


class Zrtp(Section, frozen=True):
    """How people make sure of each other (RFC 6189). Whether ZRTP is spoken, the trunk says."""

    compare: Annotated[
        Literal["letters", "words"],
        key(
            "What two people compare: four letters and digits, or two words. Words are English, "
            "and both telephones must want them; else it is letters.",
            example="words",
        ),
    ] = "letters"
    remember_days: Annotated[
        Days | None,
        key(
            "For how many days after a call the other telephone is recognised; 0: not at all, "
            "and people compare in every call. Left out: for ever.",
            example=365,
        ),
    ] = None


class Store(Section, frozen=True):
    """Where the phone keeps what it must not forget."""

    directory: Annotated[
        FilePath,
        key(
            "A folder that the phone alone may write: volumes, call lists, secrets shared with "
            "other telephones, the lower bound of the time. "
            "A relative path counts from the settings' folder.",
            example="/var/lib/offhook",
        ),
    ] = "/var/lib/offhook"


class Settings(Section, frozen=True):
    """An immutable snapshot of everything that can be set."""

    accounts: Annotated[
        tuple[Account, ...],
        key("The phone's accounts, as [[accounts]] tables.", example=[{"name": "home"}]),
    ]
    trust: Annotated[
        Trust,
        key("Whom the phone believes, as [trust].", example={"anchors": ["/etc/offhook/ca.pem"]}),
    ]
    signalling: Annotated[
        Signalling, key("How SIP travels, as [signalling].", example={"dscp": 24})
    ] = Signalling()
    media: Annotated[Media, key("How speech travels, as [media].", example={"dscp": 46})] = Media()
    zrtp: Annotated[
        Zrtp, key("How people make sure of each other, as [zrtp].", example={"compare": "words"})
    ] = Zrtp()
    line: Annotated[
        LineSettings, key("How people dial here, as [line].", example={"country": "DE"})
    ] = LineSettings()
    sound: Annotated[
        SoundSettings,
        key("What the handset is heard by, as [sound].", example={"card": "USB Audio"}),
    ] = SoundSettings()
    handset: Annotated[
        HandsetSettings,
        key(
            "Where keys, hook, lamps and bell are, as [handset].",
            example={"profile": "/usr/share/offhook/profiles/keypad-3x4.toml"},
        ),
    ] = HandsetSettings()
    store: Annotated[
        Store,
        key("Where state is kept, as [store].", example={"directory": "/var/lib/offhook"}),
    ] = Store()

    def account(self, name: str) -> Account:
        """The account called `name`. Raises LocalError if there is none."""
        for each in self.accounts:
            if each.name == name:
                return each
        known = ", ".join(each.name for each in self.accounts) or "none"
        raise LocalError(f"there is no account {name!r}; accounts: {known}")

    def check(self) -> Iterable[Defect]:
        """There is an account, and no two have one name or one address."""
        if not self.accounts:
            yield Defect("accounts", None, "at least one account", "Add an [[accounts]] table.")
        names: set[str] = set()
        for index, account in enumerate(self.accounts):
            if account.name in names:
                yield Defect(
                    f"accounts.[{index}].name",
                    account.name,
                    "a name that no other account has",
                    "Give each account a name of its own.",
                )
            names.add(account.name)


def load_settings(text: str | bytes) -> Settings:
    """The settings in a TOML document. Raises SettingsInvalid with every problem found."""
    return settings_from(parse_toml(text))


def settings_from(document: Mapping[str, object]) -> Settings:
    """The settings in a parsed document. Raises SettingsInvalid with every problem found."""
    return walk(Settings, document)


SettingsInvalid = DocumentInvalid


def parse_toml(text: str | bytes) -> dict[str, object]:
    """The tables of a TOML document. Raises SettingsInvalid where it is none."""
    if len(text) > LONGEST_DOCUMENT:
        raise _no_toml("a document of at most 1 MiB", "Take out what doesn't belong there.")
    try:
        return tomllib.loads(text if isinstance(text, str) else text.decode())
    except UnicodeDecodeError as error:
        where = f"UTF-8 (octet {error.start} is not)"
        raise _no_toml(where, "Save the file as UTF-8.") from None
    except RecursionError:
        raise _no_toml("a document that isn't nested so deeply", "Flatten it.") from None
    except ValueError as error:
        # The parser's own text names the place; the document itself may hold secrets.
        raise _no_toml(f"TOML 1.0 ({_place(error)})", "Mend the syntax there.") from None


def _no_toml(expectation: str, remedy: str) -> DocumentInvalid:
    return DocumentInvalid((Problem("", show("", hidden=True), expectation, remedy),))


def _place(error: ValueError) -> str:
    _, bracket, place = str(error).rpartition("(")
    return place.rstrip(")") if bracket else "a value out of range"

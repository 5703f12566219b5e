"""Settings become the parts of a telephone: terms, credentials, trust."""

from __future__ import annotations

import base64
import binascii
import itertools
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from offhook import __version__
from offhook.app.build_ice import ice_terms
from offhook.app.keepsakes import CallKeepsakes
from offhook.base.errors import LocalError
from offhook.base.randomness import Randomness, token
from offhook.base.schema import settings as schema
from offhook.base.schema.fields import split_host_port
from offhook.base.schema.trunk_profile import TrunkProfile
from offhook.base.vocabulary import PeerVerdict
from offhook.phone.call.account import Account, AccountTerms, Keepsakes
from offhook.protocols.keying.methods import Keying
from offhook.protocols.keying.sdes_policy import SdesPolicy
from offhook.protocols.media.codecs import available_codecs, playable
from offhook.protocols.media.opus import OpusTerms
from offhook.protocols.sdp.negotiation import MediaPolicy, Minimum
from offhook.protocols.sip.agent import Identity, UserAgent
from offhook.protocols.sip.digest import DigestClient
from offhook.protocols.sip.keepalive import KeepAlive
from offhook.protocols.sip.registration import RegistrationPolicy
from offhook.protocols.sip.uri import SipUri
from offhook.protocols.trust.peer_identity import (
    Judge,
    PeerPolicy,
    issued,
    make_judge,
    policy_id,
)
from offhook.shells.net.tls import ClientCertificate, TlsSettings
from offhook.shells.store.atomic import StoreError
from offhook.shells.store.clock import WallClock
from offhook.shells.store.settings_file import TrustFiles
from offhook.shells.store.vault import Vault

_PEM_CRL: Final = re.compile(rb"-----BEGIN X509 CRL-----([^-]*)-----END X509 CRL-----", re.DOTALL)
_CLOCK_FLOOR: Final = "clock-floor"
_LOG: Final = logging.getLogger(__name__)


def _playable(account: schema.Account) -> tuple[str, ...]:
    """The account's codecs that this phone has the libraries for; LocalError if there is none."""
    codecs = playable(account.trunk.codecs)
    if not codecs:
        known = available_codecs()
        whys = "; ".join(f"{name}: {known.get(name)}" for name in account.trunk.codecs)
        raise LocalError(f"account {account.name} has no codec that this phone can play: {whys}")
    return codecs


def media_policy(trunk: TrunkProfile, codecs: tuple[str, ...]) -> MediaPolicy:
    """What a trunk's calls may agree to; LocalError where its terms contradict each other."""
    sdes = SdesPolicy(trunk.suites, short_tags=trunk.short_tags)
    return MediaPolicy(
        sdes=sdes if Keying.SDES.value in trunk.keyings else None,
        dtls=Keying.DTLS.value in trunk.keyings,
        zrtp=Keying.ZRTP.value in trunk.keyings,
        minimum=Minimum(trunk.minimum),
        codecs=codecs,
        rtcp_mux=trunk.rtcp_mux,
        ptime_ms=trunk.ptime_ms,
    )


def witnessing(judge: Judge, clock: WallClock) -> Judge:
    """`judge`, whose accepted chains raise the clock's lower bound to when the leaf was issued."""

    def judged(chain: tuple[bytes, ...], service_name: str, wall_time: float) -> PeerVerdict:
        verdict = judge(chain, service_name, wall_time)
        if verdict.accepted:
            try:
                clock.witness(issued(chain))
            except StoreError as error:
                _LOG.warning("%s; the lower bound of the time is lost at the next start", error)
        return verdict

    return judged


def crl_ders(file: bytes) -> list[bytes]:
    """The lists in a file, in DER; a PEM file may hold several (RFC 7468 §7). LocalError."""
    if b"-----BEGIN" not in file:
        return [file]
    try:
        return [base64.b64decode(block) for block in _PEM_CRL.findall(file)]
    except binascii.Error as error:
        raise LocalError(f"a revocation list under trust.crls is no PEM: {error}") from None


@dataclass(frozen=True, slots=True)
class Builder:
    """Makes each account's parts from one snapshot of the settings."""

    settings: schema.Settings
    files: TrustFiles
    vault: Vault
    randomness: Randomness
    folder: Path
    """Where relative paths of the settings count from."""

    def keepsakes(self) -> CallKeepsakes:
        """What calls leave for later ones."""
        zrtp = self.settings.zrtp
        return CallKeepsakes(
            self.folder / self.settings.store.directory,
            self.vault,
            self.randomness,
            self.wall_clock(),
            words=zrtp.compare == "words",
            keep_s=None if zrtp.remember_days is None else zrtp.remember_days * 86400,
        )

    def accounts(self, keepsakes: Keepsakes) -> tuple[Account, ...]:
        """One machine for each account; they share session numbers and `keepsakes`.

        Raises LocalError where a secret can't be had.
        """
        sessions = itertools.count(1)
        return tuple(self._account(each, sessions, keepsakes) for each in self.settings.accounts)

    def tls(self, account: schema.Account) -> TlsSettings:
        """What the account's flow is judged by. Raises LocalError where the key can't be had."""
        trust, signalling = self.settings.trust, self.settings.signalling
        policy = PeerPolicy(
            wildcard_allowed=account.trunk.wildcard_certificate,
            crls=tuple(der for file in self.files.crls for der in crl_ders(file)),
            crl_required=trust.crl_required,
        )
        clock = self.wall_clock()
        return TlsSettings(
            service_name=account.proven_name,
            anchors=self.files.anchors,
            judge=witnessing(make_judge(policy), clock),
            policy_id=policy_id(policy, self.files.anchors),
            client_certificate=self._client_certificate(),
            dscp=signalling.dscp,
            wall_time=clock,
            handshake_timeout_s=signalling.handshake_timeout_s,
        )

    def wall_clock(self) -> WallClock:
        """The date, never before the kept lower bound."""
        return WallClock(self.folder / self.settings.store.directory / _CLOCK_FLOOR)

    def _client_certificate(self) -> ClientCertificate | None:
        source = self.settings.trust.client_key
        if self.files.client_certificate is None or source is None:
            return None
        return ClientCertificate(self.files.client_certificate, self.vault.fetch(source))

    def _account(
        self, account: schema.Account, sessions: Iterator[int], keepsakes: Keepsakes
    ) -> Account:
        trunk, media = account.trunk, self.settings.media
        terms = AccountTerms(
            name=account.name,
            domain=account.domain,
            server=None if account.server is None else split_host_port(account.server),
            policy=media_policy(trunk, _playable(account)),
            media_host=media.local_host,
            media_dscp=media.dscp,
            user=account.user,
            register=account.register,
            ice=ice_terms(media, self.files, self.vault),
            opus=OpusTerms(bit_rate=trunk.opus_bitrate, complexity=trunk.opus_complexity),
        )
        return Account(terms, self._agent(account), self.randomness, sessions, keepsakes)

    def _agent(self, account: schema.Account) -> UserAgent:
        trunk = account.trunk
        identity = Identity(
            aor=SipUri("sip", account.user, account.domain),
            display_name=account.display_name,
            contact_user=token(self.randomness, 8),
            user_agent=f"Offhook/{__version__}",
        )
        registration = RegistrationPolicy(expires_s=trunk.register_expires_s)
        return UserAgent(
            identity,
            self._digest(account),
            self.randomness,
            registration=registration if account.register else None,
            keepalive=KeepAlive(
                self.randomness,
                upper_s=trunk.ping_interval_s,
                pong_required=trunk.pong_required,
            ),
        )

    def _digest(self, account: schema.Account) -> DigestClient | None:
        if account.password is None:
            return None
        return DigestClient(
            account.auth_user or account.user,
            self.vault.fetch(account.password),
            account.realm,
            account.trunk.digest,
            randomness=self.randomness,
            registers=account.register,
        )

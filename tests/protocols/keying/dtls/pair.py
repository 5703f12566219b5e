"""Two associations and the link between them, for tests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from offhook.protocols.keying.dtls.association import DtlsAssociation
from offhook.protocols.keying.dtls.events import DtlsEvent, DtlsKeysReady
from offhook.protocols.keying.dtls.identity import make_identity
from offhook.protocols.keying.dtls.setup import Role

BEGAN = 1_700_000_000.0
YEAR = 365 * 86400.0

OURS = make_identity(BEGAN, BEGAN + 10 * YEAR)
THEIRS = make_identity(BEGAN, BEGAN + 10 * YEAR)
STRANGER = make_identity(BEGAN, BEGAN + 10 * YEAR)

Wire = Callable[[list[bytes]], Iterable[bytes]]


def straight(datagrams: list[bytes]) -> Iterable[bytes]:
    return datagrams


def events_of(association: DtlsAssociation) -> list[DtlsEvent]:
    found = []
    while (event := association.next_event()) is not None:
        found.append(event)
    return found


@dataclass
class Pair:
    """The active one and the passive one; every datagram sent is kept in `sent`."""

    active: DtlsAssociation = field(default_factory=lambda: DtlsAssociation(OURS, Role.ACTIVE))
    passive: DtlsAssociation = field(default_factory=lambda: DtlsAssociation(THEIRS, Role.PASSIVE))
    now: float = 100.0
    sent: list[tuple[Role, bytes]] = field(default_factory=list)
    told: dict[Role, list[DtlsEvent]] = field(
        default_factory=lambda: {Role.ACTIVE: [], Role.PASSIVE: []}
    )

    def introduce(self) -> None:
        """Each side's fingerprint comes to the other."""
        self.active.set_remote([THEIRS.fingerprint()], self.now)
        self.passive.set_remote([OURS.fingerprint()], self.now)

    def start(self) -> None:
        self.passive.start(self.now)
        self.active.start(self.now)

    def exchange(self, there: Wire = straight, back: Wire = straight) -> bool:
        """Carry what waits, once in each direction; whether anything was carried."""
        moved = False
        for source, target, wire in (
            (self.active, self.passive, there),
            (self.passive, self.active, back),
        ):
            datagrams = source.datagrams_to_send()
            self.sent += [(source.role, each) for each in datagrams]
            for datagram in wire(datagrams):
                moved = True
                target.receive_datagram(datagram, self.now)
        for each in (self.active, self.passive):
            self.told[each.role] += events_of(each)
        return moved

    def run(self, there: Wire = straight, back: Wire = straight) -> None:
        """Carry until nothing waits."""
        for _ in range(50):
            if not self.exchange(there, back):
                return
        raise AssertionError("the two never come to rest")

    def run_in_real_time(self, limit_s: float, there: Wire, back: Wire) -> None:
        """Carry, with the clock that OpenSSL has, until both have keys."""
        start = time.monotonic()
        while time.monotonic() - start < limit_s:
            self.now = time.monotonic()
            for each in (self.active, self.passive):
                deadline = each.deadline()
                if deadline is not None and deadline <= self.now:
                    each.tick(self.now)
            self.exchange(there, back)
            if all(self.told.values()):
                return
            time.sleep(0.002)

    def keys(self, role: Role) -> DtlsKeysReady:
        (event,) = self.told[role]
        assert isinstance(event, DtlsKeysReady), event
        return event


def met() -> Pair:
    """Two that have completed a handshake without trouble."""
    pair = Pair()
    pair.introduce()
    pair.start()
    pair.run()
    return pair

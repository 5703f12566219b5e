"""How long a registration waits for what (RFC 3261 §10.2.4, §20.33; RFC 5626 §4.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook.base.randomness import Randomness, fraction
from offhook.protocols.sip.backoff import Backoff
from offhook.protocols.sip.registration_answer import retry_after

if TYPE_CHECKING:
    from offhook.protocols.sip.message import Response
    from offhook.protocols.sip.registration_events import RegistrationPolicy


class RegistrationWaits:
    """The waits that `policy` asks for, all in s and all with jitter."""

    def __init__(self, policy: RegistrationPolicy, randomness: Randomness) -> None:
        self._policy = policy
        self._randomness = randomness
        self._backoff = Backoff(
            randomness, base_s=policy.backoff_base_s, max_s=policy.backoff_max_s
        )

    def refresh(self, granted_s: int) -> float:
        """From a success that granted `granted_s` to the next REGISTER."""
        self._backoff.success()
        policy = self._policy
        margin_s = max(policy.margin_s, granted_s / 10) * self._jitter()
        wait_s = max(granted_s - margin_s, granted_s * 0.4, policy.shortest_s)
        return min(wait_s, float(policy.longest_s))

    def retry(self, response: Response | None) -> float:
        """After a failure that may pass.

        A Retry-After can lengthen the wait. One of 0 s asks for an immediate retry (RFC 5626
        §4.2.1), which is granted once: a server that says nothing else meets the back-off.
        """
        wait_s = self._backoff.failure()
        asked_s = None if response is None else retry_after(response)
        if asked_s is None:
            return wait_s
        if asked_s == 0 and self._backoff.failures == 1:
            return 0.0
        return max(wait_s, self._followed(asked_s))

    def retry_refused(self, response: Response | None) -> float:
        """After a failure that won't pass by itself."""
        asked_s = None if response is None else retry_after(response)
        return max(self._policy.refused_retry_s * self._jitter(), self._followed(asked_s or 0))

    def _followed(self, asked_s: int) -> float:
        return float(min(asked_s, self._policy.longest_s))

    def _jitter(self) -> float:
        return 1.0 + fraction(self._randomness) / 5

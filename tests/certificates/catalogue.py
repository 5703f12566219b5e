"""Every certificate case there is, each name once."""

from __future__ import annotations

from tests.certificates.case import Case
from tests.certificates.flawed_chains import FLAWED_CHAINS
from tests.certificates.flawed_contents import FLAWED_CONTENTS
from tests.certificates.flawed_names import FLAWED_NAMES
from tests.certificates.sound import SOUND

CASES: tuple[Case, ...] = (*SOUND, *FLAWED_NAMES, *FLAWED_CHAINS, *FLAWED_CONTENTS)

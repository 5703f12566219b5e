"""Erases what the telephone has learned, as `phone.line.reset` says.

This is no full factory reset, and none is claimed: accounts, passwords, keys and trust are files of
the administrator, which the phone only reads and nothing here touches. Once the phone keeps keys
and settings of its own (a vault, a bundle loaded by provisioning), a full reset has to erase those
too, and to unregister first, so that the trunk forgets where the phone was. Nor is anything
overwritten: on flash memory that would not reach the old blocks.
"""

from __future__ import annotations

import os
from pathlib import Path

from offhook.phone.line.reset import STORE
from offhook.shells.store.atomic import StoreError, sweep, sync_folder


def erase_learned(store: Path) -> tuple[str, ...]:
    """Erase in the folder `store` what is the person's; the names of the files that were there.

    What a power cut left unfinished there goes too: it may be a part of such a file. Every file is
    tried, then StoreError is raised if one could not be erased. A power cut after this returns
    brings none of them back.
    """
    erased: list[str] = []
    faults: list[str] = []
    for entry in STORE:
        path = store / entry.name
        if not entry.erased or not os.path.lexists(path):
            continue
        try:
            path.unlink()
        except OSError as error:
            faults.append(f"can't erase {path}: {error.strerror or error}")
        else:
            erased.append(entry.name)
    try:
        sweep(store)
        sync_folder(store)
    except (StoreError, OSError) as error:
        faults.append(str(error))
    if faults:
        raise StoreError("; ".join(faults))
    return tuple(erased)

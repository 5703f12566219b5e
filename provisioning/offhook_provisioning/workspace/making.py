"""Makes a workspace, moves it into one encrypted file and back, and takes the company's CA in."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding

from offhook.base.errors import LocalError
from offhook.base.secret import Secret
from offhook_provisioning.crypto.authority import (
    checked_chain,
    new_key,
    self_signed,
    signing_request,
)
from offhook_provisioning.crypto.sealing import (
    Identity,
    SealBroken,
    open_by_passphrase,
    seal,
    seal_by_passphrase,
)
from offhook_provisioning.crypto.signing import SigningKey
from offhook_provisioning.workspace.disk import PRIVATE, TEMPORARY, Disk, read
from offhook_provisioning.workspace.keys import (
    CA_KEY,
    IDENTITY,
    Keys,
    check_passphrase,
    operator_file,
    sealed_identity,
)
from offhook_provisioning.workspace.lock import LOCK
from offhook_provisioning.workspace.toml_text import to_toml
from offhook_provisioning.workspace.workspace import (
    CHAIN,
    CSR,
    GITIGNORE,
    MARK,
    Marked,
    Workspace,
)

_LEFT_OUT: Final = ("out", ".git")
_MOST: Final = 1 << 28


def make(
    root: Path, name: str, passphrase: Secret, now: float, *, company: bool, disk: Disk
) -> Workspace:
    """A new workspace at `root`; `company`: its CA waits for the company's signature.

    Writes its mark last: until then the folder is none, and the command can be said again.
    Raises LocalError, also where keys of a workspace would be replaced by new ones.
    """
    check_passphrase(passphrase)
    _check_new(root)
    workspace = Workspace(root, disk)
    identity, operator, ca_key = Identity.generate(), SigningKey.generate(), new_key()
    disk.folder(root / "private", 0o700)
    disk.folder(root / "state", 0o700)
    disk.write(root / IDENTITY, sealed_identity(identity, passphrase), PRIVATE)
    keys = {operator_file(operator.public): operator.octets, CA_KEY: ca_key}
    for file, secret in keys.items():
        disk.write(root / file, seal(secret, identity.recipient), PRIVATE)
    title = f"{name} telephones"
    if company:
        disk.write(root / CSR, signing_request(title, ca_key))
    else:
        certificate = self_signed(title, ca_key, now)
        disk.write(root / CHAIN, certificate.public_bytes(Encoding.PEM))
    if not (root / "fleet.toml").exists():
        disk.write(root / "fleet.toml", _first_fleet(name).encode())
    disk.write(root / ".gitignore", _ignoring(root / ".gitignore"))
    workspace.mark(
        Marked(format=1, recipient=identity.recipient, operator=(operator.public.hex(),))
    )
    return workspace


def _check_new(root: Path) -> None:
    """Raises LocalError where another operator was faster, or where a workspace lost its mark."""
    if (root / MARK).exists():
        raise LocalError(f"{root} is a workspace already: nothing was changed")
    for used in ("devices", "private/secrets", "state"):
        if any((root / used).glob("*")):
            raise LocalError(
                f"{root} holds {used} of a workspace that lost {MARK}: new keys would make all of "
                "it worthless. Bring that file back from git or a backup, or name an empty folder"
            )


def _ignoring(path: Path) -> bytes:
    """What stands in .gitignore already, and what no repository may take in."""
    lines = read(path).decode("utf-8", "replace").splitlines() if path.is_file() else []
    lines += [each for each in GITIGNORE.splitlines() if each not in lines]
    return "".join(f"{each}\n" for each in lines).encode()


def _first_fleet(name: str) -> str:
    anchors = {"anchors": ["/etc/ssl/certs/ca-certificates.crt"]}
    document = {
        "name": name,
        "settings": {"trust": anchors, "line": {"country": "DE"}},
        "ticket": {"days": 14, "enrolment": {"by": "card"}},
    }
    return "# What all phones share. No secret stands here.\n" + to_toml(document)


def install_chain(keys: Keys, pem: bytes, now: float) -> bool:
    """Take the company's certificate of our CA, with those above it; whether it is a new one."""
    chain = checked_chain(pem, keys.opened(CA_KEY), now)
    octets = b"".join(each.public_bytes(Encoding.PEM) for each in chain)
    return keys.workspace.disk.write(keys.workspace.root / CHAIN, octets)


def backup(workspace: Workspace, target: Path, passphrase: Secret) -> int:
    """Everything but `out/` into one age file behind the passphrase; how many files.

    It is opened again before this returns. Raises LocalError.
    """
    Keys.unlock(workspace, passphrase)
    files = _files(workspace.root)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        for name, (octets, mode) in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(octets), mode
            archive.addfile(entry, io.BytesIO(octets))
    sealed = seal_by_passphrase(Secret(packed.getvalue()), passphrase)
    if target.resolve().is_relative_to(workspace.root.resolve()):
        raise LocalError("the backup would lie in the workspace itself: name a place elsewhere")
    Disk().write(target, sealed, PRIVATE)
    if _unpacked(read(target), passphrase) != files:
        raise LocalError(f"{target} does not hold what was written: try another place")
    return len(files)


def restore(source: Path, root: Path, passphrase: Secret, disk: Disk) -> int:
    """A backup into an empty folder; how many files. The mark comes last.

    What an interrupted one wrote may be there. Raises LocalError before a file is replaced.
    """
    if (root / MARK).exists():
        raise LocalError(f"{root} is a workspace already: name an empty folder")
    files = _unpacked(read(source), passphrase)
    if MARK not in files:
        raise LocalError(f"{source} is no backup of a workspace")
    for name, (octets, _) in files.items():
        if (root / name).exists() and read(root / name) != octets:
            raise LocalError(f"{root / name} is there, and is another one: name an empty folder")
    for name in sorted(files, key=lambda each: each == MARK):
        octets, mode = files[name]
        disk.write(root / name, octets, mode)
    Keys.unlock(Workspace.at(root, disk), passphrase)
    return len(files)


def fingerprint(workspace: Workspace) -> str:
    """A short digest of the operator's keys, to be compared over the telephone."""
    digest = hashlib.sha256(b"".join(workspace.operator_keys)).hexdigest()[:20]
    return " ".join(digest[at : at + 4] for at in range(0, 20, 4))


def _files(root: Path) -> dict[str, tuple[bytes, int]]:
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_symlink() or not path.is_file() or name.split("/")[0] in _LEFT_OUT:
            continue
        if name == LOCK or path.name.startswith(TEMPORARY):
            continue
        found[name] = (read(path), path.stat().st_mode & 0o777)
    return found


def _unpacked(sealed: bytes, passphrase: Secret) -> dict[str, tuple[bytes, int]]:
    try:
        packed = open_by_passphrase(sealed, passphrase).reveal()
    except SealBroken as error:
        raise LocalError(f"the backup can't be opened: {error}") from None
    found = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
            for entry in archive:
                content = archive.extractfile(entry)
                parts = Path(entry.name).parts
                if content is None or ".." in parts or Path(entry.name).is_absolute():
                    raise LocalError(f"the backup holds {entry.name!r}, which no workspace has")
                found[entry.name] = (content.read(_MOST), entry.mode & 0o700 | entry.mode & 0o044)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise LocalError(f"the backup is damaged: {error}") from None
    return found

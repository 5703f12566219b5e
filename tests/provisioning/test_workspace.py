from __future__ import annotations

import fcntl
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from tests.project.tree import ROOT
from tests.provisioning.conftest import PASSPHRASE, Office, Pristine
from tests.provisioning.maker import NOW, Phone

from offhook.base.errors import LocalError
from offhook.base.schema.settings import parse_toml
from offhook.base.secret import Secret
from offhook_provisioning.crypto import authority as making_ca
from offhook_provisioning.crypto.sealing import SealBroken, open_by_passphrase, seal_by_passphrase
from offhook_provisioning.fleet.apply import apply
from offhook_provisioning.workspace.disk import Disk, DiskError
from offhook_provisioning.workspace.keys import CA_KEY, Keys
from offhook_provisioning.workspace.lock import Busy, locked
from offhook_provisioning.workspace.making import backup, install_chain, make, restore
from offhook_provisioning.workspace.toml_text import to_toml
from offhook_provisioning.workspace.workspace import CSR, Workspace

Furnished = tuple[Office, dict[str, Phone]]


class PowerCut(BaseException):
    """The machine stops here."""


def test_private_files_are_their_owners_alone(furnished: Furnished) -> None:
    office, _ = furnished
    for folder in ("private", "state"):
        assert stat.S_IMODE((office.root / folder).stat().st_mode) == 0o700
        for path in (office.root / folder).rglob("*"):
            wanted = 0o700 if path.is_dir() else 0o600
            assert stat.S_IMODE(path.stat().st_mode) == wanted, path


def test_what_is_fit_for_git_holds_no_private_file(furnished: Furnished) -> None:
    office, _ = furnished
    subprocess.run(["git", "init", "-q", office.root], check=True)
    told = subprocess.run(
        ["git", "status", "--porcelain", "-uall"], cwd=office.root, check=True, capture_output=True
    ).stdout.decode()
    names = {line[3:].split("/")[0] for line in told.splitlines()}
    assert names == {".gitignore", "devices", "fleet.toml", "public"}


@pytest.mark.parametrize("at", range(0, 60, 4))
def test_an_init_that_was_cut_short_is_no_workspace_and_can_be_said_again(
    tmp_path: Path, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The passphrase's second of work is not what this is about.
    monkeypatch.setattr(
        "offhook_provisioning.workspace.making.sealed_identity",
        lambda identity, _: identity.text.reveal(),
    )
    acts = 0

    def fuse(_what: str, _path: Path) -> None:
        nonlocal acts
        acts += 1
        if acts > at:
            raise PowerCut

    terms = ("Example", Secret(PASSPHRASE), NOW)
    try:
        make(tmp_path / "w", *terms, company=False, disk=Disk(fuse))
    except PowerCut:
        with pytest.raises(LocalError, match="is no workspace"):
            Workspace.at(tmp_path / "w")
        make(tmp_path / "w", *terms, company=False, disk=Disk())
    assert Workspace.at(tmp_path / "w").fleet.name == "Example"


def test_a_short_passphrase_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="six words"):
        make(tmp_path / "w", "Example", Secret("123456789"), NOW, company=False, disk=Disk())
    assert not (tmp_path / "w").exists()


def test_a_wrong_passphrase_opens_nothing_and_says_so(pristine: Pristine) -> None:
    with pytest.raises(LocalError, match="passphrase is wrong"):
        Keys.unlock(Workspace.at(pristine.root), Secret("not these six words"))


def test_a_backup_brings_everything_back_to_another_folder(
    furnished: Furnished, tmp_path: Path
) -> None:
    office, phones = furnished
    target, elsewhere = tmp_path / "backup.age", tmp_path / "elsewhere"
    backup(office.workspace, target, Secret(PASSPHRASE))
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert b"trunk password" not in target.read_bytes()
    with pytest.raises(LocalError, match="passphrase is wrong"):
        restore(target, elsewhere, Secret("not these six words"), Disk())
    assert not elsewhere.exists()
    restore(target, elsewhere, Secret(PASSPHRASE), Disk())
    other = Office(Keys(Workspace.at(elsewhere), office.keys.identity))
    kept = {name: octets for name, octets in office.files().items() if not name.startswith("out/")}
    assert other.files() == kept
    apply(other.keys, NOW)
    assert other.accepted(phones["desk-1"], counter=1).header.counter == 2
    with pytest.raises(LocalError, match="is a workspace already"):
        restore(target, office.root, Secret(PASSPHRASE), Disk())


def test_work_that_would_take_hours_is_not_begun() -> None:
    sealed = seal_by_passphrase(Secret("x"), Secret(PASSPHRASE))
    line = next(each for each in sealed.split(b"\n") if each.startswith(b"-> scrypt"))
    costly = sealed.replace(line, line.rsplit(b" ", 1)[0] + b" 30", 1)
    with pytest.raises(SealBroken, match="faster machine"):
        open_by_passphrase(costly, Secret(PASSPHRASE))


def test_a_backup_into_the_workspace_itself_is_refused(office: Office) -> None:
    with pytest.raises(LocalError, match="elsewhere"):
        backup(office.workspace, office.root / "backup.age", Secret(PASSPHRASE))


def company_ca() -> tuple[x509.Certificate, Secret]:
    key = making_ca.new_key()
    private = making_ca.load_key(key)
    root = (
        making_ca._begun("Company", name("Company"), private.public_key(), NOW - 1, NOW + 1e9)
        .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
        .add_extension(making_ca._usage("key_cert_sign", "crl_sign"), critical=True)
        .sign(private, hashes.SHA256())
    )
    return root, key


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def test_a_companys_ca_signs_ours_and_phones_take_what_it_issues(office: Office) -> None:
    root, key = company_ca()
    (office.root / CSR).write_bytes(making_ca.signing_request("Ours", office.keys.opened(CA_KEY)))
    (office.root / "public" / "ca.pem").unlink()
    office.add("desk-1")
    with pytest.raises(LocalError, match="ca install"):
        apply(office.keys, NOW)
    csr = x509.load_pem_x509_csr((office.root / CSR).read_bytes())
    ours = (
        making_ca._begun("Ours", root.subject, csr.public_key(), NOW - 1, NOW + 1e9)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(making_ca._usage("key_cert_sign", "crl_sign"), critical=True)
        .add_extension(making_ca._authority_key(making_ca.load_key(key)), critical=False)
        .sign(making_ca.load_key(key), hashes.SHA256())
    )
    pem = [each.public_bytes(serialization.Encoding.PEM) for each in (ours, root)]
    for wrong in (pem[1] + pem[0], pem[0], b"nothing"):
        with pytest.raises(LocalError):
            install_chain(office.keys, wrong, NOW)
    assert install_chain(office.keys, b"".join(pem), NOW)
    assert not install_chain(office.keys, b"".join(pem), NOW)
    phone = office.enrol("desk-1")
    apply(office.keys, NOW)
    assert len(office.accepted(phone).content.certificate) == 3


def test_of_two_operators_at_once_one_is_told_who_is_at_work(office: Office) -> None:
    with locked(office.root):
        program = (
            "import sys; from pathlib import Path; "
            "from offhook_provisioning.workspace.lock import Busy, locked\n"
            "try:\n with locked(Path(sys.argv[1])): print('in')\n"
            "except Busy as busy: print(busy)"
        )
        told = subprocess.run(
            [sys.executable, "-c", program, office.root],
            env={"PYTHONPATH": f"{ROOT / 'firmware'}:{ROOT / 'provisioning'}"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert "is at work in" in told
        assert "nothing was changed" in told
        with pytest.raises(Busy), locked(office.root):
            pass
    with locked(office.root):
        pass


def test_a_lock_dies_with_its_holder(office: Office) -> None:
    with (office.root / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
    with locked(office.root):
        pass


def test_a_file_that_has_its_content_already_is_not_written(tmp_path: Path) -> None:
    disk = Disk()
    assert disk.write(tmp_path / "a" / "b", b"x", 0o600)
    assert not disk.write(tmp_path / "a" / "b", b"x", 0o600)
    assert disk.write(tmp_path / "a" / "b", b"x", 0o644)
    assert disk.write(tmp_path / "a" / "b", b"y", 0o644)
    assert len(disk.changed) == 3


def test_a_place_that_cant_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DiskError, match="file/x"):
        Disk().write(tmp_path / "file" / "x", b"")


def test_settings_written_as_toml_are_read_as_they_were() -> None:
    document = {
        "a": 'quotes " \\ and \x7f and \n',
        "b": [1, 2.5, True],
        "table": {"1": "+49", "odd key": {"deep": ["x"]}},
        "accounts": [{"name": "one", "password": {"file": "secrets/one"}}, {"name": "two"}],
    }
    assert parse_toml(to_toml(document)) == document

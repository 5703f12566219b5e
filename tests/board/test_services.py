"""What every service of ours must have, and what the image must not have."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from collections import defaultdict
from pathlib import Path

import pytest
from tests.project.tree import ROOT

from offhook.app.clock_floor import USUAL
from offhook.app.commands.session import DEFAULT_SETTINGS
from offhook.app.control import SYSTEM_SOCKET
from offhook.app.engine.urgency import SOUND_PRIORITY

ROOTFS = ROOT / "board" / "rootfs"
UNITS = ROOTFS / "usr/lib/systemd/system"
SERVICES = sorted(path.name for path in UNITS.glob("offhook*.service"))
SIGNALLING, ENGINE, CLOCK = "offhook.service", "offhook-engine.service", "offhook-clock.service"
LONG_RUNNING = (SIGNALLING, ENGINE)

HARDENED = {
    "CapabilityBoundingSet": {SIGNALLING: "", ENGINE: "", CLOCK: "CAP_SYS_TIME"},
    "AmbientCapabilities": {SIGNALLING: "", ENGINE: "", CLOCK: "CAP_SYS_TIME"},
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "ProtectProc": "invisible",
    "PrivateTmp": "yes",
    "PrivateIPC": "yes",
    "ProtectControlGroups": "yes",
    "ProtectHostname": "yes",
    "ProtectKernelLogs": "yes",
    "ProtectKernelModules": "yes",
    "ProtectKernelTunables": "yes",
    "KeyringMode": "private",
    "LockPersonality": "yes",
    "MemoryDenyWriteExecute": "yes",
    "RemoveIPC": "yes",
    "RestrictNamespaces": "yes",
    "RestrictSUIDSGID": "yes",
    "SystemCallArchitectures": "native",
    "LimitCORE": "0",
    "UMask": "0077",
}

Unit = dict[str, list[str]]


def unit(name: str) -> Unit:
    """The values of every key, as they stand."""
    found: Unit = defaultdict(list)
    for line in (UNITS / name).read_text().splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith(("#", ";")):
            found[key].append(value)
    return found


def words(name: str, key: str) -> list[str]:
    return " ".join(unit(name)[key]).split()


def test_the_services_are_those_that_this_knows() -> None:
    assert sorted((SIGNALLING, ENGINE, CLOCK)) == SERVICES


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("key", HARDENED)
def test_every_service_of_ours_is_confined(service: str, key: str) -> None:
    wanted = HARDENED[key]
    assert unit(service)[key] == [wanted[service] if isinstance(wanted, dict) else wanted]


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_a_user_of_its_own_bounds_and_few_calls(service: str) -> None:
    found = unit(service)
    assert found["User"][0].startswith("offhook")
    assert found["MemoryMax"]
    assert found["TasksMax"]
    assert found["SystemCallFilter"][0].startswith("@system-service")
    assert any(value.startswith("~@privileged") for value in found["SystemCallFilter"])
    families = set(words(service, "RestrictAddressFamilies"))
    assert families <= {"AF_INET", "AF_INET6", "AF_UNIX", "none"}


@pytest.mark.parametrize("service", LONG_RUNNING)
def test_a_service_that_talks_is_watched_and_never_given_up(service: str) -> None:
    found = unit(service)
    assert found["Type"] == ["notify"]
    assert found["NotifyAccess"] == ["main"]
    assert int(found["WatchdogSec"][0]) <= 30
    assert found["Restart"] == ["always"]
    assert found["StartLimitIntervalSec"] == ["0"]
    assert found["WantedBy"] == ["multi-user.target"]


def test_the_two_processes_are_two_users_and_only_one_has_the_secrets() -> None:
    signalling, engine = unit(SIGNALLING), unit(ENGINE)
    assert signalling["User"] != engine["User"]
    assert signalling["LoadCredential"]
    assert not [key for key in engine if "Credential" in key]
    assert "/var/lib/offhook" in engine["InaccessiblePaths"]
    assert not engine["ReadWritePaths"]
    assert "offhook" not in words(ENGINE, "SupplementaryGroups")


def test_each_process_reaches_its_own_devices_and_no_others() -> None:
    for service, device in ((SIGNALLING, "char-gpiochip rw"), (ENGINE, "char-alsa rw")):
        assert unit(service)["DevicePolicy"] == ["closed"]
        assert unit(service)["DeviceAllow"] == [device]
    assert unit(CLOCK)["PrivateDevices"] == ["yes"]


def test_nobody_can_connect_to_the_telephone() -> None:
    assert unit(SIGNALLING)["SocketBindDeny"] == ["any"]
    assert unit(ENGINE)["SocketBindDeny"] == ["ipv4:tcp", "ipv6:tcp"]
    assert unit(CLOCK)["PrivateNetwork"] == ["yes"]


def test_the_engine_may_be_urgent_as_it_asks_to_be() -> None:
    engine = unit(ENGINE)
    assert int(engine["LimitRTPRIO"][0]) >= SOUND_PRIORITY
    assert engine["LimitRTTIME"]
    assert engine["LimitMEMLOCK"] == ["infinity"]
    assert "RestrictRealtime" not in engine
    assert "@resources" not in " ".join(engine["SystemCallFilter"])
    assert unit(SIGNALLING)["RestrictRealtime"] == ["yes"]


def test_the_engine_s_socket_is_root_s_and_the_telephone_s_group_s() -> None:
    socket = unit("offhook-engine.socket")
    (path,) = socket["ListenSequentialPacket"]
    assert socket["SocketMode"] == ["0660"]
    assert socket["SocketUser"] == ["root"]
    assert socket["SocketGroup"] == unit(SIGNALLING)["Group"]
    assert f"--engine {path}" in unit(SIGNALLING)["ExecStart"][0]
    assert f"--peer-uid {unit(SIGNALLING)['User'][0]}" in unit(ENGINE)["ExecStart"][0]
    assert Path(path).parent == SYSTEM_SOCKET.parent
    assert unit(SIGNALLING)["RuntimeDirectoryPreserve"] == ["yes"], "else the socket goes with it"


def test_nothing_that_is_heard_can_be_written_down() -> None:
    for service in SERVICES:
        assert not re.search(r"--(record|play|loop)\b", " ".join(unit(service)["ExecStart"]))


def test_the_clock_is_set_before_everything_of_ours_and_before_chrony() -> None:
    before = words(CLOCK, "Before")
    assert {"sysinit.target", "chrony.service"} <= set(before)
    assert unit(CLOCK)["ExecStart"][0].endswith(str(USUAL))
    assert CLOCK in words(SIGNALLING, "After")
    assert CLOCK in words(ENGINE, "After")
    assert CLOCK in (UNITS / "chrony.service.d/offhook.conf").read_text()
    others = [name for name in SERVICES if name != CLOCK]
    assert not [name for name in others if "CAP_SYS_TIME" in (UNITS / name).read_text()]


def test_the_time_client_listens_to_nobody() -> None:
    lines = (ROOTFS / "etc/chrony/chrony.conf").read_text().splitlines()
    assert {"port 0", "cmdport 0"} <= set(lines)
    assert not [line for line in lines if line.split()[:1] in (["allow"], ["bindcmdaddress"])]
    assert "maxchange 3600 3 3" in lines
    # It ends where the time stays away, and has to be begun anew for it.
    again = (UNITS / "chrony.service.d/offhook.conf").read_text()
    assert "Restart=always" in again
    assert "StartLimitIntervalSec=0" in again


def test_no_name_server_and_no_announcement_listens_on_the_telephone() -> None:
    resolved = (ROOTFS / "usr/lib/systemd/resolved.conf.d/offhook.conf").read_text()
    for said in ("DNSStubListener=no", "LLMNR=no", "MulticastDNS=no"):
        assert said in resolved
    networks = sorted((ROOTFS / "usr/lib/systemd/network").glob("*.network"))
    assert len(networks) == 2
    for network in networks:
        text = network.read_text()
        assert "DHCP=yes" in text
        assert "LLMNR=no" in text
        assert "MulticastDNS=no" in text
        assert "ClientIdentifier=mac" in text


def test_the_journal_is_bounded_and_in_memory() -> None:
    journal = (ROOTFS / "usr/lib/systemd/journald.conf.d/offhook.conf").read_text()
    assert "Storage=volatile" in journal
    assert re.search(r"^RuntimeMaxUse=\d+M$", journal, re.MULTILINE)


def test_the_board_s_watchdog_is_within_what_a_raspberry_pi_counts_to() -> None:
    manager = (ROOTFS / "usr/lib/systemd/system.conf.d/offhook.conf").read_text()
    match = re.search(r"^RuntimeWatchdogSec=(\d+)s$", manager, re.MULTILINE)
    assert match is not None
    assert int(match[1]) <= 15


def test_nobody_can_log_in() -> None:
    masked = set(tomllib.loads((ROOT / "board/rootfs.toml").read_text())["units"]["masked"])
    assert {"getty@.service", "serial-getty@.service", "console-getty.service"} <= masked
    generator = ROOTFS / "etc/systemd/system-generators/systemd-getty-generator"
    assert str(generator.readlink()) == "/dev/null"
    texts = [path.read_text() for path in ROOTFS.rglob("*") if path.is_file()]
    assert not [text for text in texts if re.search(r"\bssh(d|\b)|ttyS|agetty", text)]
    users = (ROOTFS / "usr/lib/sysusers.d/offhook.conf").read_text().splitlines()
    made = [line for line in users if line.startswith("u ")]
    assert len(made) == 2
    assert all(line.endswith("/usr/sbin/nologin") for line in made)


def test_an_emergency_ends_in_another_start_for_nobody_can_log_in() -> None:
    emergency = unit("emergency.service.d/offhook.conf")
    assert emergency["SuccessAction"] == emergency["FailureAction"] == ["reboot-force"]
    assert emergency["ExecStart"][0] == "", "the shell that asks for root's password"
    assert len(emergency["ExecStart"]) == 2


def test_every_unit_that_is_enabled_is_ours_or_debian_s() -> None:
    described = tomllib.loads((ROOT / "board/rootfs.toml").read_text())["units"]
    ours = {path.name for path in UNITS.iterdir() if path.is_file()}
    assert ours <= set(described["enabled"])
    foreign = {"systemd-networkd.service", "systemd-resolved.service", "chrony.service"}
    assert set(described["enabled"]) - ours == foreign | {"iwd.service", "nftables.service"}


def test_what_comes_unasked_is_dropped_but_for_the_engine_s_ports() -> None:
    rules = (ROOTFS / "etc/nftables.conf").read_text()
    assert rules.count("policy drop;") == 2
    assert "flush ruleset" in rules
    opened = set(re.findall(r"dport (\S+) accept", rules))
    (engine,) = re.findall(r"--ports (\S+)", " ".join(unit("offhook-engine.service")["ExecStart"]))
    assert opened == {"68", "546", engine}
    assert "tcp" not in rules


def test_settings_are_where_the_telephone_looks_and_on_the_data_partition() -> None:
    assert DEFAULT_SETTINGS.parent == Path("/etc/offhook")
    assert str((ROOTFS / "etc/offhook").readlink()) == "/var/lib/offhook/settings"
    lines = (ROOTFS / "usr/lib/tmpfiles.d/offhook.conf").read_text().splitlines()
    kept = {line.split()[1]: line.split()[2:5] for line in lines if line.startswith("d ")}
    assert kept["/var/lib/offhook/secrets"] == ["0700", "root", "root"]
    assert kept["/var/lib/offhook/settings"] == ["0750", "root", "offhook"]
    assert kept["/var/lib/offhook"] == ["1770", "root", "offhook"], "nobody moves another's files"


@pytest.mark.parametrize("name", [*SERVICES, "offhook-engine.socket"])
def test_systemd_understands_every_unit(name: str, tmp_path: Path) -> None:
    """By the systemd of this machine, where there is one; keys that only a newer one knows pass."""
    analyze = shutil.which("systemd-analyze")
    folder = tmp_path / "usr/lib/systemd/system"
    shutil.copytree(ROOTFS, tmp_path, symlinks=True, dirs_exist_ok=True)
    (tmp_path / "usr/bin").mkdir()
    for program in ("offhook", "python3"):
        (tmp_path / "usr/bin" / program).write_text("#!/bin/sh\n")
        (tmp_path / "usr/bin" / program).chmod(0o755)
    system = Path("/usr/lib/systemd/system")
    for each in system.glob("*.target") if system.is_dir() else ():
        shutil.copy(each, folder / each.name)
    if analyze is None or not (folder / "sysinit.target").exists():
        return
    said = subprocess.run(
        [analyze, "verify", f"--root={tmp_path}", "--man=no", name],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [
        line
        for line in (said.stdout + said.stderr).splitlines()
        if name in line and not re.search(r"'(RestartSteps|RestartMaxDelaySec)'", line)
    ]
    assert lines == []


def test_control_a_unit_that_says_nothing_would_be_found(tmp_path: Path) -> None:
    bare = tmp_path / "bare.service"
    bare.write_text("[Service]\nExecStart=/bin/true\n# NoNewPrivileges=yes\n")
    assert unit(str(bare))["NoNewPrivileges"] == []

from __future__ import annotations

from pathlib import Path

import pytest
from tests.app.practice_desk import DOMAIN, PASSWORD

from offhook.app.build_ice import MOST_ANCHORS
from offhook.app.commands.session import read_builder
from offhook.base.errors import LocalError
from offhook.base.schema.settings import SettingsInvalid
from offhook.base.secret import Secret
from offhook.base.vocabulary import PathAddress
from offhook.protocols.media.path_messages import IceTerms, TurnTerms
from offhook.shells.store.settings_file import read_settings
from offhook_practice.files import PhoneAccess, write_phone_settings
from offhook_practice.pki import make_practice_pki

RELAY = """
[media.turn]
server = "192.0.2.3"
name = "turn.example.com"
user = "desk7"
password = { file = "turn-password" }
"""


def ice_of(folder: Path, media: str) -> IceTerms | None:
    """What an account's calls get from settings with this [media]."""
    files = make_practice_pki(folder, DOMAIN)
    address = PathAddress("127.0.0.1", 5061)
    access = PhoneAccess(DOMAIN, "phone", Secret(PASSWORD), address, files.ca)
    path = write_phone_settings(folder, access)
    text = path.read_text()
    path.write_text(f"{text}\n{media}")
    secret = folder / "turn-password"
    secret.write_text("relay-secret\n")
    secret.chmod(0o600)
    builder = read_builder(path)
    (account,) = builder.accounts(builder.keepsakes().of_calls)
    return account.terms.ice


def test_without_ice_nobody_is_asked(tmp_path: Path) -> None:
    assert ice_of(tmp_path, "") is None


def test_ice_alone_has_no_servers(tmp_path: Path) -> None:
    assert ice_of(tmp_path, "[media]\nice = true") == IceTerms()


def test_local_names_are_asked_for_where_the_settings_say_so(tmp_path: Path) -> None:
    terms = ice_of(tmp_path, "[media]\nice = true\nlocal_names = true")
    assert terms == IceTerms(local_names=True)


def test_the_servers_of_the_settings_are_what_ice_may_use(tmp_path: Path) -> None:
    terms = ice_of(tmp_path, '[media]\nice = true\nstun_server = "[2001:db8::3]:3479"' + RELAY)
    (anchors,) = read_settings(tmp_path / "settings.toml").trust.anchors
    assert terms == IceTerms(
        stun_server=PathAddress("2001:db8::3", 3479),
        turn_server=TurnTerms(
            address=PathAddress("192.0.2.3", 5349),
            name="turn.example.com",
            anchors=((tmp_path / anchors).read_bytes(),),
            user="desk7",
            password=Secret("relay-secret"),
        ),
    )


def test_a_relay_s_own_anchors_take_the_place_of_those_of_the_trunk(tmp_path: Path) -> None:
    (tmp_path / "relay.pem").write_bytes(b"its own")
    terms = ice_of(tmp_path, "[media]\nice = true" + RELAY + 'anchors = ["relay.pem"]')
    assert terms is not None
    assert terms.turn_server is not None
    assert terms.turn_server.anchors == (b"its own",)


def test_more_anchors_than_a_message_holds_are_refused_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "all.pem").write_bytes(b"x" * (MOST_ANCHORS + 1))
    with pytest.raises(LocalError, match=r"media\.turn\.anchors"):
        ice_of(tmp_path, "[media]\nice = true" + RELAY + 'anchors = ["all.pem"]')


@pytest.mark.parametrize(
    ("media", "where"),
    [
        ('[media]\nstun_server = "192.0.2.3"', "media.ice"),
        ("[media]\nlocal_names = true", "media.ice"),
        ('[media]\nice = true\nstun_server = "stun.example.com"', "media.stun_server"),
        ("[media]" + RELAY, "media.ice"),
        (
            "[media]\nice = true" + RELAY.replace("192.0.2.3", "turn.example.com"),
            "media.turn.server",
        ),
        ("[media]\nice = true" + RELAY.replace("192.0.2.3", "192.0.2.3:0"), "media.turn.server"),
    ],
)
def test_what_can_t_be_asked_is_found_before_a_call(tmp_path: Path, media: str, where: str) -> None:
    with pytest.raises(SettingsInvalid) as refused:
        ice_of(tmp_path, media)
    assert [each.path for each in refused.value.problems] == [where]

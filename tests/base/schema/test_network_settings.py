from __future__ import annotations

import tomllib

import pytest

from offhook.base.schema.explain import explanations
from offhook.base.schema.network_settings import NetworkSettings
from offhook.base.schema.problem import DocumentInvalid
from offhook.base.schema.walker import walk


def network(text: str) -> NetworkSettings:
    return walk(NetworkSettings, tomllib.loads(text))


def refused(text: str) -> list[str]:
    with pytest.raises(DocumentInvalid) as caught:
        network(text)
    return [problem.path for problem in caught.value.problems]


def test_nothing_said_is_dhcp_on_the_wire() -> None:
    settings = network("")
    assert settings.wired.address is None
    assert settings.wifi is None
    assert settings.secret_names == frozenset()


@pytest.mark.parametrize("address", ["192.0.2.7/24", "2001:db8::7/64"])
def test_a_fixed_address_comes_with_router_and_name_servers(address: str) -> None:
    text = f'[wired]\naddress = "{address}"\ngateway = "192.0.2.1"\ndns = ["192.0.2.1"]'
    assert network(text).wired.address == address


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('address = "192.0.2.7"', "wired.address"),
        ('address = "192.0.2.7/24"\ndns = ["192.0.2.1"]', "wired.gateway"),
        ('address = "192.0.2.7/24"\ngateway = "192.0.2.1"', "wired.dns"),
        ('address = "192.0.2.7/24"\ngateway = "192.0.2.1"\ndns = ["x"]', "wired.dns"),
        ('gateway = "192.0.2.1"', "wired.gateway"),
        ("vlan = 4095", "wired.vlan"),
        ("vlan = 20\nlldp_med = true", "wired.lldp_med"),
        ('radius_name = "not a name"', "wired.radius_name"),
    ],
)
def test_what_is_wrong_on_the_wire_is_told_by_its_key(text: str, path: str) -> None:
    assert refused(f"[wired]\n{text}") == [path]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", "wifi.passphrase"),
        ('security = "open"', "wifi.security"),
        ('security = "enterprise"', "wifi.radius_name"),
        ('passphrase = "many words"', "wifi.passphrase"),
    ],
)
def test_there_is_no_open_network_and_no_passphrase_in_the_document(text: str, path: str) -> None:
    assert path in refused(f'[wifi]\nssid = "Office"\ncountry = "DE"\n{text}')


def test_the_passphrase_is_named_and_nothing_else() -> None:
    text = '[wifi]\nssid = "Office"\ncountry = "DE"\npassphrase = { file = "secrets/wifi" }'
    assert network(text).secret_names == {"wifi"}


def test_every_key_explains_itself() -> None:
    told = explanations(NetworkSettings)
    assert len(told) > 12
    assert all(key.explanation and key.example for key in told)

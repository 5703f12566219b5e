from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.base.errors import LocalError
from offhook.base.schema.problem import MISSING, Problem
from offhook.base.schema.settings import (
    LONGEST_DOCUMENT,
    Settings,
    SettingsInvalid,
    load_settings,
    settings_from,
)
from offhook.base.secret import SHOWN

SOUND = """
[[accounts]]
name = "home"
user = "+4930123456"
domain = "sip.example.com"
password = { file = "home.password" }

[trust]
anchors = ["ca.pem"]
"""

FIVE_DEFECTS = """
[[accounts]]
name = "home"
user = "alice"
domain = "sip.example.com"
password = "hunter2"
displayname = "Alice"

[[accounts]]
name = "office"
domain = "sip example com"

[trust]
anchors = ["ca.pem"]

[signalling]
dscp = 64
"""


def problems_of(text: str | bytes) -> dict[str, Problem]:
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(text)
    assert all(each.expectation and each.remedy for each in caught.value.problems)
    return {each.path: each for each in caught.value.problems}


def with_account(line: str) -> str:
    return SOUND.replace('name = "home"', f'name = "home"\n{line}')


def test_a_sound_document_becomes_a_snapshot_with_defaults() -> None:
    settings = load_settings(SOUND)
    account = settings.account("home")
    assert account.password is not None
    assert (account.user, account.password.file) == ("+4930123456", "home.password")
    assert account.proven_name == "sip.example.com"
    assert account.register
    assert account.trunk.digest == ("SHA-512-256", "SHA-256")
    assert (settings.signalling.dscp, settings.media.dscp) == (24, 46)
    assert settings == load_settings(SOUND.encode())
    with pytest.raises(AttributeError):
        account.user = "mallory"  # type: ignore[misc]


def test_five_defects_in_one_document_are_all_reported_in_order() -> None:
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(FIVE_DEFECTS)
    paths = [each.path for each in caught.value.problems]
    assert paths == [
        "accounts[0].password",
        "accounts[0].displayname",
        "accounts[1].domain",
        "accounts[1].user",
        "signalling.dscp",
    ]
    assert all(path in str(caught.value) for path in paths)


def test_each_defect_has_value_expectation_and_remedy() -> None:
    found = problems_of(FIVE_DEFECTS)
    assert found["accounts[0].password"].value == SHOWN
    assert "{ file =" in found["accounts[0].password"].expectation
    assert "chmod 600" in found["accounts[0].password"].remedy
    assert found["accounts[0].displayname"].remedy == "Did you mean display_name?"
    assert found["accounts[1].domain"].value == '"sip example com"'
    assert found["accounts[1].user"].value == MISSING
    assert found["signalling.dscp"].value == "64"
    assert found["signalling.dscp"].expectation == "a whole number from 0 to 63"
    assert found["signalling.dscp"].remedy == "Write for instance dscp = 24."


@pytest.mark.parametrize(
    "line",
    [
        'password = "hunter2"',
        'password = ["hunter2"]',
        'password = { file = "hunter2", credential = "hunter2" }',
        'password = { hunter2 = "hunter2" }',
        'password = { credential = "hunter2 hunter2" }',
        'password = { file = ["hunter2"] }',
        'password = { value = "hunter2" }',
        'pasword = "hunter2"',
        'secret = "hunter2"',
        'trunk = { password = "hunter2" }',
        "password = hunter2",
        'password = "hunter2',
        'password = "hunter2\\q"',
        'password = { file = "hunter2" ',
    ],
)
def test_a_password_in_the_wrong_place_is_refused_and_never_shown(line: str) -> None:
    text = SOUND.replace('password = { file = "home.password" }', line)
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(text)
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(caught.value.problems)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_table_in_a_lists_place_does_not_show_what_it_holds() -> None:
    text = SOUND.replace("[[accounts]]", "[accounts]").replace(
        '{ file = "home.password" }', '"hunter2"'
    )
    found = problems_of(text)
    assert found["accounts"].value == "a table"
    assert found["accounts"].remedy == "Write [[accounts]] tables."


def test_what_is_missing_as_a_whole_says_how_to_add_it() -> None:
    found = problems_of("")
    assert {path: each.value for path, each in found.items()} == {
        "accounts": MISSING,
        "trust": MISSING,
    }
    assert "[[accounts]]" in found["accounts"].remedy
    assert "anchors" in found["trust"].remedy


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("register = 1", "accounts[0].register"),
        ('register = "yes"', "accounts[0].register"),
        ("display_name = 7", "accounts[0].display_name"),
        ('display_name = "a\\u0000b"', "accounts[0].display_name"),
        ('display_name = "a\\r\\nVia: b"', "accounts[0].display_name"),
        ('auth_user = ""', "accounts[0].auth_user"),
        ('server = "192.0.2.1:"', "accounts[0].server"),
        ('server = "192.0.2.1:0"', "accounts[0].server"),
        ('server = "192.0.2.1:65536"', "accounts[0].server"),
        ('server = "192.0.2.1:x"', "accounts[0].server"),
        ('server = "[::1"', "accounts[0].server"),
        ('server = "[nonsense]:5061"', "accounts[0].server"),
        ('server = "no host at all"', "accounts[0].server"),
        ('service_name = "*.example.com"', "accounts[0].service_name"),
        ('service_name = "example.com\\n"', "accounts[0].service_name"),
        ("service_name = 1979-05-27", "accounts[0].service_name"),
        ('trunk = "twillio"', "accounts[0].trunk"),
        ("trunk = 3", "accounts[0].trunk"),
        ('trunk = { profile = "nobody" }', "accounts[0].trunk.profile"),
        ("trunk = { profile = 3 }", "accounts[0].trunk.profile"),
        ('trunk = { digest = ["SHA-1"] }', "accounts[0].trunk.digest[0]"),
        ("trunk = { digest = [] }", "accounts[0].trunk.digest"),
        ('trunk = { digest = ["MD5", "MD5"] }', "accounts[0].trunk.digest"),
        ('trunk = { suites = ["NULL_HMAC_SHA1_80"] }', "accounts[0].trunk.suites[0]"),
        ("trunk = { verify = false }", "accounts[0].trunk.verify"),
        ('"odd key\\u0007" = 1', 'accounts[0]."odd key\\u0007"'),
    ],
)
def test_a_defect_is_reported_at_its_path(line: str, path: str) -> None:
    assert list(problems_of(with_account(line))) == [path]


@pytest.mark.parametrize(
    ("table", "path"),
    [
        ("[media]\nlocal_host = 'desk.example.com'", "media.local_host"),
        ("[media]\ndscp = -1", "media.dscp"),
        ("[media]\ndscp = 46.0", "media.dscp"),
        ("[media]\ndscp = true", "media.dscp"),
        ("[signalling]\nhandshake_timeout_s = nan", "signalling.handshake_timeout_s"),
        ("[signalling]\nhandshake_timeout_s = inf", "signalling.handshake_timeout_s"),
        ("[signalling]\nhandshake_timeout_s = 0", "signalling.handshake_timeout_s"),
        ("[store]\ndirectory = ''", "store.directory"),
        ("[debug]\nverify = false", "debug"),
        ("[[media]]\ndscp = 46", "media"),
    ],
)
def test_a_defect_beside_the_accounts_is_reported_at_its_path(table: str, path: str) -> None:
    assert list(problems_of(f"{SOUND}\n{table}")) == [path]


@pytest.mark.parametrize(
    ("lines", "path"),
    [
        ("crl_required = true", "trust.crls"),
        ("client_certificate = 'own.pem'", "trust.client_key"),
        ("client_key = { file = 'own.key' }", "trust.client_certificate"),
        ("client_key = { file = '' }\nclient_certificate = 'a'", "trust.client_key.file"),
        ("verify = false", "trust.verify"),
    ],
)
def test_keys_of_trust_that_belong_together_are_checked_together(lines: str, path: str) -> None:
    assert list(problems_of(SOUND + lines)) == [path]


def test_no_anchors_is_a_defect_and_no_way_to_switch_the_check_off() -> None:
    text = SOUND.replace('anchors = ["ca.pem"]', "anchors = []")
    assert list(problems_of(text)) == ["trust.anchors"]


def test_two_accounts_of_one_name_are_refused() -> None:
    twice = SOUND + SOUND.split("[trust]", maxsplit=1)[0]
    assert list(problems_of(twice)) == ["accounts[1].name"]


def test_no_accounts_at_all_is_a_defect() -> None:
    assert list(problems_of("accounts = []\n[trust]\nanchors = ['ca.pem']")) == ["accounts"]


def test_an_unknown_account_is_named_with_the_known_ones() -> None:
    with pytest.raises(LocalError, match=r"'work'.*home"):
        load_settings(SOUND).account("work")


@pytest.mark.parametrize(
    "text",
    [
        b"\xff\xfe",
        "accounts = [",
        "a = " + "[" * 20_000,
        "a = " + "9" * 5_000,
        "a = 1979-13-45",
        "#" * (LONGEST_DOCUMENT + 1),
    ],
    ids=["not UTF-8", "cut off", "nested deeply", "a huge number", "no date", "too long"],
)
def test_what_is_no_toml_is_one_problem_of_the_whole_document(text: str | bytes) -> None:
    assert list(problems_of(text)) == [""]


def test_a_syntax_error_names_its_line() -> None:
    assert "line 3" in problems_of("a = 1\nb = 2\nc = = 3\n")[""].expectation


_scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates()
)
_names = st.sampled_from(
    ["accounts", "trust", "name", "user", "domain", "password", "file", "trunk", "digest", "dscp"]
) | st.text(max_size=6)
_documents = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=4),
    max_leaves=12,
)


@given(document=st.dictionaries(_names, _documents, max_size=4))
def test_any_document_is_settings_or_a_list_of_problems(document: dict[str, object]) -> None:
    try:
        found: Settings | SettingsInvalid = settings_from(document)
    except SettingsInvalid as error:
        found = error
    if isinstance(found, SettingsInvalid):
        assert found.problems
        assert all(each.expectation and each.remedy for each in found.problems)
        assert all(line.isprintable() for line in str(found).split("\n"))

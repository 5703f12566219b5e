"""What holds for every file: its length, its words, and where it opens secrets."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from tests.project.tree import ROOT, files

LONGEST = 500

MAY_REVEAL = {
    "firmware/offhook/base/schema/ticket.py": "a request is proven by the ticket's token",
    "firmware/offhook/app/engine/channel.py": "keys go to the media process over the channel",
    "firmware/offhook/phone/call/zrtp_memory.py": "what ZRTP keeps becomes one secret",
    "firmware/offhook/protocols/keying/dtls/openssl.py": "OpenSSL signs with the phone's key",
    "firmware/offhook/protocols/keying/sdes.py": "SDES carries the key in the SDP (RFC 4568)",
    "firmware/offhook/protocols/keying/zrtp/derivation.py": "ZRTP derives keys (RFC 6189 §4.5)",
    "firmware/offhook/protocols/media/srtp.py": "SRTP is made with the key",
    "firmware/offhook/protocols/sdp/ice.py": "ICE carries its password in the SDP (RFC 8839 §5.4)",
    "firmware/offhook/protocols/sip/digest_hash.py": "digest hashes the password (RFC 7616)",
    "firmware/offhook/shells/net/ice.py": "STUN's integrity is made with it (RFC 8489 §9.1)",
    "firmware/offhook/shells/net/turn.py": "TURN hashes the password (RFC 8489 §9.2.2)",
    "firmware/offhook/shells/net/tls_context.py": "OpenSSL reads the client's private key",
    "firmware/offhook/shells/store/vault.py": "the vault writes what it keeps",
    "provisioning/offhook_practice/files.py": "the phone's own password is written for it, 0600",
    "provisioning/offhook_provisioning/crypto/authority.py": "the CA signs",
    "provisioning/offhook_provisioning/crypto/sealing.py": "secrets are sealed, and opened by age",
    "provisioning/offhook_provisioning/crypto/signing.py": "the operator signs what it encodes",
    "provisioning/offhook_provisioning/fleet/load.py": "a ticket is searched for trunks' secrets",
    "provisioning/offhook_provisioning/workspace/keys.py": "a digest is keyed by the identity",
    "provisioning/offhook_provisioning/workspace/making.py": "a backup is unpacked",
}
"""Where a Secret is opened, and why. Nothing else in the wheels may."""

# A letter in brackets keeps this file from holding what it looks for.
FOREIGN = re.compile(
    r"""(?<![\w.])/[w]ork/ | /tmp/[o]ffhook | \.\./[s]hared | (?<!\w)/[r]oot/ | /[h]ome/[a-z]
      | [p]ypi\.org | [p]ythonhosted | deb\.[d]ebian\.org
      | --(extra-)?[i]ndex-url | --[f]ind-links\s
      | \b([T]ODO|[F]IXME|[X]XX)\b | \b[i]ssue\s\#?[0-9]""",
    re.VERBOSE,
)


def texts() -> list[tuple[Path, str]]:
    found = []
    for each in files():
        octets = (ROOT / each).read_bytes()
        if b"\0" not in octets:
            found.append((each, octets.decode("utf-8", "replace")))
    return found


def test_no_source_is_longer_than_a_person_wants_to_read() -> None:
    lengths = {
        str(each): len((ROOT / each).read_text().splitlines())
        for each in (*files(".py"), *files(under="scripts"))
    }
    assert len(lengths) > 50
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}


def test_no_file_speaks_of_the_machine_it_was_written_on() -> None:
    found = [f"{name}: {match[0]}" for name, text in texts() for match in FOREIGN.finditer(text)]
    assert found == []


@pytest.mark.parametrize(
    "text",
    ["cd /{}ork/x".format("w"), "see ../{}hared/x".format("s"), "https://{}ypi.org/".format("p")],
)
def test_control_such_words_would_be_found(text: str) -> None:
    assert FOREIGN.search(text)


def revealing(source: str) -> list[int]:
    """The lines of `source` where `.reveal` is named, called or not."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if (isinstance(node, ast.Attribute) and node.attr == "reveal")
        or (isinstance(node, ast.Constant) and node.value == "reveal")
    ]


def test_secrets_are_opened_only_where_a_key_is_put_to_use() -> None:
    places = {
        str(name)
        for folder in ("firmware", "provisioning")
        for name in files(".py", under=folder)
        if revealing((ROOT / name).read_text()) and name.name != "secret.py"
    }
    assert places == set(MAY_REVEAL)


@pytest.mark.parametrize(
    "source",
    ["x = key.reveal()", "f = key.reveal", 'getattr(key, "reveal")()'],
)
def test_control_another_place_would_be_found(source: str) -> None:
    assert revealing(source) == [1]


def test_no_source_prints_to_standard_output_below_the_app() -> None:
    printing = {
        str(name)
        for name in files(".py", under="firmware/offhook")
        if name.parts[2] != "app"
        and re.search(r"^\s*print\(", (ROOT / name).read_text(), re.MULTILINE)
    }
    assert printing == set()


def test_every_source_is_marked_as_annotated_and_documented() -> None:
    bare = []
    for folder in ("firmware/offhook", "provisioning"):
        for name in files(".py", under=folder):
            tree = ast.parse((ROOT / name).read_text())
            if not ast.get_docstring(tree):
                bare.append(str(name))
    assert bare == []

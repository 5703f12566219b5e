"""Each flaw of the table once: refused with its message and remedy, before anything is written."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st
from tests.provisioning.maker import DAY, NOW, PASSWORD, Phone, Scene, authority, b64, der

from offhook.base.schema.bundle import BUNDLE
from offhook.base.schema.document_flaws import FLAWS, DocumentRefused, Flaw
from offhook.base.schema.enrolment_request import check_proof, read_request, write_request
from offhook.base.schema.network_settings import NetworkSettings
from offhook.base.schema.ticket import TICKET, read_ticket, ticket_content, token_digest
from offhook.base.schema.walker import walk
from offhook.base.secret import Secret
from offhook_provisioning.crypto import authority as making
from offhook_provisioning.crypto.sealing import Identity, seal
from offhook_provisioning.crypto.signing import SigningKey, encode, signed, verify


def spoilt(octets: bytes, **changed: Any) -> bytes:
    return json.dumps({**json.loads(octets), **changed}).encode()


def refused(scene: Scene, octets: bytes, **terms: Any) -> DocumentRefused:
    with pytest.raises(DocumentRefused) as caught:
        scene.phone.accept(octets, terms.pop("operator", scene.operator), **terms)
    return caught.value


def certificate(usage: x509.ObjectIdentifier, phone: Phone) -> list[bytes]:
    """As the authority issues it, but for another usage."""
    key = making.new_key()
    root = making.self_signed("Example CA", key, NOW)
    builder = making._begun("x", root.subject, phone.csr.public_key(), NOW - 1, NOW + 1e6)
    leaf = (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(making._usage("digital_signature"), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .sign(making.load_key(key), hashes.SHA256())
    )
    return [der(leaf), der(root)]


def no_signature() -> DocumentRefused:
    scene = Scene()
    return refused(scene, spoilt(scene.bundle(), signatures=[]))


def other_operator() -> DocumentRefused:
    scene = Scene()
    return refused(scene, scene.bundle(), operator=SigningKey.generate())


def one_bit() -> DocumentRefused:
    scene = Scene()
    octets = scene.bundle()
    payload = bytearray(base64.b64decode(json.loads(octets)["payload"]))
    payload[len(payload) // 2] ^= 1
    return refused(scene, spoilt(octets, payload=b64(bytes(payload))))


def other_device() -> DocumentRefused:
    scene = Scene()
    return refused(scene, scene.bundle(device="desk-008"))


def other_recipient() -> DocumentRefused:
    scene = Scene()
    return refused(scene, scene.bundle(recipient=Identity.generate().recipient))


def older() -> DocumentRefused:
    scene = Scene()
    return refused(scene, scene.bundle(counter=5), counter=5)


def over() -> DocumentRefused:
    scene = Scene()
    return refused(scene, scene.bundle(expires=int(NOW) - 1))


def sealed_to_another() -> DocumentRefused:
    scene = Scene()
    sealed = seal(encode(scene.content()), Identity.generate().recipient)
    return refused(scene, scene.bundle(sealed=sealed))


def bad_settings() -> DocumentRefused:
    scene = Scene(settings='[[accounts]]\nname = "home"\n')
    return refused(scene, scene.bundle())


def lacking_secret() -> DocumentRefused:
    scene = Scene(secrets={})
    return refused(scene, scene.bundle())


def other_key() -> DocumentRefused:
    scene = Scene()
    scene.chain = authority().issue(scene.phone.device, Phone().csr, NOW)
    return refused(scene, scene.bundle())


def certificate_over() -> DocumentRefused:
    scene = Scene()
    return refused(scene, scene.bundle(expires=1 << 40), now=NOW + 366 * DAY)


def for_servers() -> DocumentRefused:
    scene = Scene()
    chain = certificate(ExtendedKeyUsageOID.SERVER_AUTH, scene.phone)
    scene.chain = [chain[0], der(authority().chain[-1])]
    return refused(scene, scene.bundle())


def other_root() -> DocumentRefused:
    scene = Scene()
    scene.chain = authority("Another CA").issue(scene.phone.device, scene.phone.csr, NOW)
    return refused(scene, scene.bundle())


def not_ours() -> DocumentRefused:
    scene = Scene()
    return refused(scene, spoilt(scene.bundle(), payloadType="text/plain"))


def token_again() -> DocumentRefused:
    scene = Scene()
    used = {token_digest(scene.ticket().token)}
    with pytest.raises(DocumentRefused) as caught:
        read_ticket(scene.ticket_octets(), verify, NOW, used=used)
    return caught.value


def other_token() -> DocumentRefused:
    phone = Phone()
    recipient = phone.identity.recipient
    octets = write_request(phone.device, phone.csr_der, recipient, Secret(bytes(16)))
    with pytest.raises(DocumentRefused) as caught:
        check_proof(read_request(octets), Secret(b"0123456789abcdef"))
    return caught.value


CASES: dict[Flaw, Callable[[], DocumentRefused]] = {
    Flaw.MALFORMED: not_ours,
    Flaw.UNSIGNED: no_signature,
    Flaw.FOREIGN: other_operator,
    Flaw.ALTERED: one_bit,
    Flaw.WRONG_DEVICE: other_device,
    Flaw.WRONG_RECIPIENT: other_recipient,
    Flaw.REPLAYED: older,
    Flaw.EXPIRED: over,
    Flaw.UNREADABLE: sealed_to_another,
    Flaw.SETTINGS: bad_settings,
    Flaw.SECRETS: lacking_secret,
    Flaw.KEY_MISMATCH: other_key,
    Flaw.CERTIFICATE_EXPIRED: certificate_over,
    Flaw.WRONG_USAGE: for_servers,
    Flaw.WRONG_CHAIN: other_root,
    Flaw.TOKEN_REUSED: token_again,
    Flaw.WRONG_TOKEN: other_token,
}


@pytest.mark.parametrize("flaw", CASES, ids=lambda flaw: flaw.value)
def test_each_flaw_is_refused_with_its_message_and_remedy(flaw: Flaw) -> None:
    refusal = CASES[flaw]()
    assert refusal.flaw is flaw
    assert FLAWS[flaw].message in str(refusal)
    assert FLAWS[flaw].remedy in str(refusal)
    assert PASSWORD not in str(refusal)


def test_no_flaw_is_without_a_test() -> None:
    assert set(CASES) == set(FLAWS) == set(Flaw)


def test_control_the_bundle_as_it_should_be_is_taken() -> None:
    scene = Scene()
    bundle = scene.phone.accept(scene.bundle(), scene.operator)
    assert bundle.content.settings.accounts[0].name == "home"
    assert bundle.content.secrets["home"] == Secret(PASSWORD)
    assert PASSWORD not in repr(bundle)


def test_control_the_ticket_as_it_should_be_is_taken() -> None:
    scene = Scene()
    octets = scene.ticket_octets()
    ticket = read_ticket(octets, verify, NOW)
    assert ticket.device == "desk-007"
    assert ticket.token == Secret(b"0123456789abcdef")
    assert ticket.operator_keys == (scene.operator.public,)
    assert read_ticket(octets, verify, NOW, bound_to=(scene.operator.public,)) == ticket


def test_a_ticket_of_another_operator_is_refused_by_a_phone_that_belongs_to_one() -> None:
    scene = Scene()
    with pytest.raises(DocumentRefused) as caught:
        read_ticket(scene.ticket_octets(), verify, NOW, bound_to=(SigningKey.generate().public,))
    assert caught.value.flaw is Flaw.FOREIGN


def test_a_ticket_whose_own_key_did_not_sign_it_is_refused() -> None:
    scene = Scene()
    octets = scene.ticket_octets(operator=(b64(SigningKey.generate().public),))
    with pytest.raises(DocumentRefused) as caught:
        read_ticket(octets, verify, NOW)
    assert caught.value.flaw is Flaw.FOREIGN


def test_a_ticket_is_refused_after_its_time() -> None:
    scene = Scene()
    with pytest.raises(DocumentRefused) as caught:
        read_ticket(scene.ticket_octets(), verify, NOW + 15 * DAY)
    assert caught.value.flaw is Flaw.EXPIRED


def test_a_ticket_with_a_trunks_password_is_refused() -> None:
    scene = Scene()
    content = ticket_content(scene.ticket())
    content["secrets"]["home"] = Secret(PASSWORD)
    with pytest.raises(DocumentRefused) as caught:
        read_ticket(signed(TICKET, content, [scene.operator]), verify, NOW)
    assert caught.value.flaw is Flaw.SECRETS


def test_a_ticket_brings_the_passphrase_that_its_network_names() -> None:
    scene = Scene()
    network = walk(
        NetworkSettings,
        {"wifi": {"ssid": "Office", "country": "DE", "passphrase": {"file": "secrets/wifi"}}},
    )
    content = ticket_content(scene.ticket(network=network))
    content["secrets"]["wifi"] = Secret("many words")
    ticket = read_ticket(signed(TICKET, content, [scene.operator]), verify, NOW)
    assert ticket.network_secrets == {"wifi": Secret("many words")}


def test_a_certificate_by_an_unknown_root_in_the_right_roots_name_is_refused() -> None:
    scene = Scene()
    chain = certificate(ExtendedKeyUsageOID.CLIENT_AUTH, scene.phone)
    scene.chain = [chain[0], der(authority().chain[-1])]
    assert refused(scene, scene.bundle()).flaw is Flaw.WRONG_CHAIN


def test_two_signatures_one_of_a_known_key_are_enough() -> None:
    scene = Scene()
    octets = scene.bundle()
    content = json.loads(base64.b64decode(json.loads(octets)["payload"]))
    both = signed(BUNDLE, content, [SigningKey.generate(), scene.operator])
    assert scene.phone.accept(both, scene.operator).header.counter == 1


@pytest.mark.parametrize("missing", ["settings", "certificate", "operator", "anchors"])
def test_content_without_a_part_is_malformed(missing: str) -> None:
    scene = Scene()
    content = scene.content()
    del content[missing]
    sealed = seal(encode(content), scene.phone.identity.recipient)
    assert refused(scene, scene.bundle(sealed=sealed)).flaw is Flaw.MALFORMED


@pytest.mark.parametrize("name", ["../settings.toml", "trust/../x", "/etc/passwd", "x"])
def test_a_file_that_would_lie_elsewhere_is_malformed(name: str) -> None:
    scene = Scene(files={"trust/anchors.pem": b"", name: b"x"})
    assert refused(scene, scene.bundle()).flaw is Flaw.MALFORMED


def test_a_bundle_may_not_bring_the_phones_own_key() -> None:
    scene = Scene(secrets={"home": Secret("x"), "device.key": Secret("y")})
    assert refused(scene, scene.bundle()).flaw is Flaw.SECRETS


SCENE = Scene()
GOOD = SCENE.bundle()


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_whatever_octet_is_changed_nothing_else_is_ever_taken(place: int, change: int) -> None:
    octets = bytearray(GOOD)
    octets[place] ^= change
    try:
        taken = SCENE.phone.accept(bytes(octets), SCENE.operator)
    except DocumentRefused:
        return
    assert taken == SCENE.phone.accept(GOOD, SCENE.operator)


@given(st.binary(max_size=200))
def test_garbage_is_refused_and_never_raises_anything_else(octets: bytes) -> None:
    for read in (
        lambda: SCENE.phone.accept(octets, SCENE.operator),
        lambda: read_ticket(octets, verify, NOW),
        lambda: read_request(octets),
    ):
        with pytest.raises(DocumentRefused):
            read()


JSON = st.sampled_from(
    [None, True, -1, 0, 1, 2, 1 << 70, 0.5, "", "age1", "x\0", [], [1], {}, {"a": 1}]
)


@given(st.dictionaries(st.sampled_from(["device", "counter", "sealed", "format", "x"]), JSON))
def test_a_signed_payload_of_any_shape_is_refused_in_order(changed: dict[str, Any]) -> None:
    content = json.loads(base64.b64decode(json.loads(GOOD)["payload"]))
    octets = signed(BUNDLE, {**content, **changed}, [SCENE.operator])
    try:
        SCENE.phone.accept(octets, SCENE.operator)
    except DocumentRefused:
        return
    assert {**content, **changed} == content or "counter" in changed

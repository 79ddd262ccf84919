"""The seal of a package: the same data, the same hash; a changed byte, and it does not hold."""

import base64
import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
import rfc8785
import time_machine
from django.conf import settings as configured
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from accounts.models import Token, User
from accounts.services import token_update
from attestations.services import attestation_revoke
from audit.signing import public_keys
from compliance.packages.seal import DOMAIN, VOLATILE, inspect
from compliance.services.metadata import metadata_upsert
from tests.compliance.conftest import ASSET, attest
from tests.compliance.reports import published_keys
from tests.compliance.test_packages import STORED, many, package, post, stored
from tests.factories import VOI, client_for, event_bodies, wallet
from whitelist.services.entries import whitelist_entry_upsert
from whitelist.services.policies import whitelist_policy_set

pytestmark = pytest.mark.django_db
FINDINGS = ["form", "contentHash", "keyKnown", "signature", "keyValid"]


def check(user: User, document: Any) -> dict[str, Any]:
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    response = client_for(user).post(f"{STORED}/verify", raw, content_type="application/json")
    assert response.status_code == 200, response.content
    verification: dict[str, Any] = response.json()["verification"]
    return verification


def failed(verification: dict[str, Any]) -> list[str]:
    return [one["name"] for one in verification["findings"] if not one["holds"]]


class TestHash:
    def test_the_same_data_gives_the_same_hash_to_everybody_and_later(
        self, compliant_token: Token, owner: User, auditor: User
    ) -> None:
        first = package(owner, toDate="2031-01-01")
        with time_machine.travel(datetime.now(UTC) + timedelta(hours=20)):
            later = package(auditor, toDate="2031-01-01")
        assert later["packageId"] != first["packageId"]
        assert later["generatedAt"] != first["generatedAt"]
        assert later["contentHash"] == first["contentHash"]
        assert len(first["contentHash"]) == 64

    def test_every_change_of_what_it_holds_changes_the_hash(
        self, compliant_token: Token, owner: User, officer: User
    ) -> None:
        seen = [package(owner)["contentHash"]]
        row = attest(owner, officer, "License")
        changes: list[Callable[[], Any]] = [
            lambda: None,  # by the attestation above
            lambda: attestation_revoke(actor=officer, attestation_id=row.pk, reason="left"),
            lambda: token_update(actor=owner, token=compliant_token, name="Another"),
            lambda: whitelist_policy_set(
                actor=officer, token=compliant_token, enforcement="Optional"
            ),
            lambda: whitelist_entry_upsert(
                actor=officer, token=compliant_token, address=wallet(7), status="Active"
            ),
            lambda: metadata_upsert(
                actor=owner, asset_id=ASSET, network=VOI, changes={"kyc_provider": "Onfido"}
            ),
        ]
        for change in changes:
            change()
            seen.append(package(owner)["contentHash"])
        seen.append(package(owner, fromDate="2026-01-01")["contentHash"])
        assert len(set(seen)) == len(seen)

    def test_an_independent_reading_of_the_rules_agrees(
        self, compliant_token: Token, owner: User
    ) -> None:
        many(compliant_token, owner, 120)
        made = post(owner).json()["package"]
        whole = stored(owner, made["packageId"])
        content = {name: value for name, value in whole.items() if name not in VOLATILE}
        assert sha256(rfc8785.dumps(content)).hexdigest() == whole["contentHash"]
        assert made["contentHash"] == whole["contentHash"]
        # The answer that shows a part bears the very signature, which holds without the rest.
        for shown in (made, whole):
            signature = dict(shown["signature"])
            value = base64.b64decode(signature.pop("signatureValue"))
            volatile = {
                "packageId": shown["packageId"],
                "generatedAt": shown["generatedAt"],
                "contentHash": shown["contentHash"],
                "signature": signature,
            }
            key = VerifyKey(base64.b64decode(signature["publicKey"]))
            key.verify(b"assayer-attestation-package-v1\n" + rfc8785.dumps(volatile), value)
            with pytest.raises(BadSignatureError):
                key.verify(DOMAIN + rfc8785.dumps({**volatile, "generatedAt": "later"}), value)
        assert made["signature"]["algorithm"] == "Ed25519"
        (published,) = json.loads(published_keys())["keys"]
        assert published["kid"] == made["signature"]["keyId"]
        raw = base64.urlsafe_b64decode(published["x"] + "=")
        assert base64.b64encode(raw).decode() == made["signature"]["publicKey"]


class TestVerification:
    def test_a_package_holds_bare_in_its_envelope_and_written_anew(
        self, compliant_token: Token, owner: User, outsider: User
    ) -> None:
        answer = post(owner)
        made = answer.json()["package"]
        pretty = json.dumps(made, indent=4, ensure_ascii=False).encode()
        for document in (made, answer.content, pretty, dict(reversed(made.items()))):
            found = check(outsider, document)
            assert (found["valid"], found["storedHere"]) == (True, True)
            assert found["packageId"] == made["packageId"]
            assert found["keyId"] == made["signature"]["keyId"]
            assert [one["name"] for one in found["findings"]] == FINDINGS
        events = event_bodies("compliance.package.verified")
        assert len(events) == 4
        assert events[0]["referenceId"] == made["packageId"]
        assert (events[0]["actor"], events[0]["details"]["valid"]) == (outsider.label, True)

    def test_a_part_of_the_attestations_is_told_from_a_forgery(
        self, compliant_token: Token, owner: User
    ) -> None:
        many(compliant_token, owner, 120)
        found = check(owner, post(owner).json()["package"])
        assert failed(found) == ["contentHash"]
        assert not found["storedHere"]
        (detail,) = [one["detail"] for one in found["findings"] if not one["holds"]]
        assert "only 100 of its 122 attestations" in detail

    def test_a_hash_that_a_forger_computes_anew_is_not_signed(
        self, compliant_token: Token, owner: User
    ) -> None:
        made = package(owner)
        made["whitelistPolicy"]["totalWhitelisted"] = 5_000
        content = {name: value for name, value in made.items() if name not in VOLATILE}
        made["contentHash"] = sha256(rfc8785.dumps(content)).hexdigest()
        assert failed(check(owner, made)) == ["signature"]

    def test_a_key_of_the_forgers_own_is_not_ours(
        self, compliant_token: Token, owner: User
    ) -> None:
        made, own = package(owner), SigningKey(b"f" * 32)
        signature = made["signature"]
        signature["publicKey"] = base64.b64encode(bytes(own.verify_key)).decode()
        value = signature.pop("signatureValue")
        volatile = {name: made[name] for name in VOLATILE}
        forged = own.sign(DOMAIN + rfc8785.dumps(volatile)).signature
        signature["signatureValue"] = base64.b64encode(forged).decode()
        assert failed(check(owner, made)) == ["keyKnown", "signature"]
        signature["keyId"] = "of-mine"
        assert failed(check(owner, made)) == ["keyKnown", "signature", "keyValid"]
        signature["signatureValue"] = value
        assert not check(owner, made)["valid"]

    def test_a_repeated_member_is_found(self, compliant_token: Token, owner: User) -> None:
        raw = json.dumps(package(owner)).encode()
        for twice in (b'{"tokenId": 1, ', b'{"x": {"a": 1, "a": 2}, '):
            assert "form" in failed(check(owner, twice + raw[1:]))

    def test_a_signature_from_before_the_key_counted_does_not_hold(
        self, compliant_token: Token, owner: User, settings: Any
    ) -> None:
        made = package(owner)
        settings.REPORT_SIGNING_KEY_SINCE = "2099-01-01"
        assert failed(check(owner, made)) == ["keyValid"]

    def test_a_retired_key_still_verifies(
        self, compliant_token: Token, owner: User, settings: Any
    ) -> None:
        made = package(owner)
        settings.REPORT_SIGNING_KEY = base64.b64encode(b"n" * 32).decode()
        settings.REPORT_RETIRED_KEYS = [f"{made['signature']['publicKey']}@2020-01-01..2099-01-01"]
        assert check(owner, made)["valid"]
        assert package(owner)["signature"]["keyId"] != made["signature"]["keyId"]

    @pytest.mark.parametrize(
        "document",
        [
            {},
            {"package": {}},
            {"package": []},
            {"signature": "x"},
            {"contentHash": "", "generatedAt": "", "packageId": "", "signature": {}},
            {
                "contentHash": "",
                "generatedAt": "",
                "packageId": "\0",
                "signature": dict.fromkeys(
                    ("algorithm", "keyId", "publicKey", "signatureValue", "signedAt"), "x"
                ),
            },
        ],
    )
    def test_what_is_no_package_is_said_to_be_none(self, owner: User, document: Any) -> None:
        found = check(owner, document)
        assert (found["valid"], found["storedHere"]) == (False, False)

    @pytest.mark.parametrize(
        ("raw", "status"),
        [(b"", 400), (b"[]", 400), (b'"x"', 400), (b"{", 400), (b'{"a": NaN}', 400),
         (b"{}".ljust(16_000_001), 413)],
    )  # fmt: skip
    def test_what_is_no_object_is_refused(self, owner: User, raw: bytes, status: int) -> None:
        url = f"{STORED}/verify"
        response = client_for(owner).post(url, raw, content_type="application/json")
        assert response.status_code == status


def _paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to every value in a document."""
    if isinstance(value, dict):
        return [one for name, inner in value.items() for one in _paths(inner, (*here, name))]
    if isinstance(value, list):
        return [one for at, inner in enumerate(value) for one in _paths(inner, (*here, at))]
    return [here]


JSON = st.one_of(st.none(), st.booleans(), st.integers(-(2**60), 2**60), st.floats(), st.text())


@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_any_changed_value_is_detected(compliant_token: Token, owner: User, data: Any) -> None:
    made = _made(owner)
    forged = copy.deepcopy(made)
    path = data.draw(st.sampled_from(_paths(made)))
    holder = forged
    for step in path[:-1]:
        holder = holder[step]
    value = data.draw(JSON)
    holder[path[-1]] = value
    same = type(value) is type(_at(made, path)) and value == _at(made, path)
    raw = json.dumps(forged).encode()
    assert inspect(raw, forged, public_keys()).holds is same


_MADE: dict[str, Any] = {}


def _made(owner: User) -> dict[str, Any]:
    if not _MADE:
        _MADE.update(package(owner))
    return _MADE


def _at(document: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        document = document[step]
    return document


@pytest.mark.parametrize("change", ["added", "removed", "renamed"])
def test_a_member_more_or_less_is_detected(
    compliant_token: Token, owner: User, change: str
) -> None:
    made = package(owner)
    for name in list(made):
        forged = copy.deepcopy(made)
        if change == "added":
            forged[f"{name}2"] = 1
        else:
            value = forged.pop(name)
            if change == "renamed":
                forged[name.upper()] = value
        found = inspect(json.dumps(forged).encode(), forged, public_keys())
        assert not found.holds, name


def test_the_seed_of_the_tests_is_not_published() -> None:
    assert configured.REPORT_SIGNING_KEY.encode() not in published_keys()

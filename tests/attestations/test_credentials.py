"""Attestations as W3C credentials, verified by an implementation that shares nothing with ours."""

import base64
import copy
import gzip
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from importlib import import_module
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.apps import apps
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey, VerifyKey

from accounts.models import Issuer, User
from attestations.credentials import LIST_SIZE, encoded_list, secured
from attestations.models import (
    Attestation,
    AttestationCredential,
    AttestationStatusChange,
)
from attestations.services import attestation_fail, attestation_revoke, attestation_verify
from audit.signing import PublicKey, base58btc
from tests.attestations import vc_verifier as independent
from tests.attestations.bodies import URL, attest
from tests.factories import VOI, WALLET, client_for, event_bodies, wallet

pytestmark = pytest.mark.django_db
LISTS = "/.well-known/assayer-status-lists"
DAY = timedelta(days=1)


def verified(owner: User, officer: User, **more: Any) -> Attestation:
    row = attest(owner, **{"attestation_type": "KYC", "proof_type": "IPFS", **more})
    return attestation_verify(actor=officer, attestation_id=row.pk)


def ask(user: User, row: Attestation, form: str = "vc") -> Any:
    return client_for(user).get(f"{URL}/{row.pk}", {"format": form})


def credential(user: User, row: Attestation) -> dict[str, Any]:
    response = ask(user, row)
    assert response.status_code == 200, response.content
    assert response.headers["Content-Type"] == "application/vc"
    document: dict[str, Any] = json.loads(response.content)
    return document


def status_list(number: int = 1) -> dict[str, Any]:
    response = Client().get(f"{LISTS}/{number}")
    assert response.status_code == 200, response.content
    document: dict[str, Any] = json.loads(response.content)
    return document


class TestTheSuite:
    """The example of the specification (vc-di-eddsa, appendix B.2), by both implementations."""

    DOCUMENT: Mapping[str, Any] = {
        "@context": [
            "https://www.w3.org/ns/credentials/v2",
            "https://www.w3.org/ns/credentials/examples/v2",
        ],
        "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
        "type": ["VerifiableCredential", "AlumniCredential"],
        "name": "Alumni Credential",
        "description": "A minimum viable example of an Alumni Credential.",
        "issuer": "https://vc.example/issuers/5678",
        "validFrom": "2023-01-01T00:00:00Z",
        "credentialSubject": {
            "id": "did:example:abcdefgh",
            "alumniOf": "The School of Examples",
        },
    }
    PUBLIC = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
    SECRET = "z3u2en7t5LR2WtQH5PfFqMqwVHBeXouLzo6haApm8XHqvjxq"
    CREATED = datetime(2023, 2, 24, 23, 36, 38, tzinfo=UTC)
    PROOF_VALUE = (
        "z2HnFSSPPBzR36zdDgK8PbEHeXbR56YF24jwMpt3R1eHXQzJDMWS93FCzpvJpwTWd3GAVFuUfjoJdcnTMuVor51aX"
    )

    def test_we_sign_it_to_the_published_value(self) -> None:
        own = SigningKey(independent.base58(self.SECRET)[2:])
        key = PublicKey(bytes(own.verify_key))
        assert key.multikey == self.PUBLIC
        signed = secured(
            self.DOCUMENT,
            key=key,
            created=self.CREATED,
            sign=lambda message: own.sign(message).signature,
        )
        assert signed["proof"]["proofValue"] == self.PROOF_VALUE
        assert independent.proof_holds(signed, controller=key.did)

    @settings(max_examples=20, deadline=None)
    @given(seed=st.binary(min_size=32, max_size=32), message=st.binary(max_size=99))
    def test_the_plain_integers_agree_with_the_library(self, seed: bytes, message: bytes) -> None:
        key = SigningKey(seed)
        public, signature = bytes(key.verify_key), key.sign(message).signature
        assert independent.ed25519_holds(public, message, signature)
        assert not independent.ed25519_holds(public, message + b"x", signature)

    @given(raw=st.binary(max_size=70))
    def test_base58_comes_back(self, raw: bytes) -> None:
        assert independent.base58(base58btc(raw)) == raw

    @settings(max_examples=30)
    @given(revoked=st.sets(st.integers(0, LIST_SIZE - 1), max_size=50))
    def test_the_bits_are_those_that_were_set(self, revoked: set[int]) -> None:
        text = encoded_list(revoked)
        packed = base64.urlsafe_b64decode(text[1:] + "=" * (-len(text[1:]) % 4))
        bits = gzip.decompress(packed)
        found = {8 * at + bit for at, byte in enumerate(bits) for bit in range(8)
                 if byte and byte & 0x80 >> bit}  # fmt: skip
        assert (text[0], len(bits), found) == ("u", LIST_SIZE // 8, revoked)
        assert encoded_list(sorted(revoked)) == text


class TestTheCredential:
    def test_it_verifies_without_us(self, owner: User, officer: User, outsider: User) -> None:
        row = verified(owner, officer, expires_at=timezone.now() + 9 * DAY)
        document = credential(outsider, row)
        assert independent.proof_holds(document)
        assert not independent.is_revoked(document, status_list())
        assert independent.is_in_time(document, timezone.now() + DAY)
        assert not independent.is_in_time(document, timezone.now() + 10 * DAY)
        (key,) = Client().get("/.well-known/assayer-keys.json").json()["keys"]
        assert key["did"] == document["issuer"]
        raw = independent.key_of(document["issuer"])
        assert base64.urlsafe_b64decode(key["x"] + "=") == raw
        # And by the library on the message itself.
        proof = dict(document["proof"])
        signature = independent.base58(proof.pop("proofValue"))
        parts = (proof, {name: value for name, value in document.items() if name != "proof"})
        message = b"".join(
            sha256(json.dumps(part, sort_keys=True, separators=(",", ":")).encode()).digest()
            for part in parts
        )
        VerifyKey(raw).verify(message, signature)

    def test_it_says_what_was_verified(self, owner: User, officer: User) -> None:
        moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
        with time_machine.travel(moment, tick=False):
            row = verified(owner, officer, expires_at=moment + 30 * DAY)
            document = credential(owner, row)
        place = AttestationCredential.objects.get(attestation=row)
        url = f"http://testserver{LISTS}/1"
        proof = document.pop("proof")
        did = document["issuer"]
        assert document == {
            "@context": [
                "https://www.w3.org/ns/credentials/v2",
                "https://www.w3.org/ns/credentials/undefined-terms/v2",
            ],
            "id": f"urn:uuid:{row.pk}",
            "type": ["VerifiableCredential", "AssayerAttestationCredential"],
            "issuer": did,
            "validFrom": "2026-03-01T12:00:00Z",
            "validUntil": "2026-03-31T12:00:00Z",
            "credentialSubject": {
                "type": "Attestation",
                "subjectType": "Wallet",
                "attestationType": "KYC",
                "walletAddress": WALLET,
                "network": VOI,
                "assetId": 12345,
                "proofHash": row.proof_hash,
                "proofType": "IPFS",
            },
            "credentialStatus": {
                "id": f"{url}#{place.list_index}",
                "type": "BitstringStatusListEntry",
                "statusPurpose": "revocation",
                "statusListIndex": str(place.list_index),
                "statusListCredential": url,
            },
        }
        assert proof["created"] == "2026-03-01T12:00:00Z"
        assert proof["verificationMethod"] == f"{did}#{did.removeprefix('did:key:')}"

    def test_free_text_is_in_it_as_a_hash_alone(
        self, owner: User, officer: User, issuer: Issuer
    ) -> None:
        personal = "Jane Roe 1970"
        row = verified(
            owner,
            officer,
            network="",
            wallet_address=personal,
            proof_hash=personal,
            proof_type="letter of Jane Roe",
            attestation_type="KYC of Jane Roe",
            issuer_address=personal,
            jurisdiction=personal,
            regulatory_framework=personal,
            notes=personal,
            attributes={"name": personal},
        )
        document = credential(owner, row)
        assert "Jane" not in json.dumps(document)
        assert document["credentialSubject"] == {
            "type": "Attestation",
            "subjectType": "Wallet",
            "assetId": 12345,
            "attestationTypeSha256": sha256(b"KYC of Jane Roe").hexdigest(),
            "walletAddressSha256": sha256(personal.encode()).hexdigest(),
            "proofHashSha256": sha256(personal.encode()).hexdigest(),
        }
        of_issuer = verified(
            owner,
            officer,
            subject_type="Issuer",
            issuer_id=issuer.pk,
            wallet_address="",
            asset_id=None,
        )
        document = credential(owner, of_issuer)
        assert document["credentialSubject"]["issuerId"] == str(issuer.pk)
        assert "validUntil" not in document
        assert independent.proof_holds(document)

    def test_the_same_facts_give_the_same_bytes(self, owner: User, officer: User) -> None:
        row = verified(owner, officer)
        first = ask(owner, row).content
        with time_machine.travel(timezone.now() + timedelta(minutes=3)):
            assert ask(officer, row).content == first

    def test_an_asset_id_that_no_double_holds_is_text(self, owner: User, officer: User) -> None:
        row = verified(owner, officer, asset_id=2**63 - 1)
        document = credential(owner, row)
        assert document["credentialSubject"]["assetId"] == str(2**63 - 1)
        assert independent.proof_holds(document)

    def test_only_what_is_verified_now_has_one(self, owner: User, officer: User) -> None:
        rows = {
            "Pending": attest(owner),
            "Failed": attest(owner, wallet_address=wallet(1)),
            "Revoked": verified(owner, officer, wallet_address=wallet(2)),
            "Expired": verified(
                owner, officer, wallet_address=wallet(3), expires_at=timezone.now() + DAY
            ),
        }
        attestation_fail(actor=officer, attestation_id=rows["Failed"].pk, reason="forged")
        attestation_revoke(actor=officer, attestation_id=rows["Revoked"].pk, reason="left")
        with time_machine.travel(timezone.now() + 2 * DAY):
            for status, row in rows.items():
                response = ask(owner, row)
                assert response.status_code == 409
                assert status in response.json()["errorMessage"]
                assert ask(owner, row, "json").status_code == 200
        assert event_bodies("attestations.credential.read") == []
        missing = client_for(owner).get(f"{URL}/{uuid4()}", {"format": "vc"})
        assert missing.status_code == 404
        assert client_for(None).get(f"{URL}/{rows['Pending'].pk}?format=vc").status_code == 401

    @pytest.mark.parametrize("form", ["jwt", "", "0", "vc\0", "vc,json"])
    def test_another_form_is_refused(self, owner: User, form: str) -> None:
        response = ask(owner, attest(owner), form)
        assert response.status_code == 400
        assert response.json()["details"] == {"format": ["Must be one of json, vc."]}

    def test_reading_one_is_an_event(self, owner: User, officer: User, outsider: User) -> None:
        row = verified(owner, officer)
        with CaptureQueriesContext(connection) as queries:
            credential(outsider, row)
        assert not any(q["sql"].startswith("UPDATE") for q in queries.captured_queries)
        (event,) = event_bodies("attestations.credential.read")
        assert (event["actor"], event["referenceId"]) == (outsider.label, str(row.pk))

    def test_a_new_key_signs_from_its_first_moment(
        self, owner: User, officer: User, settings: Any
    ) -> None:
        row = verified(owner, officer)
        before = credential(owner, row)
        settings.REPORT_SIGNING_KEY = base64.b64encode(b"n" * 32).decode()
        settings.REPORT_SIGNING_KEY_SINCE = "2031-01-01"
        after = credential(owner, row)
        assert after["issuer"] != before["issuer"]
        assert after["proof"]["created"] == "2031-01-01T00:00:00Z"
        assert independent.proof_holds(before)
        assert independent.proof_holds(after)

    def test_the_public_address_can_be_set(self, owner: User, officer: User, settings: Any) -> None:
        settings.PUBLIC_URL = "https://api.example.com"
        document = credential(owner, verified(owner, officer))
        expected = f"https://api.example.com{LISTS}/1"
        assert document["credentialStatus"]["statusListCredential"] == expected
        assert status_list()["id"] == expected


class TestTheStatusList:
    def test_a_revocation_shows_at_once_and_alone(self, owner: User, officer: User) -> None:
        rows = [verified(owner, officer, wallet_address=wallet(n)) for n in range(3)]
        documents = [credential(owner, row) for row in rows]
        held = Client().get(f"{LISTS}/1").headers["ETag"]
        again = Client().get(f"{LISTS}/1", headers={"if-none-match": held})
        assert (again.status_code, again.content) == (304, b"")
        attestation_revoke(actor=officer, attestation_id=rows[1].pk, reason="left")
        after = Client().get(f"{LISTS}/1", headers={"if-none-match": held})
        assert after.status_code == 200
        found = [independent.is_revoked(one, json.loads(after.content)) for one in documents]
        assert found == [False, True, False]
        assert independent.proof_holds(documents[1])  # it stays signed; the list revokes it

    def test_it_is_public_and_may_be_kept_but_not_trusted_unasked(self) -> None:
        response = Client().get(f"{LISTS}/1")
        assert response.headers["Cache-Control"] == "public, no-cache"
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert response.headers["Content-Type"] == "application/vc"
        assert independent.proof_holds(json.loads(response.content))
        assert Client().get(f"{LISTS}/1").content == response.content

    @pytest.mark.parametrize("number", ["2", "0", "-1", "x", str(2**63 - 1), "1/"])
    def test_there_is_no_other_list(self, owner: User, officer: User, number: str) -> None:
        verified(owner, officer)
        assert Client().get(f"{LISTS}/{number}").status_code == 404

    def test_a_full_list_is_followed_by_the_next(self, owner: User, officer: User) -> None:
        row, other = attest(owner), attest(owner, wallet_address=wallet(1))
        for pk, attestation in ((LIST_SIZE, row), (LIST_SIZE + 1, other)):
            attestation_verify(actor=officer, attestation_id=attestation.pk)
            _move(attestation, pk)
        first, second = credential(owner, row), credential(owner, other)
        assert first["credentialStatus"]["statusListIndex"] == str(LIST_SIZE - 1)
        assert second["credentialStatus"]["statusListIndex"] == "0"
        assert second["credentialStatus"]["statusListCredential"].endswith("/2")
        attestation_revoke(actor=officer, attestation_id=other.pk, reason="left")
        assert not independent.is_revoked(first, status_list(1))
        assert independent.is_revoked(second, status_list(2))

    def test_it_costs_the_same_however_many_are_revoked(self, owner: User, officer: User) -> None:
        costs = []
        for number in range(2):
            row = verified(owner, officer, wallet_address=wallet(number))
            attestation_revoke(actor=officer, attestation_id=row.pk, reason="left")
            with CaptureQueriesContext(connection) as queries:
                status_list()
            costs.append(len(queries))
        assert costs == [1, 1]

    def test_a_place_is_given_once_and_for_ever(self, owner: User, officer: User) -> None:
        row = verified(owner, officer)
        place = AttestationCredential.objects.get()
        for change in (
            lambda: AttestationCredential.objects.create(attestation=row),
            lambda: AttestationCredential.objects.update(issued_at=timezone.now()),
            place.delete,
        ):
            with pytest.raises(DatabaseError), transaction.atomic():
                change()
        assert AttestationCredential.objects.get().pk == place.pk


def _move(attestation: Attestation, pk: int) -> None:
    """Give an attestation another place, as the sequence will once there are that many."""
    table = AttestationCredential._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET session_replication_role = replica")
        else:
            cursor.execute(f"DROP TRIGGER IF EXISTS {table}_no_update")
        AttestationCredential.objects.filter(attestation=attestation).update(id=pk)
        if connection.vendor == "postgresql":
            cursor.execute("SET session_replication_role = DEFAULT")


def _paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [here, *(one for name in value for one in _paths(value[name], (*here, name)))]
    if isinstance(value, list):
        return [here, *(one for at, item in enumerate(value) for one in _paths(item, (*here, at)))]
    return [here]


def _signed() -> dict[str, Any]:
    own = SigningKey(b"s" * 32)
    return secured(
        {
            "@context": ["https://www.w3.org/ns/credentials/v2"],
            "type": ["VerifiableCredential"],
            "validFrom": "2026-03-01T12:00:00Z",
            "credentialSubject": {"assetId": 5, "proofHash": "Qm", "nested": [1, {"a": None}]},
        },
        key=PublicKey(bytes(own.verify_key)),
        created=datetime(2026, 3, 1, 12, tzinfo=UTC),
        sign=lambda message: own.sign(message).signature,
    )


SIGNED = _signed()
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.text(max_size=9)),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_tampering_with_any_member_is_detected(data: st.DataObject) -> None:
    forged = copy.deepcopy(SIGNED)
    path = data.draw(st.sampled_from([one for one in _paths(SIGNED) if one]))
    holder: Any = forged
    for step in path[:-1]:
        holder = holder[step]
    match data.draw(st.sampled_from(["change", "remove", "add"])):
        case "change":
            holder[path[-1]] = data.draw(JSON)
        case "remove":
            del holder[path[-1]]
        case _:
            target = holder[path[-1]] if isinstance(holder[path[-1]], dict) else forged
            target[data.draw(st.text(min_size=1, max_size=5))] = data.draw(JSON)
    unchanged = json.dumps(forged, sort_keys=True) == json.dumps(SIGNED, sort_keys=True)
    assert independent.proof_holds(forged) is unchanged


def test_what_was_verified_before_there_were_credentials_gets_its_place(
    owner: User, officer: User
) -> None:
    migration = import_module("attestations.migrations.0004_credentials_of_the_verified")
    known = verified(owner, officer)
    rows = [attest(owner, wallet_address=wallet(number)) for number in range(3)]
    moment = timezone.now() - DAY
    AttestationStatusChange.objects.bulk_create(
        AttestationStatusChange(
            attestation=row,
            attestation_created_by=owner,
            from_status="Pending",
            status=status,
            changed_at=moment,
            changed_by=officer,
            reason="read",
        )
        for row, status in zip(rows, ("Verified", "Failed", "Revoked"), strict=True)
    )
    assert ask(owner, rows[0]).status_code == 409
    for _ in range(2):  # once more changes nothing
        migration.give_places(apps, None)
        places = AttestationCredential.objects.values_list("attestation_id", flat=True)
        assert set(places) == {known.pk, rows[0].pk}
    document = credential(owner, rows[0])
    assert independent.proof_holds(document)
    assert document["validFrom"] == moment.strftime("%Y-%m-%dT%H:%M:%SZ")

"""Creating attestations: seed 1, section 9, field by field."""

from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from rest_framework.test import APIClient

from accounts.models import Issuer, Token, User
from attestations.models import Attestation, AttestationStatusChange
from audit.models import AuditEvent
from tests.attestations.bodies import (
    EXAMPLE_1,
    OPTIONAL,
    REQUIRED_ONLY,
    SECTION_9,
    SEED_ISSUER,
    SEED_TIME,
    URL,
    without,
)
from tests.factories import ARAMID, CID, VOI, WALLET, TokenFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_seed_time")]

EVM = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
EVENTS_OF_A_NEW_TOKEN = ["accounts.token.registered", "attestations.attestation.created"]


@pytest.fixture
def at_seed_time() -> Any:
    with time_machine.travel(SEED_TIME, tick=False):
        yield


@pytest.fixture
def client(at_seed_time: None, outsider: User, client_for: Callable[..., APIClient]) -> APIClient:
    return client_for(outsider)


def post(client: APIClient, body: Any) -> Any:
    return client.post(URL, body, format="json")


def refused(client: APIClient, body: Any, details: dict[str, list[str]], status: int = 400) -> None:
    """Assert the refusal with exactly these details, and that it changed nothing."""
    before = (Attestation.objects.count(), Token.objects.count())
    response = post(client, body)
    assert (response.status_code, response.json()["details"]) == (status, details)
    assert response.json()["success"] is False
    assert (Attestation.objects.count(), Token.objects.count()) == before


def test_the_example_of_the_seed_is_answered_as_printed(client: APIClient, outsider: User) -> None:
    response = post(client, SECTION_9)
    assert response.status_code == 200
    stored = Attestation.objects.get()
    assert response.json() == {
        "success": True,
        "attestation": {
            "id": str(stored.pk),
            **SECTION_9,
            "verificationStatus": "Pending",
            "issuedAt": "2026-01-23T16:48:00Z",
            "verifiedAt": None,
            "verifierAddress": None,
            "createdAt": "2026-01-23T16:48:00Z",
            "updatedAt": None,
            "createdBy": outsider.address,
            "updatedBy": None,
            "subjectType": "Wallet",
            "issuerId": None,
            "statusReason": None,
            "attributes": {},
        },
    }
    assert stored.token == Token.objects.get(network=VOI, asset_id=12345)
    assert (stored.issuer, stored.created_by) == (None, outsider)
    assert not AttestationStatusChange.objects.exists()


def test_example_1_of_the_seed_is_accepted(client: APIClient) -> None:
    assert post(client, EXAMPLE_1).status_code == 200


@pytest.mark.parametrize("missing", OPTIONAL)
def test_the_example_is_accepted_without_an_optional_field(client: APIClient, missing: str) -> None:
    response = post(client, without(SECTION_9, missing))
    assert response.status_code == 200
    assert response.json()["attestation"][missing] is None


@pytest.mark.parametrize("absent", [None, ""])
def test_an_optional_field_that_is_null_or_blank_is_absent(client: APIClient, absent: Any) -> None:
    names = without(dict.fromkeys(OPTIONAL, absent), *(["expiresAt"] if absent == "" else []))
    answered = post(client, {**REQUIRED_ONLY, **names}).json()["attestation"]
    assert {name: answered[name] for name in OPTIONAL} == dict.fromkeys(OPTIONAL)
    more = dict.fromkeys(["subjectType", "issuerId", "attributes"])
    answered = post(client, {**REQUIRED_ONLY, **more}).json()["attestation"]
    assert (answered["subjectType"], answered["attributes"]) == ("Wallet", {})


def test_a_quoted_asset_id_is_a_number(client: APIClient) -> None:
    answered = post(client, {**SECTION_9, "assetId": "12345"}).json()["attestation"]
    assert answered["assetId"] == 12345


@pytest.mark.parametrize("missing", ["walletAddress", "assetId"])
@pytest.mark.parametrize("absent", ["left out", None])
def test_a_wallet_needs_its_address_and_the_asset(
    client: APIClient, missing: str, absent: str | None
) -> None:
    body = without(SECTION_9, missing) if absent else {**SECTION_9, missing: None}
    refused(client, body, {missing: ["This field is required."]})


@pytest.mark.parametrize("missing", ["issuerAddress", "proofHash"])
def test_issuer_address_and_proof_hash_are_required(client: APIClient, missing: str) -> None:
    refused(client, without(SECTION_9, missing), {missing: ["This field is required."]})
    refused(client, {**SECTION_9, missing: None}, {missing: ["This field may not be null."]})
    for blank in ("", "   "):
        refused(client, {**SECTION_9, missing: blank}, {missing: ["This field may not be blank."]})


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("walletAddress", 100),
        ("issuerAddress", 100),
        ("proofHash", 200),
        ("proofType", 50),
        ("attestationType", 100),
        ("network", 50),
        ("jurisdiction", 500),
        ("regulatoryFramework", 500),
        ("notes", 2000),
    ],
)
def test_text_has_the_limits_of_the_seed(client: APIClient, name: str, limit: int) -> None:
    body = without(SECTION_9, "network", "proofType")
    accepted = post(client, {**body, name: "x" * limit})
    assert accepted.status_code == 200
    assert accepted.json()["attestation"][name] == "x" * limit
    message = f"Ensure this field has no more than {limit} characters."
    refused(client, {**body, name: "x" * (limit + 1)}, {name: [message]})
    refused(client, {**body, name: 5}, {name: ["Not a valid string."]})
    refused(client, {**body, name: "a\0b"}, {name: ["Null characters are not allowed."]})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0, "Ensure this value is greater than or equal to 1."),
        (-1, "Ensure this value is greater than or equal to 1."),
        (2**63, "Ensure this value is less than or equal to 9223372036854775807."),
        (1.5, "A valid integer is required."),
        (True, "A valid integer is required."),
        ("many", "A valid integer is required."),
        ([], "A valid integer is required."),
    ],
)
def test_an_asset_id_is_a_positive_number_below_two_to_the_63(
    client: APIClient, value: Any, message: str
) -> None:
    refused(client, {**SECTION_9, "assetId": value}, {"assetId": [message]})


def test_the_largest_asset_id_is_answered_as_a_number(client: APIClient) -> None:
    answered = post(client, {**SECTION_9, "assetId": 2**63 - 1}).json()["attestation"]
    assert answered["assetId"] == 2**63 - 1


@pytest.mark.parametrize(
    "moment", ["2026-01-23T16:48:00Z", "2026-01-23T17:47:59+01:00", "2026-01-23", "0001-01-01"]
)
def test_an_expiry_that_is_not_in_the_future_is_refused(client: APIClient, moment: str) -> None:
    message = "Must lie in the future; nothing would be attested by it."
    refused(client, {**SECTION_9, "expiresAt": moment}, {"expiresAt": [message]})


@pytest.mark.parametrize("moment", ["2027-02-30", "tomorrow", 1800000000, "2027-01-01T25:00:00Z"])
def test_an_expiry_that_is_no_time_is_refused(client: APIClient, moment: Any) -> None:
    response = post(client, {**SECTION_9, "expiresAt": moment})
    assert response.status_code == 400
    assert list(response.json()["details"]) == ["expiresAt"]
    assert not Attestation.objects.exists()


def test_an_expiry_keeps_its_moment_whatever_the_offset(client: APIClient) -> None:
    body = {**SECTION_9, "expiresAt": "2027-01-23T02:00:00.5+02:00"}
    answered = post(client, body).json()["attestation"]
    assert answered["expiresAt"] == "2027-01-23T00:00:00.500000Z"


@pytest.mark.parametrize(
    ("given", "network", "wallet", "stored"),
    [
        ("Voi", VOI, WALLET.lower(), WALLET),
        ("ethereum", "ethereum-mainnet", EVM.lower(), EVM),
        ("my-own.net", "my-own.net", "anything at all", "anything at all"),
    ],
)
def test_network_and_wallet_have_one_spelling(
    client: APIClient, given: str, network: str, wallet: str, stored: str
) -> None:
    body = {**SECTION_9, "network": given, "walletAddress": wallet}
    answered = post(client, body).json()["attestation"]
    assert (answered["network"], answered["walletAddress"]) == (network, stored)


@pytest.mark.parametrize(
    ("network", "wallet", "message"),
    [
        (VOI, WALLET[:-1], "An Algorand address has 58 characters."),
        (VOI, SEED_ISSUER, "An Algorand address has 58 characters."),
        (
            ARAMID,
            WALLET[:-1] + "B",
            "The checksum of this Algorand address is wrong; check it for typos.",
        ),
        ("base", WALLET, "An EVM address is 0x and 40 hexadecimal digits."),
    ],
)
def test_a_wallet_is_an_address_of_the_network_that_is_named(
    client: APIClient, network: str, wallet: str, message: str
) -> None:
    body = {**SECTION_9, "network": network, "walletAddress": wallet}
    refused(client, body, {"walletAddress": [message]})
    nowhere = without({**SECTION_9, "walletAddress": wallet}, "network")
    assert post(client, nowhere).status_code == 200


def test_a_malformed_network_is_refused(client: APIClient) -> None:
    message = (
        "A network name has 1 to 50 characters, starts with a letter or a digit, and goes on "
        "with letters, digits, dots, hyphens or underscores."
    )
    refused(client, {**SECTION_9, "network": "voi main"}, {"network": [message]})


def test_a_proof_hash_is_checked_by_its_type(client: APIClient) -> None:
    message = "A SHA-256 hash has 64 hexadecimal digits."
    refused(client, {**SECTION_9, "proofType": "SHA256"}, {"proofHash": [message]})
    assert post(client, {**SECTION_9, "proofType": "Notary"}).status_code == 200
    assert post(client, without(SECTION_9, "proofType")).status_code == 200


@pytest.mark.parametrize(("given", "stored"), [("kyc", "KYC"), ("LICENSE", "License")])
def test_a_known_type_is_spelled_as_in_the_catalogue(
    client: APIClient, given: str, stored: str
) -> None:
    answered = post(client, {**SECTION_9, "attestationType": given}).json()["attestation"]
    assert answered["attestationType"] == stored


def test_an_unknown_type_stays_as_it_is(client: APIClient) -> None:
    answered = post(client, {**SECTION_9, "attestationType": "house style"}).json()["attestation"]
    assert answered["attestationType"] == "house style"


@pytest.mark.parametrize("given", ["Token", "token", "TOKEN", 1, "1"])
def test_a_token_is_attested_without_a_wallet(client: APIClient, given: Any) -> None:
    body = {**without(SECTION_9, "walletAddress"), "subjectType": given}
    answered = post(client, body).json()["attestation"]
    assert (answered["subjectType"], answered["walletAddress"]) == ("Token", None)
    assert Attestation.objects.get().token == Token.objects.get(network=VOI, asset_id=12345)
    refused(
        client,
        {**SECTION_9, "subjectType": given},
        {"walletAddress": ["Not allowed for the subject Token."]},
    )
    refused(
        client,
        without(body, "assetId"),
        {"assetId": ["This field is required."]},
    )


def test_an_issuer_is_attested_by_its_id_alone(
    client_for: Callable[..., APIClient], owner: User, issuer: Issuer
) -> None:
    client = client_for(owner)
    body = {
        **without(SECTION_9, "walletAddress", "assetId"),
        "subjectType": "Issuer",
        "issuerId": str(issuer.pk),
    }
    answered = post(client, body).json()["attestation"]
    assert (answered["issuerId"], answered["assetId"]) == (str(issuer.pk), None)
    assert (answered["walletAddress"], answered["subjectType"]) == (None, "Issuer")
    not_allowed = ["Not allowed for the subject Issuer."]
    refused(client, {**body, "assetId": 12345}, {"assetId": not_allowed})
    refused(client, {**body, "walletAddress": WALLET}, {"walletAddress": not_allowed})
    refused(client, without(body, "issuerId"), {"issuerId": ["This field is required."]})
    refused(client, {**body, "issuerId": "mine"}, {"issuerId": ["Must be a valid UUID."]})


def test_an_issuer_id_belongs_to_the_subject_issuer_alone(
    client: APIClient, issuer: Issuer
) -> None:
    body = {**SECTION_9, "issuerId": str(issuer.pk)}
    refused(client, body, {"issuerId": ["Not allowed for the subject Wallet."]})


def test_an_issuer_out_of_scope_reads_as_missing(
    client: APIClient,
    issuer: Issuer,
    officer: User,
    client_for: Callable[..., APIClient],
    events: Callable[..., list[dict[str, Any]]],
) -> None:
    body = {
        **without(SECTION_9, "walletAddress", "assetId"),
        "subjectType": "Issuer",
        "issuerId": str(issuer.pk),
    }
    refused(client, body, {}, status=404)
    assert len(events("security.access.denied")) == 1
    assert post(client_for(officer), body).status_code == 200


@pytest.mark.parametrize("value", ["Wallets", "", 3, -1, True, [], {}])
def test_another_subject_is_refused(client: APIClient, value: Any) -> None:
    message = "Must be one of Wallet, Token, Issuer."
    refused(client, {**SECTION_9, "subjectType": value}, {"subjectType": [message]})


def test_attributes_are_kept_untouched(client: APIClient) -> None:
    attributes = {
        "regulator_name": "BaFin",
        "qualifiedInvestor": True,
        "score": 9007199254740991,
        "a.b-c": "",
        "Z" * 100: "x" * 1000,
    }
    answered = post(client, {**SECTION_9, "attributes": attributes}).json()["attestation"]
    assert answered["attributes"] == attributes
    assert Attestation.objects.get().attributes == attributes


NAME = (
    "A name has 1 to 100 characters, starts with a letter, and goes on with letters, digits, "
    "dots, hyphens or underscores."
)
VALUE = "A value is text, a whole number or a boolean; write a number with a fraction as text."
TEXT = "A text has at most 1,000 characters and no null characters."


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ([], "Must be an object that maps names to text, whole numbers or booleans."),
        ("a", "Must be an object that maps names to text, whole numbers or booleans."),
        ({f"n{number}": 1 for number in range(51)}, "Must have at most 50 entries."),
        ({"": 1}, NAME),
        ({"1a": 1}, NAME),
        ({"a b": 1}, NAME),
        ({"größe": 1}, NAME),
        ({"a" * 101: 1}, NAME),
        ({"a\n": 1}, NAME),
        ({"a": 1.5}, VALUE),
        ({"a": None}, VALUE),
        ({"a": {}}, VALUE),
        ({"a": ["b"]}, VALUE),
        ({"a": "x" * 1001}, TEXT),
        ({"a": "x\0"}, TEXT),
        ({"a": 2**53}, "A whole number must be below 2^53."),
        ({"a": -(2**53)}, "A whole number must be below 2^53."),
    ],
)
def test_attributes_are_a_flat_map(client: APIClient, attributes: Any, message: str) -> None:
    refused(client, {**SECTION_9, "attributes": attributes}, {"attributes": [message]})


def test_an_unknown_field_is_refused(client: APIClient) -> None:
    body = {**SECTION_9, "verificationStatus": "Verified", "issuedAt": "2020-01-01T00:00:00Z"}
    unknown = ["Unknown field."]
    refused(client, body, {"issuedAt": unknown, "verificationStatus": unknown})


def test_an_unknown_parameter_is_refused(client: APIClient) -> None:
    response = client.post(f"{URL}?network={VOI}", SECTION_9, format="json")
    assert (response.status_code, response.json()["details"]) == (
        400,
        {"network": ["Unknown parameter."]},
    )
    assert not Attestation.objects.exists()


def test_an_asset_on_two_networks_needs_its_network(client: APIClient) -> None:
    TokenFactory.create(asset_id=12345, network=VOI)
    aramid = TokenFactory.create(asset_id=12345, network=ARAMID)
    body = without(SECTION_9, "network")
    refused(client, body, {"network": [ARAMID, VOI]}, status=409)
    assert post(client, {**body, "network": ARAMID}).status_code == 200
    assert Attestation.objects.get().token == aramid


def test_without_a_network_the_only_token_of_the_asset_is_meant(client: APIClient) -> None:
    token = TokenFactory.create(asset_id=12345, network=ARAMID)
    answered = post(client, without(SECTION_9, "network")).json()["attestation"]
    assert answered["network"] is None
    assert Attestation.objects.get().token == token


def test_identical_attestations_accumulate(client: APIClient) -> None:
    assert post(client, SECTION_9).status_code == 200
    assert post(client, SECTION_9).status_code == 200
    assert Attestation.objects.count() == 2


@pytest.mark.parametrize(
    "persona", ["owner", "member", "outsider", "officer", "auditor", "administrator"]
)
def test_everyone_who_signed_in_creates(
    persona: str, request: pytest.FixtureRequest, client_for: Callable[..., APIClient]
) -> None:
    user = request.getfixturevalue(persona)
    answered = post(client_for(user), SECTION_9).json()["attestation"]
    assert answered["createdBy"] == user.label


def test_nobody_creates_without_signing_in(anonymous: APIClient) -> None:
    refused(anonymous, SECTION_9, {}, status=401)


def test_the_event_says_who_and_what_without_free_text(
    client: APIClient, outsider: User, events: Callable[..., list[dict[str, Any]]]
) -> None:
    token = TokenFactory.create(asset_id=12345, network=VOI)
    body = {**SECTION_9, "notes": "SECRET-NOTE", "attributes": {"a": "SECRET-VALUE"}}
    answered = post(client, body).json()["attestation"]
    (event,) = events("attestations.attestation.created")
    assert event["actor"] == outsider.address
    assert event["actorId"] == str(outsider.pk)
    assert (event["network"], event["assetId"]) == (VOI, "12345")
    assert event["issuerId"] == str(token.issuer_id)
    assert event["affectedAddress"] == WALLET
    assert (event["referenceType"], event["referenceId"]) == ("attestation", answered["id"])
    assert event["newStatus"] == "Pending"
    assert event["details"] == {"subjectType": "Wallet", "attestationType": "KYC"}
    assert [row.name for row in AuditEvent.objects.order_by("seq")] == [
        "attestations.attestation.created"
    ]
    for text in ("SECRET", SEED_ISSUER, CID):
        assert text not in AuditEvent.objects.get().body


def test_a_type_that_nobody_knows_stays_out_of_the_log(
    client: APIClient, events: Callable[..., list[dict[str, Any]]]
) -> None:
    post(client, {**SECTION_9, "attestationType": "SECRET type"})
    assert events("attestations.attestation.created")[0]["details"] == {"subjectType": "Wallet"}


def test_a_new_token_is_registered_without_an_owner(client: APIClient) -> None:
    post(client, SECTION_9)
    assert Token.objects.get().issuer is None
    names = [row.name for row in AuditEvent.objects.order_by("seq")]
    assert names == EVENTS_OF_A_NEW_TOKEN


def test_a_refusal_is_recorded_without_what_was_sent(
    client: APIClient, outsider: User, events: Callable[..., list[dict[str, Any]]]
) -> None:
    post(client, {**SECTION_9, "proofHash": "SECRET"})
    (event,) = events()
    assert event["actor"] == outsider.address
    assert (event["success"], event["assetId"]) == (False, "12345")
    assert event["errorMessage"] == (
        "proofHash: Not an IPFS CID: neither version 0 (Qm...) nor version 1 in base32 (b...)."
    )
    assert AuditEvent.objects.get().name == "attestations.attestation.create_failed"
    assert "SECRET" not in AuditEvent.objects.get().body

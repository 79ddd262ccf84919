"""Attestations as files: header, cells, every filter, truncation, limits, and the event."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import override_settings

from accounts.models import User
from attestations.api.filters import AttestationFilter
from attestations.services import attestation_fail, attestation_revoke, attestation_verify
from tests.attestations.bodies import URL, attest
from tests.factories import ARAMID, VOI, client_for, event_bodies, wallet

pytestmark = pytest.mark.django_db
CSV, JSON = f"{URL}/export/csv", f"{URL}/export/json"
HEADER = (
    "Id,WalletAddress,AssetId,IssuerAddress,ProofHash,ProofType,VerificationStatus,"
    "AttestationType,Network,Jurisdiction,RegulatoryFramework,IssuedAt,ExpiresAt,VerifiedAt,"
    "VerifierAddress,Notes,CreatedAt,CreatedBy"
)
START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def download(user: User, url: str = CSV, **parameters: Any) -> Any:
    response = client_for(user).get(url, parameters)
    assert response.status_code == 200, response.content
    return response, b"".join(response).decode()


def records(user: User, **parameters: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(download(user, **parameters)[1], newline="")))


def test_the_header_is_the_seeds_and_a_record_has_every_cell(owner: User, officer: User) -> None:
    with time_machine.travel(START, tick=False):
        row = attest(owner, asset_id=7, notes="by Sumsub", attestation_type="KYC")
        attestation_verify(actor=officer, attestation_id=row.pk)
        response, text = download(owner)
    header, record = text.split("\r\n")[:2]
    assert header == HEADER
    moment = '"2026-03-01T12:00:00Z"'
    assert record.startswith(f'"{row.pk}","{row.wallet_address}",7,"')
    assert record.endswith(
        f'{moment},"",{moment},"{officer.label}","by Sumsub",{moment},"{owner.label}"'
    )
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == (
        'attachment; filename="attestations-export-20260301-120000.csv"'
    )
    assert (response["X-Export-Total"], response["X-Export-Truncated"]) == ("1", "false")


def test_text_that_a_spreadsheet_would_run_is_guarded_and_comes_back(owner: User) -> None:
    formula = '=HYPERLINK("http://evil","x")'
    attest(owner, notes=formula, jurisdiction="+1", issuer_address="@x\ny")
    (record,) = records(owner)
    assert record["Notes"] == "'" + formula
    assert record["Jurisdiction"] == "'+1"
    assert record["IssuerAddress"] == "'@x\ny"


def test_every_filter_of_the_list_selects_the_same_rows(owner: User, officer: User) -> None:
    with time_machine.travel(START, tick=False) as clock:
        attest(owner, wallet_address=wallet(1), asset_id=7, expires_at=START + timedelta(days=1))
        verified = attest(owner, wallet_address=wallet(2), asset_id=8, attestation_type="AML")
        attestation_verify(actor=officer, attestation_id=verified.pk)
        clock.move_to(START + timedelta(days=2))
        failed = attest(owner, asset_id=8, network=ARAMID, issuer_address="another")
        attestation_fail(actor=officer, attestation_id=failed.pk, reason="forged")
        revoked = attest(owner, wallet_address=wallet(3), asset_id=8)
        attestation_revoke(actor=officer, attestation_id=revoked.pk, reason="left")
        asked: list[dict[str, Any]] = [
            {},
            {"walletAddress": wallet(2)},
            {"assetId": 8},
            {"issuerAddress": "another"},
            *({"verificationStatus": one} for one in ("Verified", "Failed", "Expired", "Revoked")),
            {"attestationType": "AML"},
            {"network": VOI},
            {"excludeExpired": "true"},
            {"fromDate": "2026-03-02"},
            {"toDate": "2026-03-01"},
            {"assetId": 8, "network": ARAMID, "fromDate": "2026-03-03", "toDate": "2026-03-03"},
        ]
        assert {name for one in asked for name in one} == set(AttestationFilter.base_filters)
        sizes = set()
        for parameters in asked:
            listed = client_for(owner).get(URL, parameters).json()
            file = json.loads(download(owner, JSON, **parameters)[1])
            assert file["attestations"] == listed["attestations"]
            assert file["totalCount"] == listed["totalCount"]
            assert (file["success"], file["truncated"], file["page"]) == (True, False, 1)
            ids = [one["id"] for one in listed["attestations"]]
            assert [one["Id"] for one in records(owner, **parameters)] == ids
            assert ids, parameters
            sizes.add(len(ids))
    assert len(sizes) >= 3


@pytest.mark.parametrize("url", [CSV, JSON])
@pytest.mark.parametrize(
    "query",
    ["page=1", "pageSize=5", "cursor=x", "nonsense=1", "assetId=x", "network=%00",
     "verificationStatus=Nonsense", "fromDate=2026-02-02&toDate=2026-02-01", "assetId=1&assetId=2"],
)  # fmt: skip
def test_bad_parameters_are_refused_and_nothing_is_exported(
    owner: User, url: str, query: str
) -> None:
    assert client_for(owner).get(f"{url}?{query}").status_code == 400
    assert event_bodies("attestations.attestation.exported") == []


@override_settings(EXPORT_ROW_LIMIT=2)
def test_a_file_that_stops_before_the_end_says_so(owner: User) -> None:
    rows = [attest(owner, wallet_address=wallet(number)) for number in range(3)]
    response, text = download(owner)
    assert (response["X-Export-Total"], response["X-Export-Truncated"]) == ("3", "true")
    newest = [str(row.pk) for row in reversed(rows)][:2]
    assert [one["Id"] for one in csv.DictReader(io.StringIO(text))] == newest
    response, text = download(owner, JSON)
    file = json.loads(text)
    assert [one["id"] for one in file["attestations"]] == newest
    assert (file["totalCount"], file["pageSize"], file["totalPages"]) == (3, 2, 2)
    assert file["truncated"] is True
    assert response["X-Export-Truncated"] == "true"


def test_more_rows_than_a_chunk_are_one_document(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attestations.api.exports._CHUNK", 2)
    for number in range(5):
        attest(owner, wallet_address=wallet(number))
    for many in (5, 4):
        monkeypatch.setattr("django.conf.settings.EXPORT_ROW_LIMIT", many, raising=False)
        assert len(json.loads(download(owner, JSON)[1])["attestations"]) == many
        assert len(records(owner)) == many


def test_an_export_is_an_event_of_the_token_that_it_names(owner: User, outsider: User) -> None:
    attest(owner, asset_id=8)
    download(outsider, JSON, assetId=8)
    download(outsider)
    named, whole = event_bodies("attestations.attestation.exported")
    assert (named["assetId"], named["network"], named["actor"]) == ("8", VOI, outsider.label)
    assert named["filterCriteria"] == "AssetId=8"
    assert named["details"] == {"view": "attestations", "format": "json", "matching": 1}
    assert named["itemCount"] == 1
    assert "assetId" not in whole
    assert whole["details"]["format"] == "csv"
    assert (whole["actionType"], whole["category"]) == ("Export", "Compliance")


@override_settings(RATE_LIMIT_EXPORT="2/m")
def test_exports_are_limited_together(owner: User) -> None:
    client = client_for(owner)
    answers = [client.get(url) for url in (CSV, JSON, CSV)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert int(answers[-1]["Retry-After"]) >= 1

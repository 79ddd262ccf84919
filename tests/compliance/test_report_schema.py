"""The published schema: every field described, every report valid against it, open for 1.x."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from jsonschema import Draft202012Validator

from accounts.models import Token, User
from compliance.services.metadata import metadata_upsert
from config.api.formats import utc_text
from tests.compliance.reports import URL, generate
from tests.factories import client_for

pytestmark = pytest.mark.django_db
TYPES = ("Full", "MicaReadiness", "AuditTrail", "ComplianceBadge")


@pytest.fixture
def schema(owner: User) -> dict[str, Any]:
    response = client_for(owner).get(f"{URL}/schema/1.0")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/schema+json"
    document: dict[str, Any] = json.loads(response.content)
    return document


def subschemas(schema: dict[str, Any], path: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema of a field, of an item or of a definition."""
    for group in ("properties", "$defs"):
        for name, inner in schema.get(group, {}).items():
            yield f"{path}/{name}", inner
            yield from subschemas(inner, f"{path}/{name}")
    if "items" in schema:
        yield f"{path}[]", schema["items"]
        yield from subschemas(schema["items"], f"{path}[]")
    for inner in schema.get("oneOf", ()):
        yield from subschemas(inner, f"{path}|")


def described(schema: dict[str, Any], inner: dict[str, Any]) -> bool:
    if inner.get("description", "").endswith("."):
        return True
    name = inner.get("$ref", "").removeprefix("#/$defs/")
    return name in schema["$defs"] and described(schema, schema["$defs"][name])


def file_of(user: User, **body: Any) -> dict[str, Any]:
    report = generate(user, **body)
    document: dict[str, Any] = json.loads(
        client_for(user).get(f"{URL}/{report['reportId']}/download").content
    )
    return document


def undescribed(schema: dict[str, Any], node: dict[str, Any], value: Any, path: str) -> list[str]:
    """The fields of a report that the schema does not know."""
    while "$ref" in node:
        node = schema["$defs"][node["$ref"].removeprefix("#/$defs/")]
    if "oneOf" in node:
        node = {} if value is None else node["oneOf"][1]
    if isinstance(value, list):
        items = node.get("items", {})
        return [one for inner in value for one in undescribed(schema, items, inner, f"{path}[]")]
    if not isinstance(value, dict):
        return []
    known = dict(node.get("properties", {}))
    for one in node.get("allOf", ()):
        if "$ref" in one:
            known |= schema["$defs"][one["$ref"].removeprefix("#/$defs/")]["properties"]
    strange = [f"{path}.{name}" for name in value if name not in known]
    for name, inner in value.items():
        strange += undescribed(schema, known.get(name, {}), inner, f"{path}.{name}")
    return strange


def test_it_is_valid_and_describes_every_field(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    fields = list(subschemas(schema))
    assert len(fields) > 150
    assert [path for path, inner in fields if not described(schema, inner)] == []


@pytest.mark.parametrize("kind", TYPES)
def test_every_report_is_valid_and_holds_nothing_undescribed(
    schema: dict[str, Any], compliant_token: Token, owner: User, kind: str
) -> None:
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    soon = timezone.now() + timedelta(days=3)
    for changes in (
        {},
        {"jurisdiction": "US,DE,Atlantis"},
        {"next_compliance_review": soon, "jurisdiction": "Atlantis", "kyc_provider": None},
    ):
        metadata_upsert(
            actor=owner,
            asset_id=compliant_token.asset_id,
            network=compliant_token.network,
            changes=changes,
        )
        report = file_of(owner, reportType=kind)
        assert report["content"]["reportType"] == kind
        assert [error.message for error in validator.iter_errors(report)] == []
        assert undescribed(schema, schema, report, "") == []
    if kind in ("Full", "AuditTrail"):
        report = file_of(owner, reportType=kind, fromDate="2020-01-01", toDate="2999-12-31")
        validator.validate(report)
        assert report["content"]["period"]["to"] == "2999-12-31T23:59:59.999999Z"


@pytest.mark.parametrize("kind", TYPES)
def test_it_refuses_a_report_that_lacks_a_field(
    schema: dict[str, Any], compliant_token: Token, owner: User, kind: str
) -> None:
    validator = Draft202012Validator(schema)
    report = file_of(owner, reportType=kind)
    for name in report:
        assert not validator.is_valid({key: report[key] for key in report if key != name}), name
    for name in report["content"]:
        content = {key: value for key, value in report["content"].items() if key != name}
        assert not validator.is_valid({**report, "content": content}), name
    assert not validator.is_valid({**report, "digest": "abc"})
    renamed = {**report["content"], "summary": {**report["content"]["summary"], "status": "Good"}}
    assert not validator.is_valid({**report, "content": renamed})


def test_additions_keep_1_x_readable(
    schema: dict[str, Any], compliant_token: Token, owner: User
) -> None:
    report = file_of(owner)
    later = {
        **report,
        "added": 1,
        "schemaVersion": "1.7",
        "content": {
            **report["content"],
            "schemaVersion": "1.7",
            "added": True,
            "checks": [{**check, "added": None} for check in report["content"]["checks"]],
        },
    }
    Draft202012Validator(schema).validate(later)
    assert not Draft202012Validator(schema).is_valid({**later, "schemaVersion": "2.0"})


def test_it_is_cached_by_its_etag_and_only_known_versions_exist(owner: User) -> None:
    client = client_for(owner)
    etag = client.get(f"{URL}/schema/1.0").headers["ETag"]
    assert client.get(f"{URL}/schema/1.0", HTTP_IF_NONE_MATCH=etag).status_code == 304
    missing = client.get(f"{URL}/schema/2.0")
    assert (missing.status_code, missing.json()["errorCode"]) == (404, "NOT_FOUND")
    assert client.get(f"{URL}/schema/..%2f1.0").status_code == 404
    assert client_for(None).get(f"{URL}/schema/1.0").status_code == 401


def test_the_openapi_document_refers_to_it(client: Any) -> None:
    document = client.get(reverse("schema")).json()
    content = document["components"]["schemas"]["Report"]["properties"]["content"]
    assert content["externalDocs"]["url"] == f"{URL}/schema/1.0"
    assert f"{URL}/schema/1.0" in content["description"]
    verify = document["paths"][f"{URL}/verify"]["post"]["requestBody"]["content"]
    assert verify["application/json"]["schema"]["externalDocs"]["url"] == f"{URL}/schema/1.0"
    assert f"{URL}/schema/{{version}}" in document["paths"]


def test_a_moment_is_written_in_utc(compliant_token: Token, owner: User) -> None:
    moment = timezone.now()
    report = file_of(owner, asOf=moment.isoformat())
    assert report["content"]["asOf"] == utc_text(moment)
    assert {check["evaluatedAt"] for check in report["content"]["checks"]} == {utc_text(moment)}

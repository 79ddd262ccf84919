"""The OpenAPI document: the committed one, valid, complete, and honest about its errors.

After a change that is meant to change it:

    python3 manage.py spectacular --format openapi-json --validate --fail-on-warn \
        --file tests/contract/openapi.json
"""

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from config.api.catalogue import CATALOGUE
from tests.contract.routes import api_operations
from tests.contract.world import ENVELOPE

BASELINE = Path(__file__).with_name("openapi.json")
APPS_WITH_ROUTES = (
    "accounts",
    "attestations",
    "audit",
    "compliance",
    "deployments",
    "jurisdictions",
    "whitelist",
)
REGENERATE = (
    "If that is meant: python3 manage.py spectacular --format openapi-json --validate "
    "--fail-on-warn --file tests/contract/openapi.json"
)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    # Both options raise: a warning and an invalid document fail every test here.
    out = StringIO()
    call_command("spectacular", format="openapi-json", validate=True, fail_on_warn=True, stdout=out)
    made: dict[str, Any] = json.loads(out.getvalue())
    return made


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield method.upper(), path, operation


def _resolved(document: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in value:
        found: Any = document
        for name in value["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        value = found
    return value


def test_the_document_is_the_committed_one(document: dict[str, Any]) -> None:
    assert document == json.loads(BASELINE.read_text()), REGENERATE


def test_it_is_openapi_3_1_and_names_every_operation_of_the_api(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    documented = sorted((method, path.count("{")) for method, path, _ in _operations(document))
    routed = sorted((method, route.count("<")) for method, route in api_operations())
    assert documented == routed
    names = [operation["operationId"] for _, _, operation in _operations(document)]
    assert len(names) == len(set(names))


def test_every_operation_says_what_it_does(document: dict[str, Any]) -> None:
    for method, path, operation in _operations(document):
        assert operation.get("summary"), (method, path)
        assert operation.get("description"), (method, path)
        (tag,) = operation["tags"]
        assert tag in APPS_WITH_ROUTES


def test_every_operation_documents_its_errors_in_the_envelope(document: dict[str, Any]) -> None:
    for method, path, operation in _operations(document):
        errors = {status for status in operation["responses"] if status[0] in "45"}
        assert errors >= {"400", "401", "429", "500", "503"}, (method, path)
        if method != "GET":
            assert errors >= {"413", "415"}, (method, path)
        for status in errors:
            response = _resolved(document, operation["responses"][status])
            (content,) = response["content"].values()
            named = "Blocked" if _is_enforced(path, status) else "ErrorEnvelope"
            assert content["schema"] == {"$ref": f"#/components/schemas/{named}"}
            for name, reference in content["examples"].items():
                example = _resolved(document, reference)["value"]
                assert example["errorCode"] == name
                assert CATALOGUE[name].status == int(status)
                assert set(example) == ENVELOPE


def _is_enforced(path: str, status: str) -> bool:
    return path.endswith("/simulate") and status in ("400", "401", "403")


def test_the_envelope_and_every_code_of_the_catalogue_are_documented(
    document: dict[str, Any],
) -> None:
    schema = document["components"]["schemas"]["ErrorEnvelope"]
    assert set(schema["properties"]) == ENVELOPE
    assert schema["properties"]["errorCode"]["enum"] == list(CATALOGUE)
    shown = set()
    for _, _, operation in _operations(document):
        for status, response in operation["responses"].items():
            if status[0] in "45":
                content = _resolved(document, response)["content"]["application/json"]
                shown |= set(content["examples"])
    assert shown == set(CATALOGUE) - {"METHOD_NOT_ALLOWED"}  # a documented method is allowed
    for example in document["components"]["examples"].values():
        entry = CATALOGUE[example["value"]["errorCode"]]
        assert example["value"]["errorMessage"] == entry.message
        assert example["value"]["remediationHint"] == entry.hint
        assert example["value"]["retryable"] is entry.retryable


def test_both_ways_to_sign_in_are_documented(document: dict[str, Any]) -> None:
    schemes = document["components"]["securitySchemes"]
    assert (schemes["SigTx"]["type"], schemes["SigTx"]["in"], schemes["SigTx"]["name"]) == (
        "apiKey",
        "header",
        "Authorization",
    )
    assert (schemes["Bearer"]["type"], schemes["Bearer"]["scheme"]) == ("http", "bearer")
    for _, path, operation in _operations(document):
        if path in ("/api/v1/auth/login", "/api/v1/auth/refresh"):
            assert operation["security"] == [{}]
        else:
            assert operation["security"] == [{"SigTx": []}, {"Bearer": []}], path


BARE = "/api/v1/token/deployments/{deploymentId}/history"  # an array, as the incumbent answers


def test_success_is_200_or_202_with_a_documented_body(document: dict[str, Any]) -> None:
    for method, path, operation in _operations(document):
        good = {status for status in operation["responses"] if status[0] in "23"}
        kinds = ({"200"}, {"200", "304"}, {"202"}, {"200", "202"}, {"200", "206", "304"})
        assert good in kinds, (method, path)
        for content in operation["responses"][min(good)]["content"].values():
            shape = _resolved(document, content["schema"])
            wanted = ("array",) if path == BARE else ("object", "string")  # in its envelope
            assert shape["type"] in wanted, (method, path)


def test_parameters_are_spelled_as_on_the_wire(document: dict[str, Any]) -> None:
    for _, _, operation in _operations(document):
        for parameter in operation.get("parameters", []):
            if parameter["in"] != "header":
                assert "_" not in parameter["name"]
    for name, schema in document["components"]["schemas"].items():
        for field in schema.get("properties", {}):
            assert "_" not in field, (name, field)


def test_the_served_document_is_the_same(document: dict[str, Any], client: Any) -> None:
    for accept in ("*/*", "text/html", "application/vnd.oai.openapi+json"):
        response = client.get("/api/schema", headers={"accept": accept})
        assert response.status_code == 200
        assert response.headers["Content-Type"].startswith("application/vnd.oai.openapi+json")
        assert json.loads(response.content) == document

"""Bad input on every operation: its 4xx in the envelope, never a 5xx, and nothing changed.

Which fields and parameters an operation has, and of which kind, is read from the committed OpenAPI
document, so a new one is tested without a change here.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jurisdictions.services.lifecycle import pack_submit
from tests.contract.bodies import (
    EXPORT,
    NEW_PACK,
    PACK,
    PAIR,
    REQUIREMENT,
    SIMULATIONS,
    cosignature_body,
    simulation_body,
    waiver_body,
)
from tests.contract.routes import api_operations
from tests.contract.world import (
    ASSET,
    EMAIL,
    HOOK,
    ISSUANCE,
    LISTED,
    NEW_ASSET,
    PASSWORD,
    QUERIES,
    Ask,
    World,
    assert_envelope,
    contents,
    disabled,
    queued,
    refresh_token,
    undone,
    waiting_export,
    waiting_run,
)
from tests.factories import CID, VOI, wallet
from tests.jurisdictions.rules import tried

pytestmark = pytest.mark.django_db
DOCUMENT = json.loads(Path(__file__).with_name("openapi.json").read_text())

_RULES = "compliance/jurisdiction-rules"
_DRAFT = f"{_RULES}/<slug:pack_id>/<version:version>"
_ISSUER = "issuers/<uuid:issuer_id>"
_DEPLOYMENT = "token/deployments/<uuid:deployment_id>"
_HOOK = "webhooks/subscriptions/<uuid:subscription_id>"
_WAIVER = "compliance/waivers/<uuid:waiver_id>"


def _reviewed(world: World, body: dict[str, Any]) -> dict[str, Any]:
    pack_submit(actor=world.user("officer"), pack=world.pack)
    return body


def _waiting(world: World) -> dict[str, Any]:
    # The world's run has finished; the path is that of a waiting one.
    world.dry_run = waiting_run(world)
    return {}


def _queued(world: World) -> dict[str, Any]:
    # The world's deployment has failed; the path is that of a queued one.
    world.deployment = queued(world.user("owner"))
    return {"reason": "wrong name"}


def _waiting_export(world: World) -> dict[str, Any]:
    world.export = waiting_export(world.user("owner"))
    return {}


# A good request of every operation that takes a body, and who may send it, is in BODIES.
# Takes a file, up to its own limit.
FILES = {
    ("POST", "compliance/reports/verify"),
    ("POST", "compliance/attestation-packages/verify"),
    ("POST", "whitelist/<asset:asset_id>/import/csv"),
}

BODIES: dict[tuple[str, str], tuple[str, Callable[[World], Any]]] = {
    ("POST", "auth/login"): ("anonymous", lambda w: {"email": EMAIL, "password": PASSWORD}),
    ("POST", "auth/refresh"): ("anonymous", lambda w: {"refreshToken": refresh_token()}),
    ("POST", "auth/logout"): ("owner", lambda w: {}),
    ("POST", "compliance"): (
        "owner",
        lambda w: {"assetId": NEW_ASSET, "network": VOI, "jurisdiction": "DE"},
    ),
    ("DELETE", "compliance/<asset:asset_id>"): ("owner", lambda w: {"network": VOI}),
    ("POST", "compliance/reports"): ("owner", lambda w: {"assetId": ASSET, "network": VOI}),
    ("POST", "compliance/attestation"): (
        "owner",
        lambda w: {"tokenId": ASSET, "network": VOI, "format": "json"},
    ),
    ("POST", "compliance/attestations"): (
        "owner",
        lambda w: {
            "walletAddress": wallet(7),
            "assetId": ASSET,
            "network": VOI,
            "issuerAddress": "the provider",
            "proofHash": CID,
            "attributes": {"regulator": "BaFin", "qualified": True, "level": 3},
        },
    ),
    **{
        ("POST", f"compliance/attestations/<uuid:attestation_id>/{verb}"): (
            "officer",
            lambda w: {"reason": "the document was read"},
        )
        for verb in ("verify", "fail", "revoke")
    },
    ("POST", _RULES): ("officer", lambda w: NEW_PACK),
    ("POST", f"{_RULES}/evaluate"): (
        "officer",
        lambda w: {
            "assetId": ASSET,
            "network": VOI,
            "packId": w.pack.pack_id,
            "version": w.pack.version,
        },
    ),
    ("PATCH", _DRAFT): ("officer", lambda w: {**PACK, "notes": ["Ask counsel."]}),
    ("PUT", _DRAFT): ("officer", lambda w: PACK),
    ("POST", f"{_DRAFT}/submit"): ("officer", lambda w: {}),
    ("POST", f"{_DRAFT}/return"): ("officer", lambda w: _reviewed(w, {"reason": "Cite."})),
    ("POST", f"{_DRAFT}/activate"): (
        "administrator",
        lambda w: _reviewed(w, {"dryRunReport": tried(w.pack)}),
    ),
    ("POST", f"{_DRAFT}/dry-runs"): ("officer", lambda w: {}),
    ("DELETE", "compliance/dry-runs/<uuid:run_id>"): ("officer", lambda w: _waiting(w)),
    ("POST", "exports"): ("owner", lambda w: EXPORT),
    ("POST", "exports/<uuid:export_id>/cancel"): ("owner", lambda w: _waiting_export(w)),
    ("DELETE", "compliance/reports/jobs/<uuid:job_id>"): ("owner", lambda w: {}),
    ("POST", f"{_DRAFT}/retire"): ("officer", lambda w: {"reason": "Repealed."}),
    ("POST", f"{_DRAFT}/requirements"): ("officer", lambda w: REQUIREMENT),
    ("PATCH", f"{_DRAFT}/requirements/<rule:key>"): ("officer", lambda w: {"title": "Other"}),
    ("PUT", f"{_DRAFT}/requirements/<rule:key>"): ("officer", lambda w: REQUIREMENT),
    ("DELETE", f"{_DRAFT}/requirements/<rule:key>"): ("officer", lambda w: {}),
    ("POST", f"{_RULES}/assign"): (
        "owner",
        lambda w: {"assetId": NEW_ASSET, "network": VOI, "jurisdictionCode": "Narnia"},
    ),
    ("DELETE", "compliance/token-jurisdictions"): (
        "owner",
        lambda w: {"assetId": ASSET, "jurisdictionCode": "GLOBAL"},
    ),
    ("POST", f"{_ISSUER}/jurisdictions"): ("owner", lambda w: {"jurisdictionCode": "Narnia"}),
    ("DELETE", f"{_ISSUER}/jurisdictions"): ("owner", lambda w: {"jurisdictionCode": "GLOBAL"}),
    ("POST", "compliance/<asset:asset_id>/facts"): (
        "owner",
        lambda w: {"network": VOI, "facts": {"token.isin": "DE000BASF111"}},
    ),
    ("POST", f"{_ISSUER}/facts"): (
        "owner",
        lambda w: {"facts": {"issuer.website": "https://a.test"}},
    ),
    ("POST", "audit-trail/checkpoint/cosign"): ("owner", lambda w: cosignature_body()),
    ("POST", "compliance/waivers"): ("officer", lambda w: waiver_body()),
    ("POST", "whitelist"): (
        "owner",
        lambda w: {
            "assetId": NEW_ASSET,
            "network": VOI,
            "address": wallet(7),
            "status": "Active",
            "expirationDate": "2027-01-21T00:00:00Z",
            "role": "Admin",
        },
    ),
    ("POST", "whitelist/bulk"): (
        "owner",
        lambda w: {"assetId": NEW_ASSET, "addresses": [wallet(7), wallet(8)], "mode": "All"},
    ),
    ("POST", "whitelist/validate-transfer"): ("outsider", lambda w: {**PAIR, "amount": 5}),
    ("POST", "whitelist/validate-transfers"): ("outsider", lambda w: {"transfers": [PAIR]}),
    **{
        ("POST", f"token/{verb}/simulate"): (
            "owner",
            lambda w, verb=verb: simulation_body(w, verb),  # type: ignore[misc]
        )
        for verb in SIMULATIONS
    },
    ("DELETE", "whitelist/imports/<uuid:import_id>"): ("owner", lambda w: {}),
    ("DELETE", "whitelist"): ("owner", lambda w: {"assetId": ASSET, "address": LISTED}),
    ("PUT", "whitelist/<asset:asset_id>/policy"): (
        "owner",
        lambda w: {"network": VOI, "enforcement": "Mandatory"},
    ),
    ("POST", "token/deployments"): (
        "owner",
        lambda w: {
            **ISSUANCE,
            "issuerId": str(w.issuer.pk),
            "complianceMetadata": {"jurisdiction": "DE", "maxHolders": None},
        },
    ),
    ("POST", "token/deployments/audit-trail/export"): ("owner", lambda w: {"format": "csv"}),
    ("POST", f"{_DEPLOYMENT}/cancel"): ("owner", lambda w: _queued(w)),
    ("POST", f"{_DEPLOYMENT}/retry"): ("owner", lambda w: {}),
    ("POST", "webhooks/subscriptions"): (
        "owner",
        lambda w: {**HOOK, "assetIdFilter": ASSET, "networkFilter": VOI, "description": "ours"},
    ),
    ("PUT", _HOOK): ("owner", lambda w: {**HOOK, "isActive": True}),
    ("PATCH", _HOOK): ("owner", lambda w: {"description": "ours", "isActive": False}),
    ("DELETE", _HOOK): ("owner", lambda w: {}),
    ("POST", f"{_HOOK}/rotate-secret"): ("owner", lambda w: {}),
    ("POST", f"{_HOOK}/enable"): ("owner", lambda w: disabled(w)),
    ("POST", f"{_HOOK}/test"): ("owner", lambda w: {}),
    ("POST", "webhooks/deliveries/<uuid:delivery_id>/redeliver"): ("owner", lambda w: {}),
    ("POST", f"{_WAIVER}/approve"): ("administrator", lambda w: {}),
    ("POST", f"{_WAIVER}/revoke"): ("officer", lambda w: {"reason": "it is met by now"}),
}
OPERATIONS = sorted(BODIES)


def _documented(method: str, route: str) -> dict[str, Any]:
    wanted = route.count("<"), [part for part in route.split("/") if "<" not in part]
    for path, operations in DOCUMENT["paths"].items():
        parts = path.removeprefix("/api/v1/").split("/")
        if (path.count("{"), [part for part in parts if "{" not in part]) == wanted:
            operation: dict[str, Any] = operations[method.lower()]
            return operation
    raise LookupError(route)


_NETWORK = {"network": {"type": ["string", "null"], "maxLength": 50}}
_TAG = {"jurisdictionCode": {"type": "string", "maxLength": 200}}
DELETE_FIELDS: dict[str, dict[str, dict[str, Any]]] = {
    "compliance/<asset:asset_id>": _NETWORK,
    "compliance/token-jurisdictions": {**_NETWORK, **_TAG, "assetId": {"type": "integer"}},
    f"{_ISSUER}/jurisdictions": _TAG,
    "whitelist": {
        **_NETWORK,
        "assetId": {"type": "integer"},
        "address": {"type": "string", "maxLength": 100},
    },
}


def _fields(method: str, route: str) -> dict[str, dict[str, Any]]:
    content = _documented(method, route).get("requestBody", {}).get("content", {})
    if not content:
        # The document leaves out a body that HTTP gives no meaning: that of a DELETE.
        return DELETE_FIELDS.get(route, {}) if method == "DELETE" else {}
    name = content["application/json"]["schema"]["$ref"].rpartition("/")[2]
    fields: dict[str, dict[str, Any]] = DOCUMENT["components"]["schemas"][name]["properties"]
    return fields


BAD_TIMES = (
    "2026-02-30T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-01-01T25:00:00Z",
    "2026-01-01T00:61:00Z",
    "2026-01-01T00:00:00+99:00",
    "2026-02-29",
    "0000-00-00",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "10000-01-01T00:00:00Z",
    "2026-01-01T00:00:00Z\x00",
    "yesterday",
    "1" * 500,
    "20260131",
    "2026-W05-6",
    "2026-01-31x00:00:00",
    "",
)
_NEVER = (1.5, [], {}, ["x"], {"x": "y"}, [[["x"]]])
BAD: dict[str, tuple[Any, ...]] = {
    "text": (*_NEVER, 1, 0, True, False, "a\x00b", "\x00"),
    "moment": (*_NEVER, 1, 2**63, True, *BAD_TIMES),
    "uuid": (*_NEVER, True, "x", "\x00", "0" * 31, -1, 2**200, "g" * 32),
    "integer": (*_NEVER, True, "x", "", "1.5", "0x10", "\x00", 0, -1, 2**63, 2**64, -(2**63), 1e300,
                "9" * 400, "9" * 2000),
    "number": ([], {}, ["x"], {"x": "y"}, True, "x", "", "\x00", "NaN", "1e5", -1, -0.5, 1e300,
               "9" * 400),
    "boolean": (*_NEVER, 1, 0, "true", "yes", ""),
    "choice": (*_NEVER, True, "Nonsense", "", "\x00", 99, -1, 2**64, "9" * 400, "x" * 5000),
    "map": (1, 1.5, True, "x", [], ["x"], {"a": {"b": 1}}, {"a": [1]}, {"a": 1.5}, {"a": 2**63},
            {"a\x00": "x"}, {"a": "b\x00"}, {"": "x"}, {"a" * 5000: "x"}, {"a": "x" * 50_000},
            {f"key{number}": 1 for number in range(1000)}),
    "nested": (1, 1.5, True, "x", ["x"], {"nonsense": 1}, {"a\x00": "x"}),
    "object": (1, 1.5, True, "x", [], ["x"], {"a\x00": "x"}, {"a": "b\x00"}, {"a": "x" * 60_000}),
    "list": (1, 1.5, True, "x", {}, {"x": "y"}, [1], [["x"]], ["\x00"], [{"a": "\x00"}],
             ["x" * 5000], [[]] * 1000),
}  # fmt: skip


def _kind(schema: dict[str, Any]) -> str:
    if "oneOf" in schema:
        return "nested" if any("$ref" in one for one in schema["oneOf"]) else "choice"
    types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    if "string" in types:
        return {"date-time": "moment", "uuid": "uuid"}.get(schema.get("format", ""), "text")
    if "object" in types:
        return "object" if schema.get("additionalProperties") is True else "map"
    kind = next(kind for kind in types if kind != "null")
    return "list" if kind == "array" else kind


def _bad_values(schema: dict[str, Any]) -> Iterator[Any]:
    for value in BAD[_kind(schema)]:
        whole = isinstance(value, int) and not isinstance(value, bool) and "minimum" in schema
        if not whole or not schema["minimum"] <= value <= schema.get("maximum", value):
            yield value
    if "maxLength" in schema:
        yield "x" * (schema["maxLength"] + 1)


def test_every_operation_with_a_body_is_here() -> None:
    writing = {(method, route) for method, route in api_operations() if method != "GET"}
    assert set(BODIES) | FILES == writing


@pytest.fixture(params=OPERATIONS, ids=lambda one: f"{one[0]} {one[1]}")
def operation(request: pytest.FixtureRequest, world: World) -> Iterator["Operation"]:
    """Give one writing operation; whatever the test sent, nothing may have changed after it."""
    method, route = request.param
    persona, make = BODIES[request.param]
    subject = Operation(world, method, route, persona, make(world))
    before = contents()
    yield subject
    assert contents() == before


class Operation:
    """An operation with a good body, to be sent as it is or spoiled."""

    def __init__(self, world: World, method: str, route: str, persona: str, body: Any) -> None:
        self.method, self.route, self.good = method, route, body
        self.path = f"/api/v1/{world.path(route)}"
        self.client = world.client(persona)

    def send(self, body: Any, query: str = "") -> Any:
        return self.raw(json.dumps(body).encode(), query=query)

    def raw(self, body: bytes, content_type: str = "application/json", query: str = "") -> Any:
        return self.client.generic(
            self.method, self.path + query, data=body, content_type=content_type
        )

    def refused(self, response: Any, status: int = 400) -> dict[str, Any]:
        return assert_envelope(response, status, self.path)


NO_OBJECTS = (b"[]", b'[{"assetId": 1}]', b'"x"', b"1", b"null", b"true", b"false", b'""', b"0")
NO_JSON = (
    b"{",
    b"}",
    b"{]",
    b"{'assetId': 1}",
    b'{"assetId": 1,}',
    b'{"assetId": NaN}',
    b'{"assetId": Infinity}',
    b'{"assetId": 01}',
    b"assetId=1",
    b"\xef\xbb\xbf{}",
    b'{"notes": "\x00"}',
    b'{"notes": "\xff\xfe"}',
    b'{"notes": "\xc3("}',
    b'{"notes": "\\ud800"}',
    "{}".encode("utf-16"),
    b"\x00",
    b"\xff",
    b" ",
)
OTHER_TYPES = (
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/xml",
    "application/jsonp",
    "text/json",
    "nonsense",
    "/",
    ";",
)


class TestBodies:
    def test_the_good_body_is_accepted(self, operation: Operation) -> None:
        with undone():
            assert operation.send(operation.good).status_code in (200, 202)

    def test_every_field_refuses_what_it_cannot_be(self, operation: Operation) -> None:
        fields = _fields(operation.method, operation.route)
        assert set(operation.good) <= set(fields)
        for name, schema in fields.items():
            for value in _bad_values(schema):
                with undone():
                    response = operation.send({**operation.good, name: value})
                    assert response.status_code in (400, 422), (name, value, response.content)
                    body = operation.refused(response, response.status_code)
                assert any(key.partition(".")[0] == name for key in body["details"]), (name, value)

    def test_every_required_field_is_asked_for(self, operation: Operation) -> None:
        for name in operation.good:
            body = {key: value for key, value in operation.good.items() if key != name}
            with undone():
                response = operation.send(body)
                if response.status_code not in (200, 202):
                    answer = operation.refused(response)
                    assert name in answer["details"]

    def test_an_unknown_field_is_named(self, operation: Operation) -> None:
        for name in ("nonsense", "asset_id", "__proto__", "x" * 5000, "ü", "\x00", ""):
            body = operation.refused(operation.send({**operation.good, name: "x"}))
            assert body["details"] == {name[:100] or "request": ["Unknown field."]} or (
                name == "" and body["details"]
            )

    def test_many_unknown_fields_give_a_short_answer(self, operation: Operation) -> None:
        many = {f"field{number}": 1 for number in range(20_000)}
        response = operation.send({**operation.good, **many})
        assert len(operation.refused(response)["details"]) <= 20
        assert len(response.content) < 5_000

    def test_anything_but_an_object_is_refused(self, operation: Operation) -> None:
        for body in NO_OBJECTS:
            operation.refused(operation.raw(body))

    def test_what_is_no_json_in_utf_8_is_refused(self, operation: Operation) -> None:
        for body in NO_JSON:
            answer = operation.refused(operation.raw(body))
            assert answer["errorCode"] == "MALFORMED_JSON", body

    def test_deep_json_is_refused(self, operation: Operation) -> None:
        for depth in (900, 5_000, 190_000):
            for opening, closing in ((b"[", b"]"), (b'{"":', b"}")):
                deep = opening * depth + b"1" + closing * depth
                operation.refused(operation.raw(b'{"nonsense":' + deep + b"}"))
                for name in operation.good:
                    operation.refused(operation.raw(b'{"%s":%s}' % (name.encode(), deep)))

    def test_a_body_of_a_million_bytes_is_too_large(self, operation: Operation) -> None:
        for size in (1_000_000, 1_000_001, 3_000_000):
            for start in (b"{}", b"", b'{"notes":"'):
                answer = operation.refused(operation.raw(start.ljust(size, b" ")), 413)
                assert answer["errorCode"] == "PAYLOAD_TOO_LARGE"
        with undone():
            good = json.dumps(operation.good).encode()
            assert operation.raw(good.ljust(999_999, b" ")).status_code in (200, 202)

    def test_another_content_type_is_415(self, operation: Operation) -> None:
        for content_type in OTHER_TYPES:
            for body in (json.dumps(operation.good).encode(), b"x" * 3_000_000):
                answer = operation.refused(operation.raw(body, content_type), 415)
                assert answer["errorCode"] == "UNSUPPORTED_MEDIA_TYPE"

    def test_an_unknown_query_parameter_is_refused(self, operation: Operation) -> None:
        body = operation.refused(operation.send(operation.good, "?nonsense=1"))
        assert body["details"] == {"nonsense": ["Unknown parameter."]}


def test_numbers_beyond_64_bits_are_refused_by_name(world: World) -> None:
    for number in (2**63, 2**63 + 1, 2**64, 10**30, 10**300, -1, 0):
        response = Ask("POST", "compliance", {"assetId": number}).send(world.client("owner"))
        assert "assetId" in assert_envelope(response, 400)["details"]
    with undone():
        biggest = Ask("POST", "compliance", {"assetId": 2**63 - 1}).send(world.client("owner"))
        assert biggest.status_code == 200
        assert biggest.json()["metadata"]["assetId"] == 2**63 - 1


class TestRepeated:
    """The same request again: refused where it would be a second act, the same where it is not."""

    @pytest.mark.parametrize(
        ("key", "second"),
        [
            (("DELETE", "compliance/<asset:asset_id>"), 404),
            (("DELETE", "compliance/token-jurisdictions"), 404),
            (("DELETE", f"{_ISSUER}/jurisdictions"), 404),
            (("DELETE", "whitelist"), 404),
            (("DELETE", _HOOK), 404),
            (("POST", f"{_HOOK}/enable"), 409),
            *((("POST", f"{_WAIVER}/{verb}"), 409) for verb in ("approve", "revoke")),
            (("POST", "auth/refresh"), 401),
            (("POST", "auth/logout"), 401),
            *(
                (("POST", f"compliance/attestations/<uuid:attestation_id>/{verb}"), 409)
                for verb in ("verify", "fail", "revoke")
            ),
        ],
    )
    def test_a_second_act_is_refused(self, world: World, key: tuple[str, str], second: int) -> None:
        method, route = key
        persona, make = BODIES[key]
        body, client = make(world), world.client(persona)
        ask = Ask(method, world.path(route), body)
        assert ask.send(client).status_code == 200
        before = contents()
        assert_envelope(ask.send(client), second)
        after = contents()
        if route == "auth/refresh":
            # Whoever sends a used token may have stolen it: that ends the user's sessions.
            blacklist = "token_blacklist.BlacklistedToken"
            assert len(after[blacklist]) == len(before.pop(blacklist)) + 1
            del after[blacklist]
        assert after == before

    def test_the_same_metadata_again_changes_nothing(self, world: World) -> None:
        ask = Ask("POST", "compliance", {"assetId": ASSET, "network": VOI, "jurisdiction": "DE"})
        first = ask.send(world.client("owner"))
        before = contents()
        again = ask.send(world.client("owner"))
        assert (again.json()["metadata"], again.headers["ETag"]) == (
            first.json()["metadata"],
            first.headers["ETag"],
        )
        after = contents()
        # The status is only asked for anew: an unchanged write is an event like another.
        before["compliance.TokenStatus"] = after["compliance.TokenStatus"]
        assert after == before


def _parameters(method: str, route: str) -> dict[str, dict[str, Any]]:
    return {
        parameter["name"]: parameter["schema"]
        for parameter in _documented(method, route).get("parameters", [])
        if parameter["in"] == "query"
    }


READS = sorted(route for method, route in api_operations() if method == "GET")
BAD_QUERIES: dict[str, tuple[str, ...]] = {
    "page": ("0", "-1", "x", "1.5", "1000001", "1000000000", "9" * 40, "٣", "%00", "1%00", "+1"),
    "pageSize": ("0", "-1", "x", "101", "1e1", "9" * 40, "%00"),
    "cursor": ("x", "%00", "W10", "WyIyMDI2IiwgMV0", "x" * 5000, "%25", "eyJhIjoxfQ",
               "W251bGwsbnVsbF0"),
    "assetId": ("0", "-1", "x", "1.5", str(2**63), "9" * 40, "%00", "1e3", "NaN", "Infinity"),
    "fromDate": (
        "yesterday", "2026-02-30", "2026-13-01T00:00:00Z", "%00", "9" * 400, "1" * 500, "20260131",
        "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00%2B23:59", "2026-01-01T25:00Z",
    ),
    "toDate": (
        "yesterday", "2026-02-30", "0000-00-00", "%00", "2026-01-01T00:00:00%2B99:00",
        "9999-12-31T23:59:59-23:59",
    ),
    "success": ("maybe", "1", "%00", "x" * 5000),
    "excludeExpired": ("maybe", "0", "%00", "x" * 5000),
    "expired": ("maybe", "0", "%00", "x" * 5000),
    "kycVerified": ("maybe", "1", "%00", "x" * 5000),
    "network": ("%00", "x" * 5000, "a%00b"),
    "enum": ("Nonsense", "99", "-1", "1.5", "%00", "9" * 400, "x" * 5000),
    "text": ("%00", "a%00b", "x" * 5000),
}  # fmt: skip


def _besides(route: str, query: str = "") -> dict[str, Any]:
    """Return what a good request of the route says, without what `query` says."""
    said = {part.partition("=")[0] for part in query.split("&")}
    return {name: value for name, value in QUERIES.get(route, {}).items() if name not in said}


class TestQueries:
    def _refused(self, world: World, route: str, query: str) -> dict[str, Any]:
        path = f"/api/v1/{world.path(route)}"
        good = "".join(f"&{name}={value}" for name, value in _besides(route, query).items())
        with undone():
            before = contents()
            response = world.client("officer").get(f"{path}?{query}{good}")
            if response.status_code == 200:
                pytest.fail(f"accepted: {path}?{query[:200]}")
            body = assert_envelope(response, 400, path)
            assert contents() == before
        return body

    @pytest.mark.parametrize("route", READS)
    def test_unknown_and_repeated_parameters(self, world: World, route: str) -> None:
        known = _parameters("GET", route)
        for name in {"nonsense", "asset_id", "format", "pagesize", "x" * 5000} - set(known):
            body = self._refused(world, route, f"{name}=1")
            assert body["details"] == {name[:100]: ["Unknown parameter."]}
        assert self._refused(world, route, "%00=1")["details"]
        for name in _parameters("GET", route):
            body = self._refused(world, route, f"{name}=1&{name}=1")
            assert body["details"] == {name: ["Given more than once."]}

    @pytest.mark.parametrize("route", READS)
    def test_every_parameter_refuses_what_it_cannot_be(self, world: World, route: str) -> None:
        for name, schema in _parameters("GET", route).items():
            kind = name if name in BAD_QUERIES else "enum" if "oneOf" in schema else "text"
            for value in BAD_QUERIES[kind]:
                assert name in self._refused(world, route, f"{name}={value}")["details"], value

    @pytest.mark.parametrize("route", READS)
    def test_an_inverted_range_and_page_with_cursor(self, world: World, route: str) -> None:
        names = _parameters("GET", route)
        if "fromDate" in names:
            query = "fromDate=2026-02-02&toDate=2026-02-01"
            assert list(self._refused(world, route, query)["details"]) == ["toDate"]
        if "cursor" in names:
            path = f"/api/v1/{world.path(route)}"
            first = world.client("officer").get(path, {"pageSize": 1, **_besides(route)}).json()
            if first["nextCursor"]:
                self._refused(world, route, f"page=2&cursor={first['nextCursor']}")
                spoiled = first["nextCursor"][:-4] + "AAAA"
                self._refused(world, route, f"cursor={spoiled}")

    @pytest.mark.parametrize("route", READS)
    def test_the_last_page_that_may_be_asked_for_is_empty(self, world: World, route: str) -> None:
        if "page" in _parameters("GET", route):
            query = {"page": 1_000_000, "pageSize": 100, **_besides(route)}
            response = world.client("officer").get(f"/api/v1/{world.path(route)}", query)
            assert response.status_code == 200
            assert response.json()["nextCursor"] is None


BAD_PATHS = {
    "asset": ("NaN", "0", "-1", "1.5", "1e5", "٣", str(2**63), "9" * 20, "9" * 5000, "%00", "1%00",
              "%20", "%2e%2e", "x"),
    "uuid": ("x", "1", "%00", "0" * 32, "00000000-0000-0000-0000-00000000000", "g" * 36,
             "00000000-0000-0000-0000-00000000000G", "%20", "%2e%2e"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("method", "route"), sorted(one for one in api_operations() if "<" in one[1])
)
def test_a_malformed_path_is_a_404(world: World, method: str, route: str) -> None:
    client = world.client("administrator")
    before = contents(events=True)
    kind = "asset" if "<asset" in route else "uuid"
    start, _, rest = route.partition("<")
    for value in BAD_PATHS[kind]:
        path = f"/api/v1/{start}{value}{rest.partition('>')[2]}"
        response = client.generic(method, path, data=b"{}", content_type="application/json")
        assert_envelope(response, 404)
    assert contents(events=True) == before


@pytest.mark.parametrize(
    "etag", ["", "nonsense", '"x"', 'W/"x"', '"' + "x" * 5000 + '"', "\x7f", ","]
)
def test_a_malformed_precondition_is_never_met(world: World, etag: str) -> None:
    before = contents()
    body = {"assetId": ASSET, "network": VOI, "jurisdiction": "FR"}
    for ask in (Ask("POST", "compliance", body), Ask("DELETE", f"compliance/{ASSET}")):
        with undone():
            response = ask.send(world.client("owner"), HTTP_IF_MATCH=etag)
            assert_envelope(response, 412)
            assert contents() == before
    for path in (f"compliance/{ASSET}", f"compliance/reports/{world.report.pk}"):
        response = Ask("GET", path).send(world.client("owner"), HTTP_IF_NONE_MATCH=etag)
        assert response.status_code == 200

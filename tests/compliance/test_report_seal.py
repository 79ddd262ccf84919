"""The seal of a report: any changed byte is detected, by us and by those who do not trust us."""

import base64
import json
import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey, VerifyKey

from accounts.models import Token, User
from audit.signing import public_keys
from compliance.models import ComplianceReport
from compliance.reports.seal import inspect
from config.api.formats import utc_text
from tests.compliance.reports import (
    KEYS,
    URL,
    block,
    check,
    failed,
    generate,
    published_keys,
    run_python,
    run_shell,
)
from tests.factories import client_for, event_bodies

pytestmark = pytest.mark.django_db
ENVELOPE = [
    "content", "digest", "generatedAt", "generatedBy", "keyId", "reportId", "schemaVersion",
    "signature",
]  # fmt: skip


@pytest.fixture
def sealed(compliant_token: Token, owner: User) -> bytes:
    report = generate(owner)
    response = client_for(owner).get(f"{URL}/{report['reportId']}/download")
    assert response.status_code == 200, response.content
    return response.content


def resealed(report: dict[str, Any], key: SigningKey) -> bytes:
    """Seal a report again with another key, keeping the id of the key that it names."""
    unsigned = {name: value for name, value in report.items() if name != "signature"}
    signature = key.sign(b"assayer-report-v1\n" + rfc8785.dumps(unsigned)).signature
    return rfc8785.dumps({**unsigned, "signature": base64.b64encode(signature).decode()})


def test_the_sealed_file_is_canonical_and_signed(sealed: bytes, owner: User) -> None:
    report = json.loads(sealed)
    assert sealed == rfc8785.dumps(report)
    assert list(report) == ENVELOPE
    row = ComplianceReport.objects.get()
    assert report["reportId"] == str(row.pk)
    assert report["generatedAt"] == utc_text(row.created_at)
    assert report["generatedBy"] == owner.address
    assert report["keyId"] == row.key_id
    assert report["digest"] == sha256(rfc8785.dumps(report["content"])).hexdigest() == row.digest
    unsigned = {name: value for name, value in report.items() if name != "signature"}
    (key,) = json.loads(published_keys())["keys"]
    public = VerifyKey(base64.urlsafe_b64decode(key["x"] + "="))
    message = b"assayer-report-v1\n" + rfc8785.dumps(unsigned)
    public.verify(message, base64.b64decode(report["signature"]))


def test_the_published_key_is_a_json_web_key(settings: Any) -> None:
    settings.REPORT_SIGNING_KEY_SINCE = "2026-01-01"
    retired = bytes(SigningKey(b"r" * 32).verify_key)
    settings.REPORT_RETIRED_KEYS = [
        f"{base64.b64encode(retired).decode()}@2025-01-01..2025-12-31T23:59:59Z"
    ]
    response = Client().get(KEYS)
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    current, former = response.json()["keys"]
    for key, since, until in (
        (current, "2026-01-01T00:00:00Z", None),
        (former, "2025-01-01T00:00:00Z", "2025-12-31T23:59:59Z"),
    ):
        thumbprint = sha256(rfc8785.dumps({name: key[name] for name in ("crv", "kty", "x")}))
        encoded = base64.urlsafe_b64encode(thumbprint.digest()).rstrip(b"=").decode()
        assert key["kid"] == encoded
        assert (key["kty"], key["crv"], key["alg"]) == ("OKP", "Ed25519", "EdDSA")
        assert (key["validFrom"], key["validUntil"]) == (since, until)
        raw = base64.b64decode(key["pem"].splitlines()[1])[-32:]
        assert base64.urlsafe_b64encode(raw).rstrip(b"=").decode() == key["x"]
    assert current["x"] != former["x"]


def test_a_sealed_report_holds_and_is_stored_here(sealed: bytes, owner: User) -> None:
    verification = check(owner, sealed)
    assert verification["valid"] is True
    assert verification["storedHere"] is True
    assert failed(verification) == []
    names = [one["name"] for one in verification["findings"]]
    assert names == ["form", "digest", "keyKnown", "signature", "keyValid"]
    (event,) = event_bodies("compliance.report.verified")
    assert event["referenceId"] == verification["reportId"]
    assert event["details"] == {"failed": [], "valid": True}


def test_everybody_who_signed_in_may_check_a_file(
    sealed: bytes, outsider: User, auditor: User
) -> None:
    for user in (outsider, auditor):
        assert check(user, sealed)["valid"] is True
    anonymous = client_for(None).post(f"{URL}/verify", sealed, content_type="application/json")
    assert anonymous.status_code == 401


def test_what_does_not_hold_is_named(sealed: bytes, owner: User) -> None:
    report = json.loads(sealed)
    other = {**report, "content": {**report["content"], "disclaimer": "All is well."}}
    assert failed(check(owner, rfc8785.dumps(other))) == ["digest", "signature"]
    renamed = {**report, "generatedBy": "somebody"}
    assert failed(check(owner, rfc8785.dumps(renamed))) == ["signature"]
    unknown = {**report, "keyId": "A" * 43}
    assert failed(check(owner, rfc8785.dumps(unknown))) == ["keyKnown", "signature", "keyValid"]
    pretty = json.dumps(report, indent=1, ensure_ascii=False).encode()
    assert failed(check(owner, pretty)) == ["form"]
    assert check(owner, pretty)["storedHere"] is False
    forged = resealed(other, SigningKey(b"f" * 32))
    assert failed(check(owner, forged)) == ["digest", "signature"]
    for shapeless in (
        b"{}",
        b'{"content": 1}',
        sealed.replace(b"digest", b"Digest"),
    ):
        verification = check(owner, shapeless)
        assert (verification["valid"], failed(verification)) == (False, ["form"])
    assert {one["details"]["valid"] for one in event_bodies("compliance.report.verified")} == {
        False
    }


def test_a_key_in_the_file_is_never_trusted(sealed: bytes, owner: User) -> None:
    key = SigningKey(b"f" * 32)
    report = json.loads(sealed)
    public = base64.urlsafe_b64encode(bytes(key.verify_key)).rstrip(b"=").decode()
    forged = resealed({**report, "key": {"x": public}, "jwk": public}, key)
    assert failed(check(owner, forged)) == ["signature"]


def test_a_report_that_only_has_our_seal_is_not_stored_here(
    sealed: bytes, owner: User, settings: Any
) -> None:
    key = SigningKey(base64.b64decode(settings.REPORT_SIGNING_KEY))
    report = {**json.loads(sealed), "reportId": "11111111-1111-4111-8111-111111111111"}
    verification = check(owner, resealed(report, key))
    assert (verification["valid"], verification["storedHere"]) == (True, False)


def test_a_repeated_member_is_detected(sealed: bytes, owner: User, tmp_path: Path) -> None:
    # Readers differ in which of two members they take; the last one is the one that was signed.
    doubled = b'{"content":{},' + sealed[1:]
    assert failed(check(owner, doubled)) == ["form"]
    assert run_python(tmp_path, doubled, published_keys()).returncode == 1


def test_a_retired_key_counts_for_its_time_alone(
    sealed: bytes, owner: User, settings: Any, tmp_path: Path
) -> None:
    raw = SigningKey(base64.b64decode(settings.REPORT_SIGNING_KEY)).verify_key
    public = base64.b64encode(bytes(raw)).decode()
    settings.REPORT_SIGNING_KEY = base64.b64encode(b"n" * 32).decode()
    assert failed(check(owner, sealed)) == ["keyKnown", "signature", "keyValid"]
    assert run_python(tmp_path, sealed, published_keys()).returncode == 1
    settings.REPORT_RETIRED_KEYS = [f"{public}@2020-01-01..2999-12-31"]
    assert check(owner, sealed)["valid"] is True
    assert run_python(tmp_path, sealed, published_keys()).returncode == 0
    settings.REPORT_RETIRED_KEYS = [f"{public}@..2021-01-01"]
    assert failed(check(owner, sealed)) == ["keyValid"]
    assert run_python(tmp_path, sealed, published_keys()).returncode == 1
    settings.REPORT_RETIRED_KEYS = [f"{public}@2998-01-01.."]
    assert failed(check(owner, sealed)) == ["keyValid"]
    assert run_python(tmp_path, sealed, published_keys()).returncode == 1


@pytest.mark.parametrize("body", [b"[]", b"null", b'"text"', b"[null, null]", b"1"])
def test_what_is_no_object_is_refused(owner: User, body: bytes) -> None:
    response = client_for(owner).post(f"{URL}/verify", body, content_type="application/json")
    assert (response.status_code, response.json()["errorCode"]) == (400, "VALIDATION_ERROR")
    assert response.json()["details"] == {"request": ["A sealed report is one JSON object."]}


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"a":NaN}'])
def test_what_is_no_json_is_refused(owner: User, body: bytes) -> None:
    response = client_for(owner).post(f"{URL}/verify", body, content_type="application/json")
    assert (response.status_code, response.json()["errorCode"]) == (400, "MALFORMED_JSON")
    assert len(event_bodies("compliance.report.verify_failed")) == 1


def test_hostile_files_are_only_not_valid(owner: User) -> None:
    deep = b'{"content":' + b'{"a":' * 900 + b"1" + b"}" * 900
    deep += b',"digest":"","generatedAt":"","generatedBy":"","keyId":"","reportId":"",'
    deep += b'"schemaVersion":"","signature":""}'
    wide = deep.replace(
        b'{"a":' * 900 + b"1" + b"}" * 900, b'{"a":1.5,"\xc3\xa9":9007199254740993}'
    )
    for raw in (deep, wide):
        assert check(owner, raw)["valid"] is False


def test_a_file_above_the_limit_is_refused(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compliance.api.parsers.MAX_BYTES", 100)
    response = client_for(owner).post(f"{URL}/verify", b" " * 101, content_type="application/json")
    assert response.status_code == 413
    fits = client_for(owner).post(
        f"{URL}/verify", b" " * 98 + b"{}", content_type="application/json"
    )
    assert fits.status_code == 200


def test_the_thirty_lines_accept_the_report_and_refuse_a_changed_one(
    sealed: bytes, tmp_path: Path
) -> None:
    code = block("python")
    assert len(code.splitlines()) <= 30
    assert not {"assayer", "compliance", "audit", "config", "jurisdictions"} & {
        line.split()[1].split(".")[0]
        for line in code.splitlines()
        if line.startswith(("import ", "from "))
    }
    keys = published_keys()
    done = run_python(tmp_path, sealed, keys)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("VALID: report")
    changed = sealed.replace(b'"status":"Compliant"', b'"status":"Compliart"', 1)
    assert changed != sealed
    assert run_python(tmp_path, changed, keys).returncode == 1


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_openssl_accepts_the_report_and_refuses_a_changed_one(
    sealed: bytes, tmp_path: Path, settings: Any
) -> None:
    retired = base64.b64encode(bytes(SigningKey(b"r" * 32).verify_key)).decode()
    settings.REPORT_RETIRED_KEYS = [f"{retired}@..2025-01-01"]
    keys = published_keys()
    done = run_shell(tmp_path, sealed, keys)
    assert done.returncode == 0, done.stderr
    assert "Signature Verified Successfully" in done.stdout
    changed = sealed.replace(b'"status":"Compliant"', b'"status":"Compliart"', 1)
    assert run_shell(tmp_path, changed, keys).returncode == 1


# One byte of the file, replaced, removed or put in, or the file cut short.
_CHANGE = st.tuples(
    st.sampled_from(["replace", "flip", "insert", "delete", "cut", "append"]),
    st.floats(0, 1, exclude_max=True),
    st.integers(0, 255),
)


def changed_file(raw: bytes, change: tuple[str, float, int]) -> bytes:
    how, place, byte = change
    at = int(place * len(raw))
    if how == "flip":
        return raw[:at] + bytes([raw[at] ^ 0x20]) + raw[at + 1 :]  # the other case of a letter
    if how == "replace":
        return raw[:at] + bytes([byte]) + raw[at + 1 :]
    if how == "insert":
        return raw[:at] + bytes([byte]) + raw[at:]
    if how == "append":
        return raw + bytes([byte])
    return raw[:at] + raw[at + 1 :] if how == "delete" else raw[:at]


@given(change=_CHANGE)
@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_no_changed_byte_passes(sealed: bytes, change: tuple[str, float, int]) -> None:
    raw = changed_file(sealed, change)
    if raw == sealed:
        return
    try:
        document = json.loads(raw)
    except ValueError:
        return  # answered with a 400
    inspection = inspect(raw, document, public_keys())
    assert not inspection.holds


def test_every_byte_of_the_seal_counts(sealed: bytes) -> None:
    """The envelope is short: every byte of it is tried, and every bit of the signature."""
    content = len(b'{"content":') + len(rfc8785.dumps(json.loads(sealed)["content"]))
    for at in range(content, len(sealed)):
        for bit in (0x01, 0x02, 0x04, 0x10, 0x20):
            raw = sealed[:at] + bytes([sealed[at] ^ bit]) + sealed[at + 1 :]
            try:
                document = json.loads(raw)
            except ValueError:
                continue
            assert not inspect(raw, document, public_keys()).holds, (at, bit)


def test_the_thirty_lines_refuse_every_changed_byte(sealed: bytes, tmp_path: Path) -> None:
    """The same changes, against the published lines, in one process of theirs."""
    (tmp_path / "keys.json").write_bytes(published_keys())
    (tmp_path / "verify_report.py").write_text(block("python"))
    tail = len(sealed) - len(b'"signature":""}') - 88
    places = [*range(0, len(sealed), 311), *range(tail, len(sealed))]
    files = [
        sealed[:at] + bytes([sealed[at] ^ bit]) + sealed[at + 1 :]
        for at in places
        for bit in (0x01, 0x10, 0x20)
    ]
    files += [sealed[:at] + b" " + sealed[at:] for at in range(0, len(sealed), 997)]
    files += [sealed + b"\n", sealed[:-1]]
    for number, raw in enumerate(files):
        (tmp_path / f"{number}.json").write_bytes(raw)
    loop = (
        "import runpy, sys, os\n"
        "for number in range(int(sys.argv[1])):\n"
        "    sys.argv = ['verify_report.py', f'{number}.json', 'keys.json']\n"
        "    try:\n"
        "        runpy.run_path('verify_report.py', run_name='__main__')\n"
        "    except BaseException:\n"
        "        continue\n"
        "    print('ACCEPTED', number)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", loop, str(len(files))],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"]},
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr

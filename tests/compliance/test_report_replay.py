"""Replay: a bundle alone is enough to evaluate a report again, and to see where it is not true."""

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from django.db import DatabaseError, transaction

from accounts.models import Token, User
from compliance.models import ComplianceReport, ReportInput
from compliance.reports.bundle import bundle_bytes, issuer_bundle_bytes
from jurisdictions.engine import Verdict
from jurisdictions.engine.__main__ import main
from jurisdictions.engine.replay import replay_bundle
from tests.compliance.golden_subjects import NAMES, golden_content
from tests.compliance.golden_tokens import golden, seal
from tests.compliance.reports import URL, check, generate
from tests.factories import client_for, event_bodies
from whitelist.services.policies import whitelist_policy_set

ROOT = Path(__file__).parents[2]


def golden_bundle(name: str) -> bytes:
    content = golden_content(name)
    document = json.loads(content.text)
    names = [f"{one['id']}-{one['version']}" for one in document["inputs"]["packs"]]
    texts = {one.digest: one.text for one in content.packs}
    packs = [
        (known, texts[one["digest"]])
        for known, one in zip(names, document["inputs"]["packs"], strict=True)
    ]
    if "tokens" not in document:
        return bundle_bytes(seal(content), document, content.snapshots[0].text, packs)
    snapshots = {one.digest: one.text for one in content.snapshots}
    return issuer_bundle_bytes(seal(content), document, snapshots, packs)


def files_of(bundle: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rebuilt(files: dict[str, bytes], *, manifest: bool = True) -> bytes:
    """Return a bundle of these files; its manifest is made anew unless it should lie."""
    if manifest:
        stated = json.loads(files["manifest.json"])
        stated["files"] = [
            {"name": name, "sha256": sha256(raw).hexdigest(), "bytes": len(raw)}
            for name, raw in sorted(files.items())
            if name != "manifest.json"
        ]
        files = {**files, "manifest.json": rfc8785.dumps(stated)}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, raw in files.items():
            archive.writestr(name, raw)
    return buffer.getvalue()


def run(folder: Path, bundle: bytes) -> int:
    path = folder / "bundle.zip"
    path.write_bytes(bundle)
    return main(["replay", str(path)])


def run_alone(folder: Path, bundle: bytes) -> subprocess.CompletedProcess[str]:
    """Run the command where neither Django nor any settings can be imported."""
    (folder / "bundle.zip").write_bytes(bundle)
    for name in ("django", "rest_framework", "psycopg"):
        (folder / f"{name}.py").write_text("raise ImportError('not here')\n")
    return subprocess.run(
        [sys.executable, "-m", "jurisdictions.engine", "replay", str(folder / "bundle.zip")],
        cwd=folder,
        env={"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_golden_report_replays_without_django(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, golden_bundle(name)) == 0, capsys.readouterr().out
    assert "every verdict agrees" in capsys.readouterr().out


def test_the_command_needs_no_django(tmp_path: Path) -> None:
    done = run_alone(tmp_path, golden_bundle("waiver"))
    assert (done.returncode, done.stderr) == (0, "")
    checks = len(json.loads(golden("waiver")[1].text)["checks"])
    assert f"every verdict agrees ({checks} checks)" in done.stdout


Change = Callable[[dict[str, Any]], None]


def _verdict(content: dict[str, Any]) -> None:
    (kyc,) = [one for one in content["checks"] if one["key"] == "base.kyc_attestation"]
    kyc["verdict"] = str(Verdict.PASS)


def _status(content: dict[str, Any]) -> None:
    content["summary"]["status"] = "Compliant"


def _dropped(content: dict[str, Any]) -> None:
    del content["checks"][-1]


def _reason(content: dict[str, Any]) -> None:
    content["checks"][0]["reason"] = "because"


def _moment(content: dict[str, Any]) -> None:
    content["asOf"] = "2026-09-01T00:00:00Z"


@pytest.mark.parametrize("change", [_verdict, _status, _dropped, _reason, _moment])
def test_a_report_that_does_not_follow_from_its_inputs_differs(
    change: Change, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Even where the report was sealed and digested anew with the change."""
    files = files_of(golden_bundle("expired-evidence"))
    report = json.loads(files["report.json"])
    change(report["content"])
    report["digest"] = sha256(rfc8785.dumps(report["content"])).hexdigest()
    files["report.json"] = rfc8785.dumps(report)
    assert run(tmp_path, rebuilt(files)) == 1
    assert "differences" in capsys.readouterr().out


def _token_verdict(content: dict[str, Any]) -> None:
    _verdict(content["tokens"][2])


def _token_status(content: dict[str, Any]) -> None:
    content["tokens"][2]["summary"]["status"] = "Compliant"


def _fewer_failing(content: dict[str, Any]) -> None:
    content["summary"]["tokens"]["NonCompliant"] = 0


def _token_dropped(content: dict[str, Any]) -> None:
    del content["tokens"][2]


def _swapped(content: dict[str, Any]) -> None:
    first, _, last = content["tokens"]
    first["snapshot"], last["snapshot"] = last["snapshot"], first["snapshot"]


@pytest.mark.parametrize(
    "change", [_status, _token_verdict, _token_status, _fewer_failing, _token_dropped, _swapped]
)
def test_an_issuer_that_does_not_follow_from_its_tokens_differs(
    change: Change, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = files_of(golden_bundle("issuer"))
    report = json.loads(files["report.json"])
    change(report["content"])
    report["digest"] = sha256(rfc8785.dumps(report["content"])).hexdigest()
    files["report.json"] = rfc8785.dumps(report)
    assert run(tmp_path, rebuilt(files)) == 1
    assert "differences" in capsys.readouterr().out


def test_a_snapshot_of_an_issuer_more_less_or_other_is_noticed(tmp_path: Path) -> None:
    files = files_of(golden_bundle("issuer"))
    name = next(name for name in sorted(files) if name.startswith("snapshots/"))
    assert run(tmp_path, rebuilt({**files, name: files[name] + b"\n"})) == 1
    assert run(tmp_path, rebuilt({**files, "snapshots/more.json": files[name]})) == 1
    assert run(tmp_path, rebuilt({one: files[one] for one in files if one != name})) == 2


@pytest.mark.parametrize(
    "name", ["report.json", "snapshot.json", "packs/global-baseline-2026.11.1.json"]
)
def test_another_input_is_noticed_even_where_it_changes_no_verdict(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = files_of(golden_bundle("compliant"))
    files[name] += b"\n"
    expected = 0 if name == "report.json" else 1  # which is compared by what it says
    assert run(tmp_path, rebuilt(files)) == expected
    assert run(tmp_path, rebuilt(files, manifest=False)) == 1
    assert f"{name}: is not what the manifest names" in capsys.readouterr().out


def test_a_pack_more_or_less_is_noticed(tmp_path: Path) -> None:
    files = files_of(golden_bundle("jurisdiction-de"))
    pack = files.pop("packs/eu-securities-2026.11.1.json")
    assert run(tmp_path, rebuilt(files)) == 1
    files = files_of(golden_bundle("compliant"))
    assert run(tmp_path, rebuilt({**files, "packs/more.json": pack})) == 1


def test_what_is_no_bundle_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = files_of(golden_bundle("compliant"))
    broken: list[bytes] = [b"", b"PK", golden_bundle("compliant")[:-50]]
    broken += [rebuilt({k: v for k, v in good.items() if k != name}) for name in good
               if name in ("report.json", "snapshot.json")]  # fmt: skip
    broken.append(rebuilt({**good, "snapshot.json": b"[]"}))
    broken.append(rebuilt({**good, "snapshot.json": b'{"$type":"Snapshot","more":1}'}))
    broken.append(rebuilt({**good, "report.json": b"{}"}))
    other = {**json.loads(good["manifest.json"]), "format": "another"}
    broken.append(rebuilt({**good, "manifest.json": rfc8785.dumps(other)}))
    for bundle in broken:
        assert run(tmp_path, bundle) == 2
    assert main(["replay", str(tmp_path / "nothing.zip")]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_another_engine_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bundle.zip"
    path.write_bytes(golden_bundle("compliant"))
    monkeypatch.setattr("jurisdictions.engine.replay.ENGINE_VERSION", "9.0.0")
    replay = replay_bundle(str(path))
    assert replay.notes == ["the report was made by engine 1.0.0, this is 9.0.0"]
    assert replay.differences == []


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["Full", "MicaReadiness", "AuditTrail", "ComplianceBadge"])
def test_the_bundle_of_a_stored_report_replays(
    compliant_token: Token, owner: User, auditor: User, tmp_path: Path, kind: str
) -> None:
    report = generate(owner, reportType=kind)
    url = f"{URL}/{report['reportId']}/bundle"
    first = client_for(owner).get(url)
    assert first.status_code == 200
    assert first.headers["Content-Type"] == "application/zip"
    assert first.headers["X-Content-SHA256"] == sha256(first.content).hexdigest()
    whitelist_policy_set(actor=owner, token=compliant_token, enforcement="Off")
    assert client_for(auditor).get(url).content == first.content
    assert client_for(owner).get(url, HTTP_IF_NONE_MATCH=first.headers["ETag"]).status_code == 304
    assert [one["details"]["format"] for one in event_bodies("compliance.report.exported")] == [
        "bundle",
        "bundle",
    ]
    files = files_of(first.content)
    assert sorted(files) == [
        "manifest.json",
        "packs/global-baseline-2026.11.1.json",
        "report.json",
        "snapshot.json",
    ]
    assert check(owner, files["report.json"])["valid"] is True
    assert run(tmp_path, first.content) == 0


@pytest.mark.django_db
def test_inputs_are_stored_once_and_never_change(compliant_token: Token, owner: User) -> None:
    generate(owner)
    generate(owner, reportType="MicaReadiness")
    kinds = ReportInput.objects.order_by("kind").values_list("kind", flat=True)
    assert list(kinds) == ["Pack", "Snapshot"]
    whitelist_policy_set(actor=owner, token=compliant_token, enforcement="Off")
    generate(owner)
    assert ReportInput.objects.filter(kind="Snapshot").count() == 2
    for row in ReportInput.objects.all():
        assert row.digest == sha256(row.content.encode()).hexdigest()
    for report in ComplianceReport.objects.all():
        inputs = json.loads(report.content)["inputs"]
        assert ReportInput.objects.filter(pk=inputs["snapshot"], kind="Snapshot").exists()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        ReportInput.objects.update(content="")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        ReportInput.objects.all().delete()

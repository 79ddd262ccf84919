"""A report as OSCAL assessment results, for governance tools. Pure.

OSCAL knows only satisfied and not-satisfied. What is unknown or waived is not satisfied, with the
reason `other` and a property of our namespace that keeps the verdict; what does not apply is left
out. Every report has one finding more than it has checks: the status as a whole.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

from audit.body import canonical

OSCAL_VERSION = "1.2.1"
NAMESPACE = "urn:assayer:oscal"
_PLAN_NOTE = (
    "Assayer evaluates continuously and has no assessment plan; the rule packs that are named "
    "here, with their versions, are what was assessed against."
)
_REASONS = {"Pass": "pass", "Fail": "fail"}


def oscal_bytes(report: Mapping[str, Any]) -> bytes:
    """Return the OSCAL document of a sealed report; the same bytes for the same report."""
    return canonical({"assessment-results": _Maker(report).document()})


class _Maker:
    """Builds the document; every UUID is a version 5 one in the namespace of the report's id."""

    def __init__(self, report: Mapping[str, Any]) -> None:
        self._report = report
        self._content: Mapping[str, Any] = report["content"]
        self._root = UUID(report["reportId"])

    def document(self) -> dict[str, Any]:
        content, report = self._content, self._report
        plan = self._uuid("plan")
        return {
            "uuid": self._uuid("assessment-results"),
            "metadata": {
                "title": f"{content['reportType']} report on {self._token_name()}",
                "last-modified": report["generatedAt"],
                "version": report["schemaVersion"],
                "oscal-version": OSCAL_VERSION,
                "props": [
                    _prop("report-id", report["reportId"]),
                    _prop("report-digest", report["digest"]),
                    _prop("report-key-id", report["keyId"]),
                    _prop("engine-version", content["engineVersion"]),
                ],
                "remarks": content["disclaimer"],
            },
            "import-ap": {"href": f"#{plan}", "remarks": _PLAN_NOTE},
            "results": [self._result()],
            "back-matter": {"resources": self._resources(plan)},
        }

    def _result(self) -> dict[str, Any]:
        content = self._content
        checks = [one for one in content.get("checks", ()) if one["verdict"] != "NotApplicable"]
        observations = [self._overall_observation()]
        findings = [self._overall_finding()]
        for check in checks:
            observations.append(self._observation(check))
            findings.append(self._finding(check))
        return {
            "uuid": self._uuid("result"),
            "title": f"Status {content['summary']['status']}",
            "description": f"The status of {self._token_name()} as of {content['asOf']}.",
            "start": content["asOf"],
            "end": content["asOf"],
            "props": [_prop("status", content["summary"]["status"])],
            "reviewed-controls": {"control-selections": [self._selection(checks)]},
            "observations": observations,
            "findings": findings,
        }

    def _selection(self, checks: list[dict[str, Any]]) -> dict[str, Any]:
        controls = sorted({check["key"] for check in checks})
        if not controls:
            return {"include-all": {}}
        return {"include-controls": [{"control-id": _token(key)} for key in controls]}

    def _overall_observation(self) -> dict[str, Any]:
        summary = self._content["summary"]
        deciding = "; ".join(f"{one['key']}: {one['reason']}" for one in summary["rationale"])
        return {
            "uuid": self._uuid("observation", "status"),
            "title": "What decided the status",
            "description": deciding or "No check decided the status.",
            "methods": ["TEST"],
            "collected": self._content["asOf"],
        }

    def _overall_finding(self) -> dict[str, Any]:
        status = self._content["summary"]["status"]
        satisfied = status == "Compliant"
        return {
            "uuid": self._uuid("finding", "status"),
            "title": "Status of the token",
            "description": f"The status is {status}.",
            "props": [_prop("status", status)],
            "target": {
                "type": "objective-id",
                "target-id": "overall-status",
                "status": _status(satisfied, "Fail" if status == "NonCompliant" else status),
            },
            "related-observations": [{"observation-uuid": self._uuid("observation", "status")}],
        }

    def _observation(self, check: Mapping[str, Any]) -> dict[str, Any]:
        evidence = [
            {"description": _text(f"{one['type']} {one['reference']}")} for one in check["evidence"]
        ]
        observation = {
            "uuid": self._uuid("observation", *_identity(check)),
            "title": _text(check["title"]),
            "description": _text(check["reason"]),
            "methods": ["TEST"],
            "collected": check["evaluatedAt"],
        }
        return {**observation, "relevant-evidence": evidence} if evidence else observation

    def _finding(self, check: Mapping[str, Any]) -> dict[str, Any]:
        verdict = check["verdict"]
        props = [
            _prop("verdict", verdict),
            _prop("reason-code", check["reasonCode"]),
            _prop("severity", check["severity"]),
            _prop("basis", check["basis"]),
            _prop("jurisdiction", check["jurisdiction"]),
            _prop("pack", f"{check['pack']['id']} {check['pack']['version']}"),
            *(_prop("citation", one["text"]) for one in check["citations"] if one["text"].strip()),
        ]
        if check["underlyingVerdict"]:
            props.append(_prop("underlying-verdict", check["underlyingVerdict"]))
        if check["viaTag"]:
            props.append(_prop("via-tag", check["viaTag"]))
        finding = {
            "uuid": self._uuid("finding", *_identity(check)),
            "title": _text(check["title"]),
            "description": _text(check["reason"]),
            "props": props,
            "target": {
                "type": "objective-id",
                "target-id": _token(check["key"]),
                "status": _status(verdict == "Pass", verdict),
            },
            "related-observations": [
                {"observation-uuid": self._uuid("observation", *_identity(check))}
            ],
        }
        return {**finding, "remarks": check["remediation"]} if check["remediation"] else finding

    def _resources(self, plan: str) -> list[dict[str, Any]]:
        packs = self._content["inputs"]["packs"]
        return [
            {"uuid": plan, "title": "Assessment plan", "description": _PLAN_NOTE},
            *(
                {
                    "uuid": self._uuid("pack", pack["id"], pack["version"]),
                    "title": f"Rule pack {pack['id']} {pack['version']}",
                    "props": [_prop("sha256", pack["digest"])],
                }
                for pack in packs
            ),
        ]

    def _token_name(self) -> str:
        token = self._content["token"]
        network = f" on {token['network']}" if token["network"] else ""
        return f"asset {token['assetId']}{network}"

    def _uuid(self, *parts: str) -> str:
        return str(uuid5(self._root, "|".join(parts)))


def _identity(check: Mapping[str, Any]) -> tuple[str, ...]:
    pack = check["pack"]
    return (
        check["jurisdiction"],
        check["viaTag"] or "",
        pack["id"],
        pack["version"],
        check["key"],
    )


def _status(satisfied: bool, verdict: str) -> dict[str, str]:
    if satisfied:
        return {"state": "satisfied", "reason": "pass"}
    status = {"state": "not-satisfied", "reason": _REASONS.get(verdict, "other")}
    if status["reason"] == "other":
        status["remarks"] = f"The verdict is {verdict}, which OSCAL has no word for."
    return status


def _prop(name: str, value: str) -> dict[str, str]:
    return {"name": name, "ns": NAMESPACE, "value": _text(value)}


def _text(value: str) -> str:
    """Return text that OSCAL takes: on one line and not empty."""
    return " ".join(value.split()) or "-"


def _token(key: str) -> str:
    """Return `key` as an OSCAL token: letters, digits, dots, hyphens, underscores."""
    kept = "".join(one if one.isalnum() or one in "._-" else "-" for one in key)
    return kept if kept[:1].isalpha() or kept[:1] == "_" else f"_{kept}"

"""The seal of a report: what is signed, the sealed file, and what holds of a file that came back.

A sealed report is one RFC 8785 object whose last member is `signature`. The signature covers
`DOMAIN` and the RFC 8785 form of the object without that member, so every byte of the file counts:
the content, its digest, and who asked for it, when, under which id. The domain keeps a signature
over a report from being taken for one over anything else.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import orjson

from audit.body import canonical
from audit.signing import PublicKey

DOMAIN = b"assayer-report-v1\n"
MEMBERS = (
    "content",
    "digest",
    "generatedAt",
    "generatedBy",
    "keyId",
    "reportId",
    "schemaVersion",
    "signature",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, whether it holds, and what that means."""

    name: str
    holds: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """What holds of a file and what does not; the file counts only where everything holds."""

    findings: tuple[Finding, ...]
    report_id: str | None = None
    key_id: str | None = None
    digest: str | None = None
    signature: str | None = None

    @property
    def holds(self) -> bool:
        return all(finding.holds for finding in self.findings)


def unsigned_bytes(content: bytes, **envelope: str) -> bytes:
    """Return the RFC 8785 form of a report without its signature; `content` is in that form."""
    rest = canonical({name: envelope[name] for name in MEMBERS if name in envelope})
    # "content" sorts before every other member, so nothing has to be parsed and written again.
    return b'{"content":' + content + b"," + rest[1:]


def signed_message(unsigned: bytes) -> bytes:
    """Return the bytes that the signature is over."""
    return DOMAIN + unsigned


def sealed_bytes(unsigned: bytes, signature: str) -> bytes:
    """Return the sealed file: the report with its signature as the last member."""
    return unsigned[:-1] + b',"signature":' + orjson.dumps(signature) + b"}"


def inspect(raw: bytes, report: Any, keys: Mapping[str, PublicKey]) -> Inspection:
    """Return what holds of a file that claims to be a sealed report.

    `report` is the parsed `raw`. Only `keys` are trusted: a key that the file brings is ignored.
    """
    if not isinstance(report, dict) or not _has_shape(report):
        shape = f"a sealed report has the members {', '.join(MEMBERS)}"
        return Inspection((Finding("form", False, shape),))
    unsigned = {name: value for name, value in report.items() if name != "signature"}
    try:
        content, message = canonical(report["content"]), canonical(unsigned)
        form = sealed_bytes(message, report["signature"]) == raw
    except (ValueError, TypeError, RecursionError):
        unwritable = "the file holds values that no report has, such as numbers with fractions"
        return Inspection((Finding("form", False, unwritable),))
    key = keys.get(report["keyId"])
    return Inspection(
        (
            Finding("form", form, _FORM if form else _OTHER_FORM),
            _digest_finding(report["digest"], content),
            Finding("keyKnown", key is not None, _KNOWN if key else _UNKNOWN),
            _signature_finding(key, message, report["signature"]),
            _validity_finding(key, report["generatedAt"]),
        ),
        report_id=report["reportId"],
        key_id=report["keyId"],
        digest=report["digest"],
        signature=report["signature"],
    )


_FORM = "the file is byte for byte in RFC 8785 form"
_OTHER_FORM = (
    "the file is not byte for byte in RFC 8785 form: it was written anew, or repeats a member; "
    "check the file as it was downloaded"
)
_KNOWN = "the key is one of those in /.well-known/assayer-keys.json"
_UNKNOWN = "no key of this service has this id"


def _has_shape(report: Mapping[str, Any]) -> bool:
    texts = all(isinstance(report.get(name), str) for name in MEMBERS if name != "content")
    return texts and isinstance(report.get("content"), dict)


def _digest_finding(stated: str, content: bytes) -> Finding:
    computed = sha256(content).hexdigest()
    if computed == stated:
        return Finding("digest", True, "the digest is the SHA-256 of the content")
    return Finding("digest", False, f"the SHA-256 of the content is {computed}")


def _signature_finding(key: PublicKey | None, message: bytes, stated: str) -> Finding:
    if key is None:
        return Finding("signature", False, "without a known key no signature can hold")
    try:
        signature = base64.b64decode(stated, validate=True)
    except (binascii.Error, ValueError):
        return Finding("signature", False, "the signature is not base64")
    # A second spelling of the same bytes in base64 would be a changed file that still verifies.
    spelled = base64.b64encode(signature).decode() == stated
    if spelled and key.verifies(signed_message(message), signature):
        return Finding("signature", True, "the key signed exactly this report")
    return Finding("signature", False, "the key did not sign this report as it is")


def _validity_finding(key: PublicKey | None, generated_at: str) -> Finding:
    try:
        moment = datetime.fromisoformat(generated_at)
    except ValueError:
        return Finding("keyValid", False, "generatedAt is no moment")
    if key is None or moment.tzinfo is None or not key.counts_at(moment):
        return Finding("keyValid", False, "the key did not count when the report was generated")
    return Finding("keyValid", True, "the key counted when the report was generated")

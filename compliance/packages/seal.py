"""The seal of an attestation package: its hash, what is signed, and what holds of an upload. Pure.

`contentHash` is the SHA-256 of the RFC 8785 form of the package without its volatile members, so
the same data gives the same hash. The signature is over `DOMAIN` and the RFC 8785 form of those
members without `signatureValue`: the hash, the id, the moment and the key are bound together, and
the signature can be checked where the content was cut short.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from audit.body import canonical
from audit.signing import PublicKey
from compliance.reports.seal import Finding, Inspection

DOMAIN = b"assayer-attestation-package-v1\n"
ALGORITHM = "Ed25519"
VOLATILE = ("contentHash", "generatedAt", "packageId", "signature")
_SIGNATURE = ("algorithm", "keyId", "publicKey", "signatureValue", "signedAt")


def envelope(
    *, package_id: str, generated_at: str, content_hash: str, key_id: str, public_key: str
) -> dict[str, Any]:
    """Return the volatile members of a package, its signature without a value."""
    return {
        "packageId": package_id,
        "generatedAt": generated_at,
        "contentHash": content_hash,
        "signature": {
            "algorithm": ALGORITHM,
            "publicKey": public_key,
            "keyId": key_id,
            "signedAt": generated_at,
        },
    }


def signed_message(volatile: Mapping[str, Any]) -> bytes:
    """Return the bytes that the signature is over; `volatile` has no `signatureValue`."""
    return DOMAIN + canonical(volatile)


def inspect(raw: bytes, package: Any, keys: Mapping[str, PublicKey]) -> Inspection:
    """Return what holds of a file that claims to be a package, bare or as it was answered.

    Only `keys` are trusted: of the key in the file nothing counts but whether it is the same.
    """
    if isinstance(package, dict) and isinstance(package.get("package"), dict):
        package = package["package"]
    if not isinstance(package, dict) or not _has_shape(package):
        members = f"a package has the members {', '.join(VOLATILE)}, and its content"
        return Inspection((Finding("form", False, members),))
    signature = package["signature"]
    volatile = {name: package[name] for name in VOLATILE}
    volatile["signature"] = {
        name: value for name, value in signature.items() if name != "signatureValue"
    }
    content = {name: value for name, value in package.items() if name not in VOLATILE}
    try:
        written, message = canonical(content), signed_message(volatile)
    except (ValueError, TypeError, RecursionError):
        unwritable = "the file holds values that no package has, such as numbers with fractions"
        return Inspection((Finding("form", False, unwritable),))
    key = keys.get(signature["keyId"])
    return Inspection(
        (
            _form_finding(raw),
            _hash_finding(package, written),
            _key_finding(key, signature["publicKey"]),
            _signature_finding(key, message, signature),
            _validity_finding(key, signature["signedAt"]),
        ),
        report_id=package["packageId"],
        key_id=signature["keyId"],
        digest=package["contentHash"],
        signature=signature["signatureValue"],
    )


def _has_shape(package: Mapping[str, Any]) -> bool:
    signature = package.get("signature")
    texts = all(isinstance(package.get(name), str) for name in VOLATILE if name != "signature")
    return (
        texts
        and isinstance(signature, dict)
        and set(signature) == set(_SIGNATURE)
        and all(isinstance(value, str) for value in signature.values())
    )


class _Repeated(ValueError):
    """A member stands twice in one object: readers differ in which of them counts."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Repeated
    return found


def _form_finding(raw: bytes) -> Finding:
    try:
        json.loads(raw, object_pairs_hook=_once)
    except _Repeated:
        return Finding("form", False, "the file repeats a member, so readers may differ over it")
    except (ValueError, RecursionError):
        return Finding("form", False, "the file is not JSON as RFC 8259 has it")
    return Finding("form", True, "the file is a package, and repeats no member")


def _hash_finding(package: Mapping[str, Any], written: bytes) -> Finding:
    computed = sha256(written).hexdigest()
    if computed == package["contentHash"]:
        return Finding("contentHash", True, "the hash is the SHA-256 of the content")
    shown, of = package.get("attestations"), package.get("attestationCount")
    if isinstance(shown, list) and isinstance(of, int) and len(shown) < of:
        whole = "check the stored package, GET /api/v1/compliance/attestation-packages/{id}"
        detail = f"only {len(shown)} of its {of} attestations are here: {whole}"
        return Finding("contentHash", False, detail)
    return Finding("contentHash", False, f"the SHA-256 of the content is {computed}")


def _key_finding(key: PublicKey | None, stated: str) -> Finding:
    if key is None:
        return Finding("keyKnown", False, "no key of this service has this id")
    if base64.b64encode(key.raw).decode() != stated:
        return Finding("keyKnown", False, "the public key in the file is not the one of this id")
    return Finding("keyKnown", True, "the key is one of those in /.well-known/assayer-keys.json")


def _signature_finding(
    key: PublicKey | None, message: bytes, signature: Mapping[str, str]
) -> Finding:
    if key is None:
        return Finding("signature", False, "without a known key no signature can hold")
    try:
        value = base64.b64decode(signature["signatureValue"], validate=True)
    except (binascii.Error, ValueError):
        return Finding("signature", False, "the signature is not base64")
    # A second spelling of the same bytes in base64 would be a changed file that still verifies.
    spelled = base64.b64encode(value).decode() == signature["signatureValue"]
    if spelled and signature["algorithm"] == ALGORITHM and key.verifies(message, value):
        return Finding("signature", True, "the key signed this hash, id and moment")
    return Finding("signature", False, "the key did not sign this hash, id and moment")


def _validity_finding(key: PublicKey | None, signed_at: str) -> Finding:
    try:
        moment = datetime.fromisoformat(signed_at)
    except ValueError:
        return Finding("keyValid", False, "signedAt is no moment")
    if key is None or moment.tzinfo is None or not key.counts_at(moment):
        return Finding("keyValid", False, "the key did not count when the package was signed")
    return Finding("keyValid", True, "the key counted when the package was signed")

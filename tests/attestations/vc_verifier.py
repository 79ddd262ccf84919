"""A verifier of credentials by the specifications alone; nothing of the project is used.

RFC 8032 (Ed25519, plain integers), RFC 8785 by its library, the did:key and Multikey forms,
vc-di-eddsa 3.3 (eddsa-jcs-2022), and the Bitstring Status List 3.2.
"""

import base64
import gzip
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256, sha512
from typing import Any

import rfc8785

_P = 2**255 - 19
_Q = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)
_DIGITS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
Point = tuple[int, int, int, int]  # extended coordinates, RFC 8032 section 5.1.4


def _add(a: Point, b: Point) -> Point:
    (x1, y1, z1, t1), (x2, y2, z2, t2) = a, b
    m, n = (y1 - x1) * (y2 - x2) % _P, (y1 + x1) * (y2 + x2) % _P
    k, z = 2 * t1 * t2 * _D % _P, 2 * z1 * z2 % _P
    e, f, g, h = n - m, z - k, z + k, n + m
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(number: int, point: Point) -> Point:
    result = (0, 1, 1, 0)
    while number:
        if number & 1:
            result = _add(result, point)
        point, number = _add(point, point), number >> 1
    return result


def _same(a: Point, b: Point) -> bool:
    return (a[0] * b[2] - b[0] * a[2]) % _P == 0 == (a[1] * b[2] - b[1] * a[2]) % _P


def _point(raw: bytes) -> Point:
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT % _P
    if y >= _P or (x * x - square) % _P:
        raise ValueError("no point of the curve")
    x = _P - x if x & 1 != sign else x
    return x, y, 1, x * y % _P


_BASE = _point((4 * pow(5, _P - 2, _P) % _P).to_bytes(32, "little"))


def ed25519_holds(key: bytes, message: bytes, signature: bytes) -> bool:
    if len(signature) != 64 or len(key) != 32:
        return False
    try:
        r, a = _point(signature[:32]), _point(key)
    except ValueError:
        return False
    s = int.from_bytes(signature[32:], "little")
    if s >= _Q:
        return False
    digest = sha512(signature[:32] + key + message).digest()
    h = int.from_bytes(digest, "little") % _Q
    return _same(_times(s, _BASE), _add(r, _times(h, a)))


def base58(text: str) -> bytes:
    """Decode multibase base58btc."""
    if not isinstance(text, str) or text[:1] != "z":
        raise ValueError("not base58btc")
    body, number = text[1:], 0
    for character in body:
        number = number * 58 + _DIGITS.index(character)
    zeros = len(body) - len(body.lstrip("1"))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")


def key_of(did: str) -> bytes:
    """Return the Ed25519 key that a did:key is."""
    raw = base58(did.removeprefix("did:key:"))
    if not did.startswith("did:key:z6Mk") or raw[:2] != b"\xed\x01" or len(raw) != 34:
        raise ValueError("not the did:key of an Ed25519 key")
    return raw[2:]


def proof_holds(document: Mapping[str, Any], *, controller: str | None = None) -> bool:
    """Return whether the eddsa-jcs-2022 proof holds and was made by the issuer's own key."""
    try:
        unsecured = {name: value for name, value in document.items() if name != "proof"}
        options = dict(document["proof"])
        signature = base58(options.pop("proofValue"))
        if (options["type"], options["cryptosuite"]) != ("DataIntegrityProof", "eddsa-jcs-2022"):
            return False
        if options["proofPurpose"] != "assertionMethod":
            return False
        contexts = unsecured["@context"]
        if "@context" in options:
            if contexts[: len(options["@context"])] != options["@context"]:
                return False
            unsecured["@context"] = options["@context"]
        did, _, fragment = options["verificationMethod"].partition("#")
        if did != (controller or unsecured["issuer"]) or did != f"did:key:{fragment}":
            return False
        message = b"".join(sha256(rfc8785.dumps(one)).digest() for one in (options, unsecured))
        return ed25519_holds(key_of(did), message, signature)
    except (ValueError, KeyError, TypeError, AttributeError):
        return False


def is_revoked(credential: Mapping[str, Any], status_list: Mapping[str, Any]) -> bool:
    """Return what the status list says of the credential; both must belong together."""
    entry, subject = credential["credentialStatus"], status_list["credentialSubject"]
    assert entry["type"] == "BitstringStatusListEntry"
    assert "BitstringStatusListCredential" in status_list["type"]
    assert subject["type"] == "BitstringStatusList"
    assert entry["statusPurpose"] == subject["statusPurpose"] == "revocation"
    assert entry["statusListCredential"] == status_list["id"]
    assert proof_holds(status_list)
    assert status_list["issuer"] == credential["issuer"]
    encoded = subject["encodedList"]
    assert encoded[0] == "u"
    bits = gzip.decompress(base64.urlsafe_b64decode(encoded[1:] + "=" * (-len(encoded[1:]) % 4)))
    assert len(bits) * 8 >= 131_072
    index = int(entry["statusListIndex"])
    return bool(bits[index // 8] >> (7 - index % 8) & 1)


def is_in_time(credential: Mapping[str, Any], now: datetime) -> bool:
    bounds = [
        datetime.strptime(credential[name], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        for name in ("validFrom", "validUntil")
        if name in credential
    ]
    return bounds[0] <= now and (len(bounds) == 1 or now <= bounds[1])

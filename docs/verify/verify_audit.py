"""Check an audit bundle without its maker: python verify_audit.py BUNDLE.zip KEY [OLD_CHECKPOINT]
    [--witness KEY]... [--witnesses COUNT]

KEY is the log's verifier key, `<name>+<id>+<base64>`, from somewhere that you trust, not from the
bundle. OLD_CHECKPOINT is a checkpoint that you kept earlier. With `--witness`, the checkpoint must
be cosigned by COUNT of the witnesses with these keys, by all of them where no COUNT is given.
Needs nothing but Python 3.8.
Exit code 0: the bundle is exactly what the signed log holds at these positions. 1: it is not.
"""

import argparse
import base64
import hashlib
import json
import sys
import zipfile

# Ed25519 as RFC 8032, section 5.1, has it: the field, the curve and its base point.
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def recovered(y, odd):
    """The point with this y and this parity of x."""
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if y >= P or (x * x - square) % P or (not x and odd):
        raise ValueError("the bytes are no point of the curve")
    x = P - x if x & 1 != odd else x
    return x, y, 1, x * y % P


def added(one, other):
    """The sum of two points."""
    a = (one[1] - one[0]) * (other[1] - other[0]) % P
    b = (one[1] + one[0]) * (other[1] + other[0]) % P
    c, d = 2 * one[3] * other[3] * D % P, 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(count, point):
    """The point, so many times."""
    total = (0, 1, 1, 0)
    while count:
        if count & 1:
            total = added(total, point)
        point, count = added(point, point), count >> 1
    return total


def decoded(raw):
    """The point that 32 bytes stand for."""
    number = int.from_bytes(raw, "little")
    return recovered(number & (1 << 255) - 1, number >> 255)


def require_signature(public, signature, message):
    """Raise ValueError unless `signature` is that of the key over the message."""
    base = recovered(4 * pow(5, P - 2, P) % P, 0)
    scalar = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or scalar >= ORDER:
        raise ValueError("the signature is malformed")
    digest = hashlib.sha512(signature[:32] + public + message).digest()
    challenge = int.from_bytes(digest, "little") % ORDER
    left = times(scalar, base)
    right = added(decoded(signature[:32]), times(challenge, decoded(public)))
    if (left[0] * right[2] - right[0] * left[2]) % P or (
        left[1] * right[2] - right[1] * left[2]
    ) % P:
        raise ValueError("the signature is wrong")


def opened_key(key, kind):
    """The name, the id in hex and the 32 bytes of a verifier key of this type."""
    name, key_id, encoded = key.strip().split("+", 2)
    public = base64.b64decode(encoded, validate=True)
    if len(public) != 33 or public[0] != kind or not name:
        raise ValueError(f"{key} is not a verifier key of type {kind}")
    if hashlib.sha256(name.encode() + b"\n" + public).digest()[:4].hex() != key_id:
        raise ValueError(f"the id in {key} is not that of the key")
    return name, key_id, public[1:]


def signed_lines(note):
    """The text of a note, and of each line below it the name, the key id and the rest."""
    text, _, signatures = note.rpartition("\n\n")
    if not signatures.endswith("\n"):
        raise ValueError("the checkpoint is cut")
    lines = []
    for line in signatures[:-1].split("\n"):
        dash, name, signature = line.split(" ", 2)
        raw = base64.b64decode(signature, validate=True)
        if dash != "\u2014" or base64.b64encode(raw).decode() != signature:
            raise ValueError("a signature of the checkpoint is malformed")
        lines.append((name, raw[:4].hex(), raw[4:]))
    return text + "\n", lines


def signed_tree(note, key):
    """The size and the root that `key` signed."""
    name, key_id, public = opened_key(key, 1)
    text, lines = signed_lines(note)
    for signer, signer_id, signature in lines:
        if (signer, signer_id) == (name, key_id):
            require_signature(public, signature, text.encode())
            origin, size, root = text.split("\n")[:3]
            if origin != name:
                raise ValueError("the checkpoint is of another log")
            return int(size), base64.b64decode(root, validate=True)
    raise ValueError("the key did not sign the checkpoint")


def cosigners(note, keys):
    """The names of the witnesses whose cosignature stands under the note; a wrong one raises."""
    text, lines = signed_lines(note)
    found = set()
    for key in keys:
        name, key_id, public = opened_key(key, 4)
        for signer, signer_id, rest in lines:
            if (signer, signer_id) == (name, key_id):
                moment = int.from_bytes(rest[:8], "big")
                message = f"cosignature/v1\ntime {moment}\n{text}"
                require_signature(public, rest[8:], message.encode())
                found.add(name)
    return found


def tree(leaves, sizes):
    """The roots of the first so many leaves (RFC 9162), for every size asked for."""
    frontier, count, roots = [], 0, {}
    for leaf in leaves:
        size = count
        while size & 1:
            leaf = hashlib.sha256(b"\x01" + frontier.pop() + leaf).digest()
            size >>= 1
        frontier.append(leaf)
        count += 1
        if count in sizes:
            root = frontier[-1]
            for left in reversed(frontier[:-1]):
                root = hashlib.sha256(b"\x01" + left + root).digest()
            roots[count] = root
    return count, roots


def leaves_of(lines, positions, withheld):
    """The leaf of every position: of a shown event from its line, of another as it was given."""
    total = len(positions) + len(withheld) // 32
    if len(lines) != len(positions) or len(withheld) % 32 or positions != sorted(set(positions)):
        raise ValueError("events, positions and withheld leaves do not fit together")
    shown, given = iter(lines), 0
    wanted = set(positions)
    if positions and not 0 <= positions[0] <= positions[-1] < total:
        raise ValueError("a position is outside the log")
    for position in range(total):
        if position in wanted:
            yield hashlib.sha256(b"\x00" + next(shown)).digest()
        else:
            yield withheld[given : given + 32]
            given += 32


def check(bundle, key, old_note=None, witnesses=(), count=None):
    """What was found, in a sentence. Raises where the bundle does not hold."""
    with zipfile.ZipFile(bundle) as archive:
        note = archive.read("checkpoint.txt").decode()
        content = archive.read("events.ndjson")
        positions = json.loads(archive.read("positions.json"))
        withheld = archive.read("withheld.bin")
    if content and not content.endswith(b"\n"):
        raise ValueError("the last event is cut")
    lines = content.split(b"\n")[:-1]
    size, root = signed_tree(note, key)
    needed = len(set(witnesses)) if count is None else count
    if len(cosigners(note, witnesses)) < needed:
        raise ValueError(f"fewer than {needed} of the witnesses cosigned the checkpoint")
    sizes = {size: root}
    if old_note is not None:
        old_size, old_root = signed_tree(old_note, key)
        if old_size > size:
            raise ValueError("the bundle is older than the checkpoint that you kept")
        sizes[old_size] = old_root
    count, roots = tree(leaves_of(lines, positions, withheld), sizes)
    if count != size:
        raise ValueError(f"the bundle speaks of {count} events, the checkpoint of {size}")
    for at, wanted in sizes.items():
        if at and roots[at] != wanted:
            raise ValueError(f"the first {at} events are not those that were signed")
    return f"{len(lines)} events are as they were sealed; {size - len(lines)} others are withheld"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("bundle")
    parser.add_argument("key")
    parser.add_argument("old", nargs="?")
    parser.add_argument("--witness", action="append", default=[])
    parser.add_argument("--witnesses", type=int, default=None)
    asked = parser.parse_args()
    kept = None
    try:
        if asked.old is not None:
            with open(asked.old, encoding="utf-8") as file:
                kept = file.read()
        told = check(asked.bundle, asked.key, kept, asked.witness, asked.witnesses)
        sys.stdout.write(told + "\n")
    except (ValueError, KeyError, TypeError, OSError, zipfile.BadZipFile) as problem:
        sys.exit(f"DOES NOT HOLD: {problem}")

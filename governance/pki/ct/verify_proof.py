#!/usr/bin/env python3
"""Checks, with nothing but Python and this file, that a certificate is in a log.

    python3 verify_proof.py certificate.pem proof.tlog-proof log-key.pem

certificate.pem holds the certificate and, after it, the one that issued it, both in PEM or both in DER.
proof.tlog-proof is the proof of inclusion (c2sp.org/tlog-proof@v1), and log-key.pem the log's public key (P-256).
One line is printed for each check, PASS, FAIL or SKIP (not checked); the exit code is 0 only when none is FAIL.
"""

from __future__ import annotations  # whoever checks may have an old Python: 3.8 will do

import base64
import hashlib
import re
import sys
from pathlib import Path

SCT_LIST = bytes.fromhex("060a2b06010401d679020402")  # 1.3.6.1.4.1.11129.2.4.2, with tag and length
ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")  # the whole AlgorithmIdentifier
# A certificate of version 3 by its tags: version, serial, algorithm and names, extensions; algorithm, signature.
TAGS = re.compile(rb"\xa0\x02\x30{5}\x81?\x82?\xa3\x30\x03")
P256_KEY = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")  # what precedes the point
# The curve P-256 (FIPS 186-4, D.1.2.3): the field, b, the order and the base point.
P = 2**256 - 2**224 + 2**192 + 2**96 - 1
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
GX = 0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296
GY = 0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5


class Wrong(Exception):
    """Something that is not as it must be, in a sentence."""


def add(p: tuple[int, int] | None, q: tuple[int, int] | None) -> tuple[int, int] | None:
    """The sum of two points; None is the neutral one."""
    if p is None or q is None:
        return p or q
    if p[0] == q[0] and (p[1] + q[1]) % P == 0:
        return None
    rise, run = (3 * p[0] * p[0] - 3, 2 * p[1]) if p == q else (q[1] - p[1], q[0] - p[0])
    slope = rise * pow(run, -1, P)
    x = (slope * slope - p[0] - q[0]) % P
    return x, (slope * (p[0] - x) - p[1]) % P


def times(factor: int, point: tuple[int, int]) -> tuple[int, int] | None:
    """The point added to itself so often."""
    total = None
    for bit in f"{factor:b}":
        total = add(add(total, total), point if bit == "1" else None)
    return total


def signed(key_der: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the key made this ECDSA signature with SHA-256 (FIPS 186-4, 6.4)."""
    x, y = int.from_bytes(key_der[-64:-32], "big"), int.from_bytes(key_der[-32:], "big")
    (outer,) = parts(signature, 0, len(signature))
    r, s = (int.from_bytes(signature[start:end], "big") for _, _, start, end in inside(signature, outer))
    shortest = wrap(0x30, b"".join(wrap(2, n.to_bytes(n.bit_length() // 8 + 1, "big")) for n in (r, s)))
    if signature != shortest or not (0 < r < N and 0 < s < N):
        return False
    digest = int.from_bytes(hashlib.sha256(message).digest(), "big")
    point = add(times(digest * pow(s, -1, N) % N, (GX, GY)), times(r * pow(s, -1, N) % N, (x, y)))
    return point is not None and point[0] % N == r


def parts(data: bytes, at: int, end: int) -> list[tuple[int, int, int, int]]:
    """The elements of DER between two places: tag, where one begins, where its content begins, and where it ends."""
    found = []
    while at < end:
        length, inner = data[at + 1] if at + 1 < end else end, at + 2
        if length >= 0x80 and inner < end:
            count = length & 0x7F
            length, inner = int.from_bytes(data[inner : inner + count], "big"), inner + count
            if not 0 < count < 5 or length < 0x80 or length >> 8 * (count - 1) == 0:
                raise Wrong("a length is not as DER writes it")
        if inner + length > end:
            raise Wrong("a structure is cut short")
        found.append((data[at], at, inner, inner + length))
        at = inner + length
    return found


def inside(data: bytes, outer: tuple[int, int, int, int], tag: int = 0x30) -> list[tuple[int, int, int, int]]:
    """The elements within one that must have this tag."""
    if outer[0] != tag:
        raise Wrong("a structure is not of the kind that is due in its place")
    return parts(data, outer[2], outer[3])


def wrap(tag: int, content: bytes) -> bytes:
    """An element of DER."""
    size = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, len(content)] if len(content) < 0x80 else [tag, 0x80 | len(size), *size]) + content


def vector(data: bytes, at: int, size: int) -> tuple[bytes, int]:
    """What stands at `at` behind its length of `size` bytes, and where it ends."""
    start = at + size
    end = start + int.from_bytes(data[at:start], "big")
    if end > len(data) or start > len(data):
        raise Wrong("a structure is cut short")
    return data[start:end], end


def fields(certificate: bytes) -> list[tuple[int, int, int, int]]:
    """The elements of the TBSCertificate; nothing may stand in it or beside it that nobody would look at."""
    (outer,) = parts(certificate, 0, len(certificate))
    tbs, algorithm, signature = inside(certificate, outer)
    found = inside(certificate, tbs)
    tags = bytes(part[0] for part in (*found, algorithm, signature))
    said, again = (certificate[part[1] : part[3]] for part in (found[2], algorithm))
    version, unused_bits = certificate[found[0][2] : found[0][3]], certificate[signature[2]]
    if not TAGS.fullmatch(tags) or version != b"\x02\x01\x02" or said != again or unused_bits:
        raise Wrong("the certificate, or its issuer, is not what version 3 has with extensions, and nothing else")
    return found


def entry_of(leaf: bytes, issuer: bytes) -> tuple[bytes, bytes]:
    """What the log signed of the certificate (RFC 6962, 3.2), and the list of SCTs that is cut out of it."""
    its, above = fields(leaf), fields(issuer)
    if leaf[its[3][1] : its[3][3]] != issuer[above[5][1] : above[5][3]]:
        raise Wrong("the certificate names another issuer than the one after it")
    kept, scts = [], []
    (extensions,) = inside(leaf, its[-1], 0xA3)
    for extension in inside(leaf, extensions):
        if leaf.startswith(SCT_LIST, extension[2]):
            _, *critical, value = inside(leaf, extension)
            ((tag, _, start, end),) = inside(leaf, value, 0x04)
            if tag != 0x04 or [leaf[part[1] : part[3]] for part in critical] not in ([], [b"\x01\x01\xff"]):
                raise Wrong("the certificate has more in the extension with the SCTs than these")
            scts.append(leaf[start:end])
        else:
            kept.append(leaf[extension[1] : extension[3]])
    if len(scts) != 1:
        raise Wrong(f"the certificate has {len(scts)} lists of SCTs, and one is needed")
    tbs = wrap(0x30, leaf[its[0][1] : its[-1][1]] + (wrap(0xA3, wrap(0x30, b"".join(kept))) if kept else b""))
    kind_and_key = b"\x00\x01" + hashlib.sha256(issuer[above[6][1] : above[6][3]]).digest()
    return kind_and_key + len(tbs).to_bytes(3, "big") + tbs, scts[0]


def sct_of(scts: bytes, log_id: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """The one SCT of this log: its time, its extensions, the algorithms, and its signature."""
    inner, end = vector(scts, 0, 2)
    at, found = 0, []
    while at < len(inner):
        sct, at = vector(inner, at, 2)
        if sct[:1] == b"\x00" and sct[1:33] == log_id:
            extensions, after = vector(sct, 41, 2)
            signature, stop = vector(sct, after + 2, 2)
            found += [(sct[33:41], extensions, sct[after : after + 2], signature)] if stop == len(sct) else []
    if end != len(scts) or len(found) != 1:
        raise Wrong(f"the certificate has {len(found)} SCTs of this log, and one is needed")
    return found[0]


def unbase64(text: str, size: int = 0) -> bytes:
    """The bytes of a line, which must be written in the one form that base64 has for them."""
    fours = re.fullmatch("([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", text)
    data = base64.b64decode(text) if fours else b""
    if base64.b64encode(data).decode() != text or (size and len(data) != size) or not data:
        raise Wrong(f"this is not the base64 that is due in its place: {text[:60]!r}")
    return data


def proof_of(text: str) -> tuple[int, list[bytes], str]:
    """The index, the audit path and the checkpoint of a proof file."""
    pattern = r"c2sp\.org/tlog-proof@v1\n(?:extra (\S+)\n)?index (0|[1-9][0-9]{0,18})((?:\n\S+)*)\n\n(.*)"
    match = re.fullmatch(pattern, text, re.DOTALL)
    if not match or (match[1] and not unbase64(match[1])):
        raise Wrong("the proof is none: c2sp.org/tlog-proof@v1, an index, hashes and a checkpoint are needed")
    return int(match[2]), [unbase64(line, 32) for line in match[3].split()], match[4]


def head_of(checkpoint: str) -> tuple[str, int, bytes, list[tuple[str, bytes]]]:
    """The origin, size and root of a checkpoint, and its signatures with the names that stand before them."""
    match = re.fullmatch(r"(.*)\n(0|[1-9][0-9]{0,18})\n(\S+)\n\n((?:— [^\s+]+ \S+\n)*)", checkpoint)
    if not match:
        raise Wrong("the proof has no checkpoint: origin, size, root, an empty line and signatures are needed")
    signatures = [line.split(" ") for line in match[4].split("\n")[:-1]]
    return match[1], int(match[2]), unbase64(match[3], 32), [(name, unbase64(text)) for _, name, text in signatures]


def root_from(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """The root to which the path leads, by the definition of it (RFC 6962, 2.1.1)."""
    if index >= size or (size == 1) != (not path):
        raise Wrong("the proof has not the length that its index and the size in the checkpoint make")
    if size == 1:
        return leaf
    half = 1 << ((size - 1).bit_length() - 1)
    if index < half:
        return hashlib.sha256(b"\x01" + root_from(leaf, index, half, path[:-1]) + path[-1]).digest()
    return hashlib.sha256(b"\x01" + path[-1] + root_from(leaf, index - half, size - half, path[:-1])).digest()


class Case:
    """A certificate, a proof and a log; each check says what it found, or raises Wrong."""

    def __init__(self, certificates: list[bytes], proof: str, key: bytes) -> None:
        if len(certificates) < 2:
            raise Wrong("the certificate's file must hold the certificate and, after it, the one that issued it")
        x, y = int.from_bytes(key[-64:-32], "big"), int.from_bytes(key[-32:], "big")
        if key[:-64] != P256_KEY or max(x, y) >= P or (y * y - x * x * x + 3 * x - B) % P:
            raise Wrong("the log's key is not one public key on the curve P-256")
        self.leaf, self.above, self.proof, self.key = certificates[0], certificates[1], proof, key
        self.log_id = hashlib.sha256(key).digest()

    def promised(self) -> tuple[bytes, bytes, bytes, bytes]:
        """The leaf that the log signed, the extensions in it, and the algorithms and the signature."""
        entry, scts = entry_of(self.leaf, self.above)
        at, extensions, algorithms, signature = sct_of(scts, self.log_id)
        leaf = b"\x00\x00" + at + entry + len(extensions).to_bytes(2, "big") + extensions
        return leaf, extensions, algorithms, signature

    def promise(self) -> str:
        """The SCT in the certificate."""
        leaf, _, algorithms, signature = self.promised()
        if algorithms != b"\x04\x03" or not signed(self.key, signature, leaf):
            raise Wrong("the SCT in the certificate is not signed by the log's key for this certificate")
        return f"the certificate has an SCT of the log {self.log_id.hex()}, and the log's key signed it"

    def index(self) -> str:
        """The index, which the SCT may name (static-ct-api)."""
        index, at, named, extensions = proof_of(self.proof)[0], 0, [], self.promised()[1]
        while at < len(extensions):
            kind, (value, at) = extensions[at], vector(extensions, at + 1, 2)
            named += [value] if kind == 0 else []
        if named not in ([], [index.to_bytes(5, "big")]):
            raise Wrong(f"the proof is about index {index}, and the SCT names another")
        return f"the proof is about index {index}" + (", which the SCT names" if named else "")

    def inclusion(self) -> str:
        """The audit path."""
        index, path, checkpoint = proof_of(self.proof)
        _, size, root, _ = head_of(checkpoint)
        if root_from(hashlib.sha256(b"\x00" + self.promised()[0]).digest(), index, size, path) != root:
            raise Wrong("the proof does not lead from the certificate to the root of the checkpoint")
        return f"the certificate is entry {index} of the {size} in the checkpoint"

    def checkpoint(self) -> str:
        """The signature over size and root (static-ct-api); the origin is not covered by it, only the key is."""
        origin, size, root, signatures = head_of(proof_of(self.proof)[2])
        number = hashlib.sha256(origin.encode() + b"\n\x05" + self.log_id).digest()[:4]
        ours = [text[4:] for name, text in signatures if name == origin and text[:4] == number]
        for text in ours:
            signature, end = vector(text, 10, 2)
            message = b"\x00\x01" + text[:8] + size.to_bytes(8, "big") + root
            if end != len(text) or text[8:10] != b"\x04\x03" or not signed(self.key, signature, message):
                raise Wrong("the checkpoint has a signature that the log's key did not make")
        if not ours:
            raise Wrong("the checkpoint is not signed by the log's key")
        return f"the checkpoint of {origin} is signed by the log's key"

    def issuer(self) -> str:
        """The issuer's signature on the certificate, for which no log vouches."""
        _, key = fields(self.leaf), fields(self.above)[6]
        tbs, algorithm, bits = inside(self.leaf, parts(self.leaf, 0, len(self.leaf))[0])
        if not self.above.startswith(P256_KEY, key[1]) or self.leaf[algorithm[1] : algorithm[3]] != ECDSA_SHA256:
            raise NotImplementedError("openssl verify -partial_chain -trusted issuer.pem certificate.pem")
        if not signed(self.above[: key[3]], self.leaf[bits[2] + 1 : bits[3]], self.leaf[tbs[1] : tbs[3]]):
            raise Wrong("the certificate is not signed by the key of the one after it")
        return "the certificate is signed by the key of the one after it, whose name and key alone were looked at"


def contents(path: str, label: str) -> list[bytes]:
    """The DER in a file: of each PEM block with this label, or of each element when there is none."""
    data = Path(path).read_bytes()
    if b"-----BEGIN" not in data:
        return [data[at:end] for _, at, _, end in parts(data, 0, len(data))]
    pattern = f"-----BEGIN {label}-----([A-Za-z0-9+/=\\s]+)-----END {label}-----"
    return [unbase64("".join(block.split())) for block in re.findall(pattern, data.decode(errors="replace"))]


def main(arguments: list[str]) -> int:
    """The exit code."""
    if len(arguments) != 3:
        raise SystemExit(__doc__)
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr] # for origins, in any locale
    try:
        certificates, keys = contents(arguments[0], "CERTIFICATE"), contents(arguments[2], "PUBLIC KEY")
        case = Case(certificates, Path(arguments[1]).read_bytes().decode(errors="replace"), b"".join(keys))
    except (OSError, Wrong) as error:
        print(f"FAIL input: {error}")
        return 1
    failed = 0
    for check in (case.promise, case.index, case.inclusion, case.checkpoint, case.issuer):
        try:
            print(f"PASS {check.__name__}: {check()}")
        except NotImplementedError as other:
            print(f"SKIP {check.__name__}: whether it signed the certificate is not checked here; {other} does that")
        except (Wrong, IndexError, ValueError, OverflowError) as error:
            failed = 1
            print(f"FAIL {check.__name__}: {error if isinstance(error, Wrong) else 'what was given cannot be read'}")
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

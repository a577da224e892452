"""Checks a document of `headwater history export` with nothing but Python: docs/adr/0023 has the format."""
import base64, hashlib, json, sys


def netstrings(*parts: bytes) -> bytes:
    return b"".join(b"%d:%b," % (len(part), part) for part in parts)


lines = open(sys.argv[1], "rb").read().splitlines(keepends=True)
(_, history), *commits, (_, head) = [next(iter(json.loads(line).items())) for line in lines]
assert history["format"] == "headwater-history-1", "another format"
chain = bytes(32)
for _, commit in commits:
    headers = "".join(f"{name}: {value}\n" for name, value in sorted(commit["headers"], key=lambda it: it[0].encode()))
    position, payload = str(commit["position"]), base64.b64decode(commit["payload"])
    message = netstrings(b"headwater-message-1", *(text.encode() for text in (position, history["subject"], headers)), payload)
    leaf = hashlib.sha256(message).digest()
    chain = hashlib.sha256(chain + leaf).digest()
    assert (leaf.hex(), chain.hex()) == (commit["leaf"], commit["chain"]), f"wrong at position {position}"
assert (chain.hex(), len(commits)) == (head["chain"], head["commits"]), "the head is that of another history"
assert hashlib.sha256(b"".join(lines[:-1])).hexdigest() == head["lines"], "the lines are not those that were written"
print(f"whole: {head['aggregate']}/{head['id']} version {head['version']} position {head['position']} chain {chain.hex()}")

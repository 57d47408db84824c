// The golden vectors by another implementation of RFC 8785, and by JSON.stringify, in another language.
import assert from "node:assert/strict";
import { createHash, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import canonicalize from "canonicalize";

const DIGESTS = { Ed25519: null, "ECDSA-secp256k1-SHA256": "sha256" };

function sorted(members) {
  const entries = Object.entries(members).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries);
}

const vectors = JSON.parse(readFileSync(new URL("vectors.json", import.meta.url)));
for (const { name, request, payload, sha256 } of vectors) {
  const { body, enterpriseId, connectionId } = request;
  const members = { ...body, enterpriseId, connectionId: connectionId.toLowerCase() };
  assert.equal(canonicalize(members), payload, name);
  assert.equal(JSON.stringify(sorted({ ...members, amount: sorted(body.amount) })), payload, name);
  assert.equal(createHash("sha256").update(payload).digest("hex"), sha256, name);
}
const signed = vectors.filter(({ signature }) => signature);
for (const { name, payload, signature } of signed) {
  const { scheme, publicKey, base64, highS } = signature;
  const bytes = Buffer.from(base64, "base64");
  assert(verify(DIGESTS[scheme], Buffer.from(payload), publicKey, bytes), name);
  if (highS !== undefined) assert.equal(bytes[5 + bytes[3]] > 32, highS, name); // in DER, a high S takes 33 bytes
}
console.log(`${vectors.length} payloads are the same, ${signed.length} signatures verify.`);

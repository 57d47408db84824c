// The golden vectors by another implementation of RFC 8785, in another language.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import canonicalize from "canonicalize";

const vectors = JSON.parse(readFileSync(new URL("vectors.json", import.meta.url)));
for (const { name, request, payload, sha256 } of vectors) {
  const { body, enterpriseId, connectionId } = request;
  const members = { ...body, enterpriseId, connectionId: connectionId.toLowerCase() };
  assert.equal(canonicalize(members), payload, name);
  assert.equal(createHash("sha256").update(payload).digest("hex"), sha256, name);
}
console.log(`${vectors.length} payloads are the same.`);

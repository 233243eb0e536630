// Makes a consent packet with npm's jose (version 6): node seal.mjs GATEWAY KEY CLAIMS
//
//   GATEWAY  the gateway's URL, such as http://127.0.0.1:8080
//   KEY      your private signing key: a file with one JWK that has kid and alg; the public half is in your key set
//   CLAIMS   a file with the claims but aud, jti, iat, nbf and exp, which belong to this one packet
//
// The packet is one line on standard output.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { CompactEncrypt, CompactSign, importJWK } from 'jose';

const [gateway, keyFile, claimsFile] = process.argv.slice(2);
const readJSON = (file) => JSON.parse(readFileSync(file, 'utf8'));

async function fetchJSON(path) {
  const response = await fetch(gateway + path);
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  return response.json();
}

const metadata = await fetchJSON('/.well-known/code-exchange');
const keySet = await fetchJSON('/.well-known/jwks.json');
const claims = readJSON(claimsFile);
const own = readJSON(keyFile);

// The newest key for packets of your side stands first.
const recipient = keySet.keys.find((key) => key.kid === metadata.packet_keys[claims.iss][0]);

const now = Math.floor(Date.now() / 1000);
Object.assign(claims, {
  aud: metadata.issuer,
  jti: randomBytes(16).toString('base64url'),
  iat: now,
  nbf: now,
  exp: now + metadata.limits.packet_life_seconds,
});

const signed = await new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
  .setProtectedHeader({ alg: own.alg, kid: own.kid, typ: 'consent-packet+jwt' })
  .sign(await importJWK(own, own.alg));

const packet = await new CompactEncrypt(new TextEncoder().encode(signed))
  .setProtectedHeader({ alg: recipient.alg, enc: 'A256GCM', kid: recipient.kid, typ: 'consent-packet+jwe', cty: 'JWT' })
  .encrypt(await importJWK(recipient, recipient.alg));

console.log(packet);

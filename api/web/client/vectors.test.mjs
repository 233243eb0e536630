/** The client against the table that the gateway made: testdata/vectors.json, and one signed a moment ago (CROSSCODE_VECTORS). */
import test from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as client from './crosscode.js';

const files = [new URL('testdata/vectors.json', import.meta.url), process.env.CROSSCODE_VECTORS].filter(Boolean);

/** told is a finding in the form of POST /v1/receipts/verify, without its title. */
function told(found) {
  const finding = { category: found.category, title: '', pass: found.pass };
  if (found.category === 'unreadable') return finding;
  const shown = (seconds) => seconds && new Date((seconds + 8 * 3600) * 1000).toISOString().slice(0, 19) + '+08:00';
  const all = { ...finding, route: found.route, port: found.port, name: found.name, document: found.document, sampled_on: found.sampledOn, valid_until: shown(found.until), since: shown(found.since), reopened: shown(found.reopened), specimen: found.specimen, unverified: found.unverified };
  for (const name of ['port', 'name', 'document', 'sampled_on', 'since', 'reopened', 'specimen', 'unverified']) if (!all[name]) delete all[name];
  return all;
}

for (const file of files) {
  const vectors = JSON.parse(readFileSync(file, 'utf8'));

  test(`every exhibit of ${file} is judged as the gateway judges it`, async (t) => {
    const issued = JSON.parse(Buffer.from(vectors.bundle.split('.')[1], 'base64url')).iat;
    const bundle = await client.openBundle(vectors.bundle, vectors.pins, { now: issued * 1000 });
    assert.ok(vectors.exhibits.length >= 80);
    for (const each of vectors.exhibits) {
      await t.test(each.name, async () => {
        const found = await client.verifyExhibit(each, bundle, { now: Date.parse(each.at), specimens: each.specimens });
        assert.deepEqual(told(found), each.finding);
      });
    }
  });

  test(`every bundle of ${file} is taken or refused as package jose does`, async (t) => {
    assert.ok(vectors.bundles.length >= 20);
    for (const each of vectors.bundles) {
      await t.test(each.name, async () => {
        const opening = client.openBundle(each.token, each.pins, { now: each.at_ms, lastSeen: each.last_seen });
        if (each.reason) await assert.rejects(opening, (error) => error instanceof client.BundleError && error.reason === each.reason);
        else assert.deepEqual((await opening).pins, each.next);
      });
    }
  });

  test(`QR texts of ${file} are those of package exchange`, () => {
    for (const { token, text } of vectors.qr) {
      assert.equal(client.qrText(token), text);
      assert.equal(client.parseQRText(text), token);
    }
    for (const text of vectors.bad_qr) assert.equal(client.parseQRText(text), null, text.slice(0, 40));
  });
}

test('QR texts are those of the packet guide', () => {
  const { qr, bad } = JSON.parse(readFileSync(new URL('../../guide/qr-vectors.json', import.meta.url), 'utf8'));
  assert.ok(qr.length >= 18 && bad.length >= 20);
  for (const { token, text } of qr) {
    assert.equal(client.qrText(token), text);
    assert.equal(client.parseQRText(text), token);
  }
  for (const text of bad) assert.equal(client.parseQRText(text), null, text);
});

test('only what openBundle opened can verify', async () => {
  await assert.rejects(client.verifyExhibit({ code: 'a.b.c' }, { pins: [] }, {}), TypeError);
});

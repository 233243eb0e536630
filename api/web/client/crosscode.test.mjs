/** The client's own parts: bytes, strict JSON, QR symbols, the tail of a document. */
import test from 'node:test';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { decodeQR } from '../vendor/qr@0.7.0/decode.js';
import * as client from './crosscode.js';

const { encodeBase64URL, decodeBase64URL, encodeUTF8, decodeUTF8, parseStrict, qrMatrix, qrText, qrSVGPath, tailMatches, showTime, tokenKind } = client;

test('base64url is that of Node, and nothing but its one form is read', () => {
  for (let length = 0; length < 80; length++) {
    const bytes = new Uint8Array(randomBytes(length));
    const text = Buffer.from(bytes).toString('base64url');
    assert.equal(encodeBase64URL(bytes), text);
    assert.deepEqual(decodeBase64URL(text), bytes);
  }
  for (const text of ['A', 'AB', 'AAB', 'AAA=', 'A+', 'A/', 'A A', 'AA\n', '文字']) assert.equal(decodeBase64URL(text), null, text);
  assert.deepEqual(decodeBase64URL('AA'), new Uint8Array([0]));
});

test('UTF-8 is that of Node', () => {
  for (const text of ['', 'a', 'é', '陳大文', '𠮷野家', 'a\u0000b', '\uFEFFx', 'x'.repeat(20000) + '陳']) {
    assert.deepEqual(Buffer.from(encodeUTF8(text)), Buffer.from(text));
    assert.equal(decodeUTF8(encodeUTF8(text)), text);
  }
  assert.deepEqual(Buffer.from(encodeUTF8('\ud800x')), Buffer.from('\ufffdx'));
  for (const bytes of [[0x80], [0xc0, 0x80], [0xc1, 0xbf], [0xe0, 0x80, 0x80], [0xed, 0xa0, 0x80], [0xf0, 0x80, 0x80, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xf8], [0xe2, 0x82], [0xff]]) {
    assert.equal(decodeUTF8(Uint8Array.from(bytes)), null, String(bytes));
  }
});

test('JSON is read as JSON.parse reads it', () => {
  for (const text of ['{}', ' [1, -2 ,3]\n', '{"a":{"b":[true,false,null]},"c":"\\u9673\\n\\"/"}', '"\\ud842\\udfb7"', '0', '{"__proto__":1}']) {
    assert.equal(JSON.stringify(parseStrict(text)), JSON.stringify(JSON.parse(text)));
  }
});

test('JSON that two readers could read differently is not read', () => {
  const bad = ['', '{', '{"a":1,"a":2}', '{"a":1,"\\u0061":2}', '{"a":1}{}', '[1,]', "{'a':1}", '{"a":01}', '{"a":+1}', '"\\ud800"', '"\\udc00"', '"\\x"', '"a\nb"', '"\u0001"', 'nul', 'True', '//\n1', '{"a"}', '[1 2]', '"abc', '"abc\\', '\uFEFF{}', '[[[[[[[[[1]]]]]]]]]'];
  for (const text of bad) assert.throws(() => parseStrict(text), SyntaxError, text);
  parseStrict('[[[[[[[[1]]]]]]]]');
  for (const text of ['1.5', '1e2', '9007199254740993']) assert.ok(Number.isNaN(parseStrict(text)), text);
});

/** pixels draws a symbol as a camera would see it. */
function pixels(matrix, scale = 5) {
  const width = (matrix.size + 8) * scale;
  const data = new Uint8Array(width * width * 4).fill(255);
  for (let y = 0; y < width; y++) {
    for (let x = 0; x < width; x++) {
      const column = Math.floor(x / scale) - 4;
      const row = Math.floor(y / scale) - 4;
      const inside = column >= 0 && row >= 0 && column < matrix.size && row < matrix.size;
      if (inside && matrix.dark(column, row)) data.fill(0, (y * width + x) * 4, (y * width + x) * 4 + 3);
    }
  }
  return { width, height: width, data };
}

test('every version is read by a decoder that is not ours', () => {
  const seen = new Set();
  for (let length = 1; length <= 700; length += length < 40 ? 3 : 11) {
    const text = qrText(encodeBase64URL(new Uint8Array(randomBytes(600))).slice(0, length));
    const matrix = qrMatrix(text);
    seen.add(matrix.version);
    assert.equal(decodeQR(pixels(matrix)), text, `version ${matrix.version}`);
  }
  for (let version = 2; version <= 18; version++) assert.ok(seen.has(version), `version ${version} was not drawn`);
});

test('the longest code and receipt are version 15, and texts of bytes alone are drawn too', () => {
  assert.equal(qrMatrix(qrText('z'.repeat(531))).version, 15);
  assert.equal(qrMatrix(qrText('z'.repeat(532))).version, 16);
  for (const text of ['https://gateway.example/officer/#pin=x', '陳大文', '7', '']) assert.equal(decodeQR(pixels(qrMatrix(text || ' '))), text || ' ');
  assert.throws(() => qrMatrix('x'.repeat(700)), RangeError);
});

test('the SVG path holds the dark modules', () => {
  const text = qrText('abc.def.ghi');
  const { size, d } = qrSVGPath(text);
  const matrix = qrMatrix(text);
  let dark = 0;
  for (let y = 0; y < matrix.size; y++) for (let x = 0; x < matrix.size; x++) dark += matrix.dark(x, y) ? 1 : 0;
  assert.equal(size, matrix.size + 8);
  assert.equal([...d.matchAll(/h(\d+)v1/g)].reduce((sum, [, run]) => sum + Number(run), 0), dark);
});

test('the end of a document number matches, or not, or is too short to say', () => {
  for (const [masked, typed, want] of [
    ['M****5678', '5678', 'match'], ['M****5678', 'M12345678', 'match'], ['M****5678', '5679', 'mismatch'], ['M****5678', '678', 'short'],
    ['M****5678', '', 'short'], ['A****56A7', '56a(7)', 'match'], ['A****56A7', '５６Ａ７', 'match'], ['****12', '12', 'match'], ['****12', '2', 'short'],
    ['', '5678', 'short'], ['M****5678', '*5678', 'match'], ['M****5678', '<b>5678', 'match'],
  ]) assert.equal(tailMatches(masked, typed), want, `${masked} ${typed}`);
});

test('times are shown in UTC+8 wherever the device is', () => {
  assert.equal(showTime(1795312800), '2026-11-22 10:00 UTC+8');
  assert.equal(showTime('2026-11-22T12:00:00+08:00'), '2026-11-22 12:00 UTC+8');
});

test('what a text claims to be', () => {
  const token = (typ) => `${encodeBase64URL(encodeUTF8(JSON.stringify({ typ })))}.e30.AA`;
  assert.equal(tokenKind(token('gd-code+jwt')), 'code');
  assert.equal(tokenKind(qrText(token('transcode-receipt+jwt'))), 'receipt');
  assert.equal(tokenKind(token('trust-bundle+jwt')), 'bundle');
  for (const text of ['', '.', 'a.b.c', 'xc:/1', 'https://a.example', '{}', token('consent-packet+jwt'), null, undefined]) assert.equal(tokenKind(text), null);
});

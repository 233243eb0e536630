/**
 * The client where there is nothing of a browser: a context with ECMAScript, setTimeout and a `wx` alone, loaded by require()
 * as a mini-program does (crosscode.cjs, as the gateway serves it: CROSSCODE_CJS), against a real gateway (CROSSCODE_GATEWAY).
 */
import test from 'node:test';
import assert from 'node:assert/strict';
import vm from 'node:vm';
import http from 'node:http';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';

const source = readFileSync(process.env.CROSSCODE_CJS, 'utf8');
const gateway = process.env.CROSSCODE_GATEWAY;

/** overHTTP is wx.request: any status is a success, only the lack of an answer is a failure, and header names are as sent. */
function overHTTP({ url, method, data, header, success, fail }) {
  const request = http.request(url, { method, headers: header, agent: false }, (response) => {
    const parts = [];
    response.on('data', (part) => parts.push(part));
    response.on('end', () => success({ statusCode: response.statusCode, header: Object.fromEntries(response.rawHeaders.reduce((rows, value, i, all) => (i % 2 ? rows : [...rows, [value, all[i + 1]]]), [])), data: Buffer.concat(parts).toString() }));
    response.on('error', () => fail({ errMsg: 'request:fail' }));
  });
  request.on('error', () => fail({ errMsg: 'request:fail' }));
  request.end(data);
}

const cryptography = { getRandomValues: ({ length, success }) => success({ randomValues: new Uint8Array(randomBytes(length)).buffer }) };

/** miniProgram gives the client inside a fresh context; request may be another one. */
function miniProgram({ request = overHTTP, getUserCryptoManager = () => cryptography } = {}) {
  const module = { exports: {} };
  const context = vm.createContext({ module, setTimeout, clearTimeout, wx: { request, getUserCryptoManager } });
  for (const name of ['fetch', 'URL', 'TextEncoder', 'TextDecoder', 'crypto', 'atob', 'btoa', 'AbortController', 'process', 'require', 'window']) {
    assert.equal(vm.runInContext(`typeof ${name}`, context), 'undefined', name);
  }
  vm.runInContext(source, context);
  return module.exports;
}

/** answering plays a gateway: one function for each call, the last again and again. */
function answering(...replies) {
  const seen = [];
  const request = (given) => {
    seen.push(given);
    replies[Math.min(seen.length, replies.length) - 1](given);
  };
  return { seen, request };
}

const reply = (statusCode, data, header = {}) => ({ success }) => success({ statusCode, header, data: typeof data === 'string' ? data : JSON.stringify(data) });
const silence = ({ fail }) => fail({ errMsg: 'request:fail timeout' });
const issued = { outcome: 'issued', code: 'a.b.c', receipt: 'd.e.f' };

test('a packet becomes a code, and asking again with the same key gives the same code', async () => {
  const client = miniProgram().createClient({ base: gateway });
  const answer = await client.exchange('green', { language: 'zh-Hant' });
  assert.equal(answer.outcome, 'issued');
  assert.match(answer.qr.code, /^xc:\/[0-9]+$/);
  assert.match(answer.idempotency_key, /^[A-Za-z0-9_-]{43}$/);
  const again = await client.exchange('green', { idempotencyKey: answer.idempotency_key });
  assert.deepEqual([again.outcome, again.code_id, again.valid_until], ['issued', answer.code_id, answer.valid_until]);
  const stranger = await client.exchange('green', {});
  assert.deepEqual([stranger.outcome, stranger.reason, stranger.code], ['refused', 'replayed', undefined]);
});

test('a refusal says what, why, what to do and whom to call, and has a receipt', async () => {
  const client = miniProgram().createClient({ base: gateway });
  const answer = await client.exchange('refused', { language: 'zh-Hans' });
  assert.deepEqual([answer.outcome, answer.status, answer.reason], ['refused', 422, 'not-eligible']);
  for (const member of ['title', 'remedy', 'contact', 'receipt']) assert.ok(answer[member], member);
  assert.match(answer.qr.receipt, /^xc:\//);
  assert.equal(answer.qr.code, undefined);
});

test('what is no packet is refused', async () => {
  const answer = await miniProgram().createClient({ base: gateway }).exchange('nobody knows this', {});
  assert.deepEqual([answer.outcome, answer.reason, answer.attempts], ['refused', 'packet-refused', 1]);
});

test('texts, keys, metadata and bundle are read; an unknown route is told', async () => {
  const client = miniProgram().createClient({ base: gateway + '/' });
  const consents = await client.consents('macau-guangdong');
  assert.ok(consents.consents[0].texts['zh-Hant'].sha256);
  assert.ok((await client.keys()).keys.length > 0);
  assert.equal((await client.metadata()).client.sha256.length, 64);
  const { token, date } = await client.bundle();
  assert.ok(token && Math.abs(date - Date.now()) < 60000);
  await assert.rejects(client.consents('macau-atlantis'), (error) => error.name === 'ClientError' && error.status === 404);
  await assert.rejects(client.consents('../keys'), { name: 'TypeError' });
});

test('the holder withdraws a code, and the gateway calls it recalled', async () => {
  const client = miniProgram().createClient({ base: gateway });
  const answer = await client.exchange('withdrawn', {});
  assert.equal((await client.withdraw({ ...answer, withdraw_secret: 'x' })).outcome, 'failed');
  assert.equal((await client.withdraw(answer)).outcome, 'withdrawn');
  assert.equal((await client.verify({ code: answer.code })).category, 'recalled');
});

test('a call that is cut off or answered with retry is repeated with the same key and packet', async () => {
  const waits = [];
  const { seen, request } = answering(silence, reply(503, { outcome: 'retry', retry_after: 3 }), reply(502, '<html>bad gateway'), reply(200, issued));
  const client = miniProgram({ request }).createClient({ base: 'https://g.example', wait: async (ms) => waits.push(ms) });
  const told = [];
  const answer = await client.exchange('p', { onRetry: (seconds, attempt) => told.push(attempt) });
  assert.deepEqual([answer.outcome, answer.attempts], ['issued', 4]);
  assert.equal(new Set(seen.map((each) => each.header['Idempotency-Key'])).size, 1);
  assert.deepEqual(new Set(seen.map((each) => each.data)), new Set(['p']));
  assert.ok(waits[0] >= 750 && waits[0] <= 1250 && waits[1] === 3000 && waits[2] >= 3000 && waits[2] <= 5000, String(waits));
  assert.deepEqual(told, [1, 2, 3]);
});

test('a refusal is not repeated, and the attempts end', async () => {
  const wait = async () => {};
  const refusal = answering(reply(409, { outcome: 'refused', reason: 'replayed', title: 't' }));
  assert.equal((await miniProgram(refusal).createClient({ base: 'https://g.example', wait }).exchange('p')).attempts, 1);
  const never = answering(silence);
  const gone = await miniProgram(never).createClient({ base: 'https://g.example', wait }).exchange('p', { attempts: 3 });
  assert.deepEqual([gone.outcome, gone.status, never.seen.length], ['unreachable', 0, 3]);
  const busy = await miniProgram(answering(reply(429, { outcome: 'retry', title: 't' }, { 'Retry-After': '600' }))).createClient({ base: 'https://g.example', wait: async (ms) => assert.equal(ms, 30000) }).exchange('p', { attempts: 2 });
  assert.deepEqual([busy.outcome, busy.title], ['retry', 't']);
});

test('half an answer is no answer', async () => {
  for (const body of ['', '{"outcome":"iss', '{"outcome":"issued"}', 'null', '[]', '{"outcome":"granted"}', '"issued"']) {
    const answer = await miniProgram(answering(reply(200, body))).createClient({ base: 'https://g.example', wait: async () => {} }).exchange('p', { attempts: 1 });
    assert.equal(answer.outcome, 'unreachable', body);
  }
});

test('an exchange is carried over the end of the app', async () => {
  const kept = new Map();
  const storage = { get: (name) => kept.get(name), set: (name, text) => void kept.set(name, text), remove: async (name) => void kept.delete(name) };
  const wait = async () => {};
  const first = miniProgram(answering(silence)).createClient({ base: 'https://g.example', storage, wait });
  const cut = await first.exchange('p', { attempts: 1 });
  assert.equal(cut.outcome, 'unreachable');
  const back = answering(reply(200, issued));
  const second = miniProgram(back).createClient({ base: 'https://g.example', storage, wait });
  assert.equal((await second.pending()).idempotencyKey, cut.idempotency_key);
  assert.equal((await second.resume()).outcome, 'issued');
  assert.equal(back.seen[0].header['Idempotency-Key'], cut.idempotency_key);
  assert.equal(await second.pending(), null);
  assert.equal(await second.resume(), null);
});

test('nothing is guessed where it cannot be known', async () => {
  const { canVerify, openBundle, verifyExhibit, newIdempotencyKey } = miniProgram({ getUserCryptoManager: () => undefined });
  assert.equal(canVerify(), false);
  await assert.rejects(openBundle('a.b.c', [], {}), (error) => error.reason === 'cannot-verify');
  assert.equal((await verifyExhibit({ code: 'a.b.c' }, {}, {})).category, 'cannot-verify');
  await assert.rejects(newIdempotencyKey(), (error) => error.reason === 'no-random');
});

test('the QR code is drawn on whatever canvas there is', () => {
  const { drawQR } = miniProgram();
  const drawn = [];
  const canvas = { getContext: () => ({ set fillStyle(value) { drawn.push(value); }, fillRect: (...at) => drawn.push(at) }) };
  const matrix = drawQR(canvas, 'xc:/123', { scale: 2, quiet: 4 });
  assert.equal(canvas.width, (matrix.size + 8) * 2);
  assert.deepEqual(drawn.slice(0, 3), ['#fff', [0, 0, canvas.width, canvas.width], '#000']);
});

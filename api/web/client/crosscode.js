/**
 * The client of a Crosscode gateway, in one file without dependencies: an ES module for browsers, Node and mini-programs.
 *
 *   ask       createClient: consent texts, keys, exchange with retries, withdraw
 *   show      qrMatrix, drawQR, qrSVGPath: the QR codes, the same segments as the gateway's own
 *   check     openBundle, verifyExhibit: offline, the same categories as POST /v1/receipts/verify and `gateway verify`
 *
 * It needs nothing of the page around it but setTimeout. Where there is no fetch it takes wx.request; UTF-8, base64url and
 * strict JSON are its own, since a mini-program has no TextEncoder, URL or atob. Signatures need WebCrypto: where there is
 * none (a mini-program, a page over http off loopback) nothing is guessed, and the answer is "cannot-verify".
 *
 * A mini-program sees every HTTP status as a success, and its call is killed five seconds after it goes to the background.
 * So the outcome is read from the body, and a call is repeated with the same Idempotency-Key: one packet, one answer.
 *
 * The last line is the only export; the gateway serves the same text with module.exports in its place as crosscode.cjs.
 */

// ---- bytes -----------------------------------------------------------------------------------------------------------

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

const BASE64URL_VALUE = (() => {
  const values = new Int8Array(128).fill(-1);
  for (let i = 0; i < BASE64URL.length; i++) values[BASE64URL.charCodeAt(i)] = i;
  return values;
})();

/** encodeBase64URL writes bytes without padding. */
function encodeBase64URL(bytes) {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const group = (bytes[i] << 16) | ((left > 1 ? bytes[i + 1] : 0) << 8) | (left > 2 ? bytes[i + 2] : 0);
    text += BASE64URL[group >> 18] + BASE64URL[(group >> 12) & 63];
    if (left > 1) text += BASE64URL[(group >> 6) & 63];
    if (left > 2) text += BASE64URL[group & 63];
  }
  return text;
}

/** decodeBase64URL gives null for any text but the one that encodeBase64URL writes: no padding, no stray bits. */
function decodeBase64URL(text) {
  const rest = text.length % 4;
  if (rest === 1) return null;
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let at = 0;
  let held = 0;
  let bits = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    const value = unit < 128 ? BASE64URL_VALUE[unit] : -1;
    if (value < 0) return null;
    held = ((held << 6) | value) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = (held >> bits) & 255;
    }
  }
  return (held & ((1 << bits) - 1)) === 0 ? bytes : null;
}

/** encodeUTF8 writes U+FFFD for half a surrogate pair, as every encoder does. */
function encodeUTF8(text) {
  const bytes = [];
  for (let i = 0; i < text.length; i++) {
    let point = text.charCodeAt(i);
    if (point >= 0xd800 && point < 0xe000) {
      const low = text.charCodeAt(i + 1);
      if (point < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
        point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
        i++;
      } else {
        point = 0xfffd;
      }
    }
    if (point < 0x80) bytes.push(point);
    else if (point < 0x800) bytes.push(0xc0 | (point >> 6), 0x80 | (point & 63));
    else if (point < 0x10000) bytes.push(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63));
    else bytes.push(0xf0 | (point >> 18), 0x80 | ((point >> 12) & 63), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63));
  }
  return Uint8Array.from(bytes);
}

/** decodeUTF8 gives null for what is not UTF-8: overlong forms and surrogates are refused (RFC 3629 §3). */
function decodeUTF8(bytes) {
  const parts = [];
  let units = [];
  for (let i = 0; i < bytes.length; ) {
    const first = bytes[i++];
    const more = first < 0x80 ? 0 : first >= 0xc2 && first < 0xe0 ? 1 : first >= 0xe0 && first < 0xf0 ? 2 : first >= 0xf0 && first < 0xf5 ? 3 : -1;
    if (more < 0 || i + more > bytes.length) return null;
    let point = more === 0 ? first : first & (0x3f >> more);
    for (let k = 0; k < more; k++) {
      const next = bytes[i++];
      if ((next & 0xc0) !== 0x80) return null;
      point = (point << 6) | (next & 63);
    }
    if ((more === 2 && (point < 0x800 || (point >= 0xd800 && point < 0xe000))) || (more === 3 && (point < 0x10000 || point > 0x10ffff))) return null;
    if (point < 0x10000) units.push(point);
    else units.push(0xd800 + ((point - 0x10000) >> 10), 0xdc00 + ((point - 0x10000) & 0x3ff));
    if (units.length >= 8192) {
      parts.push(String.fromCharCode.apply(null, units));
      units = [];
    }
  }
  parts.push(String.fromCharCode.apply(null, units));
  return parts.join('');
}

/** has leaves out what every object inherits: a claim may be called "constructor". */
function has(object, name) {
  return Object.prototype.hasOwnProperty.call(object, name);
}

function hex(bytes) {
  let text = '';
  for (let i = 0; i < bytes.length; i++) text += (bytes[i] < 16 ? '0' : '') + bytes[i].toString(16);
  return text;
}

// ---- strict JSON -----------------------------------------------------------------------------------------------------

const MAX_DEPTH = 8;

/**
 * parseStrict reads one JSON value and nothing behind it, and throws for what the gateway's own parser refuses: a member
 * name twice, half a surrogate pair, more than eight levels. JSON.parse takes the last of two names, and so could read
 * another claim than the gateway does. A number that is no safe integer becomes NaN, which no claim may be.
 */
function parseStrict(text) {
  let at = 0;

  function fail() {
    throw new SyntaxError('not strict JSON');
  }

  function space() {
    for (; at < text.length; at++) {
      const unit = text.charCodeAt(at);
      if (unit !== 32 && unit !== 10 && unit !== 13 && unit !== 9) return;
    }
  }

  function string() {
    const begin = ++at;
    for (; at < text.length; at++) {
      const unit = text.charCodeAt(at);
      if (unit === 34) return text.slice(begin, at++);
      if (unit === 92) return escaped(begin);
      if (unit < 32) fail();
    }
    return fail();
  }

  function escaped(begin) {
    const simple = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };
    let value = text.slice(begin, at);
    while (at < text.length) {
      const character = text[at++];
      if (character === '"') return value;
      if (character !== '\\') {
        if (character.charCodeAt(0) < 32) fail();
        value += character;
        continue;
      }
      const kind = text[at++];
      if (kind !== 'u') {
        if (!has(simple, kind)) fail();
        value += simple[kind];
        continue;
      }
      const unit = unit16();
      if (unit >= 0xdc00 && unit < 0xe000) fail();
      value += String.fromCharCode(unit);
      if (unit >= 0xd800 && unit < 0xdc00) {
        if (text[at++] !== '\\' || text[at++] !== 'u') fail();
        const low = unit16();
        if (low < 0xdc00 || low >= 0xe000) fail();
        value += String.fromCharCode(low);
      }
    }
    return fail();
  }

  function unit16() {
    const digits = text.slice(at, at + 4);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) fail();
    at += 4;
    return parseInt(digits, 16);
  }

  function number() {
    const begin = at;
    while (at < text.length && '+-.0123456789eE'.indexOf(text[at]) >= 0) at++;
    const literal = text.slice(begin, at);
    if (!/^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$/.test(literal)) fail();
    const value = Number(literal);
    return /^-?[0-9]+$/.test(literal) && Number.isSafeInteger(value) ? value : NaN;
  }

  function list(level) {
    const values = [];
    at++;
    space();
    if (text[at] === ']') {
      at++;
      return values;
    }
    for (;;) {
      values.push(value(level));
      space();
      const next = text[at++];
      if (next === ']') return values;
      if (next !== ',') fail();
    }
  }

  function object(level) {
    const members = Object.create(null);
    at++;
    space();
    if (text[at] === '}') {
      at++;
      return members;
    }
    for (;;) {
      space();
      if (text[at] !== '"') fail();
      const name = string();
      if (name in members) fail();
      space();
      if (text[at++] !== ':') fail();
      members[name] = value(level);
      space();
      const next = text[at++];
      if (next === '}') return members;
      if (next !== ',') fail();
    }
  }

  function value(level) {
    space();
    const character = text[at];
    if ((character === '{' || character === '[') && level >= MAX_DEPTH) fail();
    if (character === '{') return object(level + 1);
    if (character === '[') return list(level + 1);
    if (character === '"') return string();
    for (const [word, meaning] of [['true', true], ['false', false], ['null', null]]) {
      if (text.startsWith(word, at)) {
        at += word.length;
        return meaning;
      }
    }
    return number();
  }

  const parsed = value(0);
  space();
  if (at !== text.length) fail();
  return parsed;
}

/**
 * shape reads an object by a table of its members: 's' text, 'i' integer, 'b' boolean, 'l' list, 'o' object. A member that
 * is absent or null is its zero value, as in the gateway's Go; one that is not in the table refuses the object, and so does
 * the absence of an 'L', a list that must be there.
 */
function shape(members, table) {
  if (members === null || typeof members !== 'object' || Array.isArray(members)) throw new TypeError('not an object');
  for (const name in members) if (!has(table, name)) throw new TypeError('an unknown member');
  const read = {};
  for (const name in table) {
    const kind = table[name];
    const given = members[name];
    if (given === undefined || given === null) {
      if (kind === 'L') throw new TypeError('a member is missing');
      read[name] = { s: '', i: 0, b: false, l: [], o: null }[kind];
      continue;
    }
    const fits = { s: typeof given === 'string', i: Number.isSafeInteger(given), b: typeof given === 'boolean', l: Array.isArray(given), L: Array.isArray(given), o: typeof given === 'object' }[kind];
    if (!fits) throw new TypeError('a member of another kind');
    read[name] = given;
  }
  return read;
}

// ---- QR text ---------------------------------------------------------------------------------------------------------

const QR_PREFIX = 'xc:/';
const QR_ALPHABET = '-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz';
const QR_DIGITS = [0, 2, 4, 6, 8, 10, 11];
const MAX_QR_TEXT = 4096;

/** qrText writes a token as the text of its QR code: six characters are one number in base 65, in eleven digits. */
function qrText(token) {
  let text = QR_PREFIX;
  for (let at = 0; at < token.length; at += 6) {
    const group = token.slice(at, at + 6);
    let value = 0;
    for (let i = 0; i < group.length; i++) {
      const place = QR_ALPHABET.indexOf(group[i]);
      if (place < 0) return '';
      value = value * 65 + place;
    }
    text += String(value).padStart(QR_DIGITS[group.length], '0');
  }
  return text;
}

/** parseQRText gives the token of a QR code's text, or null. Each token has one text only. */
function parseQRText(text) {
  if (typeof text !== 'string' || !text.startsWith(QR_PREFIX) || text.length > MAX_QR_TEXT) return null;
  const digits = text.slice(QR_PREFIX.length);
  if (!/^[0-9]+$/.test(digits)) return null;
  let token = '';
  for (let at = 0; at < digits.length; at += 11) {
    const group = digits.slice(at, at + 11);
    if (group.length < 11 && group.length % 2 !== 0) return null;
    const count = group.length === 11 ? 6 : group.length / 2;
    let value = Number(group);
    let characters = '';
    for (let i = 0; i < count; i++) {
      characters = QR_ALPHABET[value % 65] + characters;
      value = Math.floor(value / 65);
    }
    if (value !== 0) return null;
    token += characters;
  }
  return token;
}

// ---- QR symbol -------------------------------------------------------------------------------------------------------
// An encoder of our own, because the vendored one packs a whole text in one mode: in bytes our texts would need version 22
// instead of 15 (ISO/IEC 18004:2015; level M alone). Tests read what it draws with two decoders that are not ours.

const MAX_VERSION = 20;
// Table 9, level M, versions 1 to 20: error correction codewords a block, and blocks.
const QR_PARITY = [10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26];
const QR_BLOCKS = [1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16];

const GALOIS = (() => {
  const exp = new Uint8Array(512);
  const log = new Uint8Array(256);
  for (let i = 0, x = 1; i < 255; i++) {
    exp[i] = exp[i + 255] = x;
    log[x] = i;
    x = x << 1 > 255 ? (x << 1) ^ 0x11d : x << 1;
  }
  return { exp, log };
})();

function codewords(version) {
  let bits = (16 * version + 128) * version + 64;
  if (version >= 2) {
    const align = Math.floor(version / 7) + 2;
    bits -= (25 * align - 10) * align - 55;
    if (version >= 7) bits -= 36;
  }
  return bits >> 3;
}

function capacity(version) {
  return codewords(version) - QR_PARITY[version - 1] * QR_BLOCKS[version - 1];
}

/** segments splits a text into bytes and the digits at its end, which take a third of the room. */
function segments(text) {
  const digits = /[0-9]*$/.exec(text)[0];
  return { bytes: encodeUTF8(text.slice(0, text.length - digits.length)), digits };
}

function segmentBits(parts, version) {
  const big = version >= 10;
  const bytes = parts.bytes.length ? 4 + (big ? 16 : 8) + 8 * parts.bytes.length : 0;
  const rest = [0, 4, 7][parts.digits.length % 3];
  return bytes + (parts.digits.length ? 4 + (big ? 12 : 10) + Math.floor(parts.digits.length / 3) * 10 + rest : 0);
}

function dataCodewords(parts, version) {
  const bits = [];
  const put = (value, count) => {
    for (let i = count - 1; i >= 0; i--) bits.push((value >> i) & 1);
  };
  const big = version >= 10;
  if (parts.bytes.length) {
    put(4, 4);
    put(parts.bytes.length, big ? 16 : 8);
    parts.bytes.forEach((byte) => put(byte, 8));
  }
  if (parts.digits.length) {
    put(1, 4);
    put(parts.digits.length, big ? 12 : 10);
    for (let at = 0; at < parts.digits.length; at += 3) {
      const group = parts.digits.slice(at, at + 3);
      put(Number(group), [0, 4, 7, 10][group.length]);
    }
  }
  const room = capacity(version) * 8;
  put(0, Math.min(4, room - bits.length));
  while (bits.length % 8) bits.push(0);
  const data = new Uint8Array(room / 8);
  for (let i = 0; i < bits.length; i++) data[i >> 3] |= bits[i] << (7 - (i & 7));
  for (let i = bits.length / 8, pad = 0xec; i < data.length; i++, pad ^= 0xec ^ 0x11) data[i] = pad;
  return data;
}

/** parity is the remainder of the data by the generator polynomial. */
function parity(data, count) {
  const { exp, log } = GALOIS;
  let generator = [1];
  for (let i = 0; i < count; i++) {
    const next = new Array(generator.length + 1).fill(0);
    generator.forEach((factor, k) => {
      next[k] ^= factor;
      if (factor) next[k + 1] ^= exp[log[factor] + i];
    });
    generator = next;
  }
  const rest = new Uint8Array(data.length + count);
  rest.set(data);
  for (let i = 0; i < data.length; i++) {
    const lead = rest[i];
    if (!lead) continue;
    for (let k = 1; k <= count; k++) if (generator[k]) rest[i + k] ^= exp[log[generator[k]] + log[lead]];
  }
  return rest.slice(data.length);
}

/** interleaved puts data and parity of all blocks in the order in which they are drawn (§7.6). */
function interleaved(data, version) {
  const count = QR_BLOCKS[version - 1];
  const length = Math.floor(data.length / count);
  const short = count - (data.length % count);
  const blocks = [];
  for (let i = 0, at = 0; i < count; i++) {
    const size = length + (i < short ? 0 : 1);
    const block = data.slice(at, at + size);
    at += size;
    blocks.push({ block, check: parity(block, QR_PARITY[version - 1]) });
  }
  const out = [];
  for (let k = 0; k <= length; k++) blocks.forEach((each) => k < each.block.length && out.push(each.block[k]));
  for (let k = 0; k < QR_PARITY[version - 1]; k++) blocks.forEach((each) => out.push(each.check[k]));
  return out;
}

function alignments(version) {
  if (version === 1) return [];
  const count = Math.floor(version / 7) + 2;
  const last = 4 * version + 10;
  const step = Math.ceil((last - 6) / (count - 1) / 2) * 2;
  const places = [];
  for (let i = 0; i < count - 1; i++) places.unshift(last - i * step);
  return [6].concat(places);
}

/** remainder is the BCH code of a format or version number (Annexes C, D). */
function remainder(value, generator, degree) {
  let rest = value;
  for (let i = 0; i < degree; i++) rest = (rest << 1) ^ ((rest >> (degree - 1)) * generator);
  return (value << degree) | rest;
}

const MASKS = [
  (x, y) => (x + y) % 2 === 0, (x, y) => y % 2 === 0, (x) => x % 3 === 0, (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(y / 2) + Math.floor(x / 3)) % 2 === 0, (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0, (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];

/** frame draws the patterns that are the same in every symbol of a version, and marks their modules as taken. */
function frame(version) {
  const size = 17 + 4 * version;
  const dark = new Uint8Array(size * size);
  const taken = new Uint8Array(size * size);
  const set = (x, y, on) => {
    if (x < 0 || y < 0 || x >= size || y >= size) return;
    dark[y * size + x] = on ? 1 : 0;
    taken[y * size + x] = 1;
  };
  const square = (cx, cy, reach, rings) => {
    for (let y = -reach; y <= reach; y++) {
      for (let x = -reach; x <= reach; x++) set(cx + x, cy + y, rings.indexOf(Math.max(Math.abs(x), Math.abs(y))) >= 0);
    }
  };
  for (let i = 0; i < size; i++) {
    set(i, 6, i % 2 === 0);
    set(6, i, i % 2 === 0);
  }
  for (const [x, y] of [[3, 3], [size - 4, 3], [3, size - 4]]) square(x, y, 4, [0, 1, 3]);
  const centres = alignments(version);
  const edge = centres.length - 1;
  centres.forEach((x, i) => centres.forEach((y, k) => {
    if ((i === 0 && k === 0) || (i === 0 && k === edge) || (i === edge && k === 0)) return;
    square(x, y, 2, [0, 2]);
  }));
  const symbol = { size, dark, taken, set };
  drawFormat(symbol, 0);
  if (version >= 7) {
    const bits = remainder(version, 0x1f25, 12);
    for (let i = 0; i < 18; i++) {
      const on = (bits >> i) & 1;
      set(size - 11 + (i % 3), Math.floor(i / 3), on);
      set(Math.floor(i / 3), size - 11 + (i % 3), on);
    }
  }
  return symbol;
}

/** drawFormat writes level M (00) and the mask, twice (§7.9.1). */
function drawFormat({ size, set }, mask) {
  const bits = remainder(mask, 0x537, 10) ^ 0x5412;
  const on = (i) => (bits >> i) & 1;
  for (let i = 0; i < 6; i++) set(8, i, on(i));
  set(8, 7, on(6));
  set(8, 8, on(7));
  set(7, 8, on(8));
  for (let i = 9; i < 15; i++) set(14 - i, 8, on(i));
  for (let i = 0; i < 8; i++) set(size - 1 - i, 8, on(i));
  for (let i = 8; i < 15; i++) set(8, size - 15 + i, on(i));
  set(8, size - 8, 1);
}

function fill({ size, dark, taken }, words) {
  let at = 0;
  for (let right = size - 1; right >= 1; right -= 2) {
    if (right === 6) right = 5;
    for (let step = 0; step < size; step++) {
      const y = ((right + 1) & 2) === 0 ? size - 1 - step : step;
      for (let x = right; x > right - 2; x--) {
        if (taken[y * size + x] || at >= words.length * 8) continue;
        dark[y * size + x] = (words[at >> 3] >> (7 - (at & 7))) & 1;
        at++;
      }
    }
  }
}

/** penalty is the sum of §7.8.3's four faults: runs, blocks, finder look-alikes, and an uneven share of dark. */
function penalty(size, get) {
  let faults = 0;
  let darks = 0;
  for (const swap of [false, true]) {
    for (let a = 0; a < size; a++) {
      let run = 0;
      let history = 0;
      for (let b = 0; b < size; b++) {
        const on = swap ? get(a, b) : get(b, a);
        const before = b > 0 && (swap ? get(a, b - 1) : get(b - 1, a));
        run = b > 0 && on === before ? run + 1 : 1;
        if (run === 5) faults += 3;
        else if (run > 5) faults += 1;
        history = ((history << 1) | on) & 0x7ff;
        if (b >= 10 && (history === 0x05d || history === 0x5d0)) faults += 40;
        if (!swap) darks += on;
        if (!swap && a > 0 && b > 0 && on === get(b - 1, a) && on === get(b, a - 1) && on === get(b - 1, a - 1)) faults += 3;
      }
    }
  }
  return faults + Math.floor(Math.abs(darks * 20 - size * size * 10) / (size * size)) * 10;
}

/** qrMatrix draws a text as a QR symbol at level M, the smallest version that holds it and the mask with the least faults. */
function qrMatrix(text) {
  const parts = segments(text);
  let version = 1;
  while (version <= MAX_VERSION && segmentBits(parts, version) > capacity(version) * 8) version++;
  if (version > MAX_VERSION) throw new RangeError('too long for a QR code');
  const symbol = frame(version);
  const { size, dark, taken } = symbol;
  fill(symbol, interleaved(dataCodewords(parts, version), version));
  let best = null;
  for (let mask = 0; mask < MASKS.length; mask++) {
    drawFormat(symbol, mask);
    const drawn = dark.map((on, i) => (taken[i] ? on : on ^ (MASKS[mask](i % size, Math.floor(i / size)) ? 1 : 0)));
    const faults = penalty(size, (x, y) => drawn[y * size + x]);
    if (!best || faults < best.faults) best = { faults, drawn };
  }
  return { size, version, dark: (x, y) => best.drawn[y * size + x] === 1 };
}

/** drawQR paints a text's QR code on a canvas, black on white, with the quiet zone that readers need. */
function drawQR(canvas, text, options) {
  const { scale = 6, quiet = 4 } = options || {};
  const matrix = qrMatrix(text);
  canvas.width = canvas.height = (matrix.size + 2 * quiet) * scale;
  const paint = canvas.getContext('2d');
  paint.fillStyle = '#fff';
  paint.fillRect(0, 0, canvas.width, canvas.height);
  paint.fillStyle = '#000';
  for (let y = 0; y < matrix.size; y++) {
    for (let x = 0; x < matrix.size; x++) if (matrix.dark(x, y)) paint.fillRect((x + quiet) * scale, (y + quiet) * scale, scale, scale);
  }
  return matrix;
}

/** qrSVGPath gives the path of the dark modules, for an SVG whose viewBox is "0 0 size size". */
function qrSVGPath(text, options) {
  const { quiet = 4 } = options || {};
  const matrix = qrMatrix(text);
  let d = '';
  for (let y = 0; y < matrix.size; y++) {
    for (let x = 0; x < matrix.size; ) {
      let run = 0;
      while (x + run < matrix.size && matrix.dark(x + run, y)) run++;
      if (run) d += `M${x + quiet} ${y + quiet}h${run}v1h-${run}z`;
      x += run || 1;
    }
  }
  return { size: matrix.size + 2 * quiet, d };
}

// ---- tokens ----------------------------------------------------------------------------------------------------------

const LEEWAY = 60 * 1000;
const BUNDLE_HARD_LIFE = 24 * 3600 * 1000;
const MAX_HEADER = 2048;
const MAX_PAYLOAD = 16384;
const MAX_BUNDLE = 8 << 20;
const MAX_SHOWN = 2048;
const MAX_FULL_RECEIPT = 16384;
const BUNDLE_TYPE = 'trust-bundle+jwt';
const RECEIPT_TYPE = 'transcode-receipt+jwt';

/** subtle is WebCrypto, or null where there is none. */
function subtle() {
  return typeof crypto !== 'undefined' && crypto && crypto.subtle ? crypto.subtle : null;
}

/** canVerify tells whether signatures can be checked here. */
function canVerify() {
  return subtle() !== null;
}

/** sha256 of bytes. Only called where canVerify. */
async function sha256(bytes) {
  return new Uint8Array(await subtle().digest('SHA-256', bytes));
}

/** unverified takes a compact JWS of ours apart, or gives null. Nothing of it may be believed yet. */
function unverified(token, types, limit) {
  if (typeof token !== 'string' || token.length > Math.floor((limit * 4) / 3) + Math.floor((MAX_HEADER * 4) / 3) + 128) return null;
  const texts = token.split('.');
  if (texts.length !== 3 || texts[0] === '') return null;
  const [head, payload, signature] = texts.map(decodeBase64URL);
  if (!head || !payload || !signature || head.length > MAX_HEADER) return null;
  if (signature.length !== 64 || payload.length === 0 || payload.length > limit) return null;
  let header;
  try {
    header = shape(parseStrict(decodeUTF8(head)), { alg: 's', kid: 's', typ: 's' });
  } catch (_) {
    return null;
  }
  // One algorithm, byte for byte: nothing that the token says about itself chooses how it is checked (RFC 8725 §3.1).
  if (header.alg !== 'ES256' || types.indexOf(header.typ) < 0 || !/^[A-Za-z0-9._-]{1,64}$/.test(header.kid)) return null;
  return { input: token.slice(0, token.lastIndexOf('.')), kid: header.kid, typ: header.typ, payload, signature };
}

function claimsOf(payload, table) {
  return shape(parseStrict(decodeUTF8(payload)), table);
}

/** holds checks the signature over the header and payload as they were written. */
async function holds(token, key) {
  return subtle().verify({ name: 'ECDSA', hash: 'SHA-256' }, key, token.signature, encodeUTF8(token.input));
}

const JWK_TEXTS = ['kty', 'use', 'alg', 'kid', 'crv', 'x', 'y', 'n', 'e'];
const JWK_PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/** readKey takes one key of a bundle, whose kid must name it and begin its thumbprint; it throws for anything else. */
async function readKey(jwk) {
  const known = {};
  if (jwk === null || typeof jwk !== 'object') throw new TypeError('key');
  for (const name of JWK_PRIVATE) if (name in jwk) throw new TypeError('a private key');
  for (const name of JWK_TEXTS) known[name] = jwk[name];
  const key = shape(known, Object.fromEntries(JWK_TEXTS.map((name) => [name, 's'])));
  const uses = shape({ key_ops: jwk.key_ops }, { key_ops: 'l' }).key_ops;
  if (key.kty !== 'EC' || key.crv !== 'P-256' || key.alg !== 'ES256' || key.use !== 'sig' || key.n || key.e) throw new TypeError('key');
  if (uses.some((use) => use !== 'verify')) throw new TypeError('key_ops');
  const x = decodeBase64URL(key.x);
  const y = decodeBase64URL(key.y);
  if (!x || !y || x.length !== 32 || y.length !== 32) throw new TypeError('point');
  const thumbprint = encodeBase64URL(await sha256(encodeUTF8(`{"crv":"P-256","kty":"EC","x":"${key.x}","y":"${key.y}"}`)));
  const named = /^([a-z][a-z0-9-]{0,31})\.([1-9][0-9]{0,8})\.([A-Za-z0-9_-]{6})$/.exec(key.kid);
  if (!named || named[3] !== thumbprint.slice(0, 6)) throw new TypeError('kid');
  const point = new Uint8Array(65);
  point[0] = 4;
  point.set(x, 1);
  point.set(y, 33);
  // WebCrypto refuses a point that is not on the curve.
  const verifier = await subtle().importKey('raw', point, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['verify']);
  return { kid: key.kid, name: named[1], thumbprint, verifier };
}

/** BundleError says why a bundle must not be used, and for a genuine one when it was issued (seconds). */
class BundleError extends Error {
  constructor(reason, issuedAt) {
    super('bundle: ' + reason);
    this.name = 'BundleError';
    this.reason = reason;
    this.issuedAt = issuedAt;
  }
}

// A bundle without closings is not one in which no route is closed: whoever made it knew nothing of closings, and would call
// the codes of a closed route valid.
const BUNDLE = { iss: 's', iat: 'i', soft: 'i', exp: 'i', profiles: 'l', keys: 'l', recalls: 'l', closings: 'L', specimen: 'b' };
const PROFILE = { side: 's', key: 's', typ: 's', tag: 's' };
const RECALL = { c: 's', s: 's', b: 'i', exp: 'i' };
const CLOSING = { r: 's', since: 'i', until: 'i' };

/** readClosing takes one time in which a route ("mo-gd") is closed, in seconds; 0: no beginning, or no end, is known. */
function readClosing(members) {
  const closing = shape(members, CLOSING);
  if (closing.r === '' || closing.since < 0 || (closing.until !== 0 && closing.until <= closing.since)) throw new TypeError('closing');
  return closing;
}

/** readBundle verifies a bundle against the pins and gives its parts; null for what is not genuine. */
async function readBundle(token, pins) {
  const parsed = unverified(token, [BUNDLE_TYPE], MAX_BUNDLE);
  if (!parsed) return null;
  try {
    const claims = claimsOf(parsed.payload, BUNDLE);
    const profiles = claims.profiles.map((each) => shape(each, PROFILE));
    const recalls = claims.recalls.map((each) => shape(each, RECALL));
    const closings = claims.closings.map(readClosing);
    const keys = [];
    for (const jwk of claims.keys) keys.push(await readKey(jwk));
    const signer = keys.find((key) => key.kid === parsed.kid && key.name === 'bundle');
    if (!signer || pins.indexOf(signer.thumbprint) < 0 || !(await holds(parsed, signer.verifier))) return null;
    return { claims, profiles, recalls, closings, keys };
  } catch (_) {
    return null;
  }
}

/** The inside of an opened bundle, which no caller can make or change. */
const opened = new WeakMap();

/**
 * openBundle verifies the officers' offline bundle and asks whether it may be used at `now` (milliseconds) by somebody who
 * has already seen one issued at `lastSeen` (seconds). The pins are RFC 7638 thumbprints: the first comes with the
 * installation, and `pins` of each accepted bundle replaces them, which is how an old key announces a new one.
 */
async function openBundle(token, pins, options) {
  const { now = Date.now(), lastSeen = 0 } = options || {};
  if (!canVerify()) throw new BundleError('cannot-verify');
  const read = await readBundle(token, pins);
  if (!read) throw new BundleError('unreadable');
  const { claims, profiles, recalls, closings, keys } = read;
  const at = Number(now);
  const issued = claims.iat * 1000;
  if (issued > at + LEEWAY) throw new BundleError('future', claims.iat);
  if (at >= claims.exp * 1000 || at - issued >= BUNDLE_HARD_LIFE) throw new BundleError('stale', claims.iat);
  if (claims.iat < Math.floor(lastSeen)) throw new BundleError('rolled-back', claims.iat);
  const bundle = Object.freeze({
    issuer: claims.iss, issuedAt: claims.iat, soft: claims.soft, expires: Math.min(claims.exp, claims.iat + BUNDLE_HARD_LIFE / 1000),
    specimen: claims.specimen, recalls: recalls.length, profiles: Object.freeze(profiles.map((each) => Object.freeze(each))),
    pins: Object.freeze(keys.filter((key) => key.name === 'bundle').map((key) => key.thumbprint)),
  });
  opened.set(bundle, {
    keys: new Map(keys.map((key) => [key.kid, key])),
    profiles: new Map(profiles.map((each) => [each.typ, each])),
    sides: new Map(profiles.map((each) => [each.tag, each.side])),
    codes: new Set(recalls.filter((each) => each.c !== '').map((each) => each.c)),
    before: recalls.filter((each) => each.c === ''),
    closings,
  });
  return bundle;
}

// ---- examination -----------------------------------------------------------------------------------------------------

const CODE = { iss: 's', jti: 's', iat: 'i', exp: 'i', n: 's', d: 's', t: 's', r: 's', p: 's', sp: 'b', u: 'b' };
const RECEIPT = { jti: 's', iat: 'i', exp: 'i', o: 's', why: 's', r: 's', p: 's', c: 's', n: 's', d: 's', h: 's', sp: 'b', u: 'b' };

/** tokenOf takes a token or the text of its QR code; null for neither. */
function tokenOf(text) {
  if (text.startsWith(QR_PREFIX)) return parseQRText(text);
  return text.length <= MAX_SHOWN ? text : null;
}

async function readSigned(token, types, table, inside, nameOf) {
  const parsed = unverified(token, types, MAX_PAYLOAD);
  if (!parsed) return null;
  const key = inside.keys.get(parsed.kid);
  if (!key || key.name !== nameOf(parsed.typ) || !(await holds(parsed, key.verifier))) return null;
  try {
    return { parsed, claims: claimsOf(parsed.payload, table) };
  } catch (_) {
    return null;
  }
}

async function readCode(token, inside) {
  const read = await readSigned(token, Array.from(inside.profiles.keys()), CODE, inside, (typ) => inside.profiles.get(typ).key);
  return read && read.claims.iss === inside.profiles.get(read.parsed.typ).side ? { claims: read.claims, input: read.parsed.input } : null;
}

async function readReceipt(token, inside) {
  const read = await readSigned(token, [RECEIPT_TYPE], RECEIPT, inside, () => 'receipt');
  return read && read.claims;
}

/** samePair: every field that both papers carry must be equal, and the receipt is signed over the code's id. */
function samePair(code, receipt) {
  return receipt.o === 'issued' && receipt.c === code.jti && ['r', 'p', 'n', 'd', 'iat', 'exp', 'sp', 'u'].every((name) => receipt[name] === code[name]);
}

// A text may be left out where its form begins with "?", an object where its form is a function.
const FULL = {
  jti: 's', outcome: 's', reason: '?s', decided: '?s', route: 's', port: '?s', issued_at: 't', valid_until: '?t',
  ends_by: () => ({ rule: 's', version: '?s' }), code_id: '?s', code_sha256: '?s',
  rulebooks: [{ version: 's', sha256: 's', confidence: 's' }], rules: [{ rule: 's', status: 's' }], consent: { text: 's', sha256: 's', lang: 's' },
  fields_sha256: '?s', withdraw_sha256: '?s', not_granted: ['s'], specimen: '?b', unverified: '?b',
};

/** written gives a value as the gateway writes it, by the table of a full receipt; it throws for another kind of value. */
function written(value, form) {
  if (Array.isArray(form)) {
    if (value === null) return 'null';
    if (!Array.isArray(value)) throw new TypeError('list');
    return '[' + value.map((each) => written(each, form[0])).join(',') + ']';
  }
  if (typeof form === 'object') {
    for (const name in value) if (!has(form, name)) throw new TypeError('member');
    const members = [];
    for (const name in form) {
      const given = value[name];
      const wanted = form[name];
      if (typeof wanted === 'function') {
        if (given !== undefined) members.push(JSON.stringify(name) + ':' + written(given, wanted()));
        continue;
      }
      const optional = typeof wanted === 'string' && wanted[0] === '?';
      if (optional && (given === undefined || given === '' || given === false)) continue;
      members.push(JSON.stringify(name) + ':' + written(given, optional ? wanted.slice(1) : wanted));
    }
    return '{' + members.join(',') + '}';
  }
  if (form === 'b' && typeof value === 'boolean') return String(value);
  if (typeof value !== 'string') throw new TypeError('kind');
  if (form === 't' && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,8}[1-9])?(Z|[+-]\d\d:\d\d)$/.test(value)) throw new TypeError('time');
  return JSON.stringify(value).replace(/[\u2028\u2029]/g, (each) => '\\u' + each.charCodeAt(0).toString(16));
}

/** readFull accepts only what the gateway would write, byte for byte, so that two readers cannot disagree on it. */
function readFull(bytes) {
  try {
    const text = decodeUTF8(bytes);
    const full = parseStrict(text);
    return written(full, FULL) === text ? full : null;
  } catch (_) {
    return null;
  }
}

async function vouches(shown) {
  const { receipt, code, full } = shown;
  if (receipt.h !== encodeBase64URL(await sha256(full))) return null;
  const read = readFull(full);
  if (!read || read.jti !== receipt.jti || read.outcome !== receipt.o || (read.code_id || '') !== receipt.c) return null;
  if (read.outcome === 'issued' && Boolean(read.unverified) !== receipt.u) return null; // a refusal's lean receipt has no mark
  if (code && (read.code_sha256 || '') !== hex(await sha256(encodeUTF8(code.input)))) return null;
  return read;
}

/** standing is what the papers say by themselves, without a clock, in the order of exchange.Examine. */
async function standing(shown) {
  const { code, receipt, full } = shown;
  let vouched = null;
  if (code && receipt && !samePair(code.claims, receipt)) return { category: 'mismatch' };
  if (full && !(receipt && (vouched = await vouches(shown)))) return { category: 'mismatch' };
  const notGranted = vouched ? vouched.not_granted || [] : null;
  if (receipt && receipt.o === 'refused') return { category: 'refusal', notGranted };
  if ((receipt && receipt.o !== 'issued') || (code ? code.claims.jti : receipt.c) === '') return { category: 'unreadable' };
  return { category: 'valid', notGranted };
}

function recalled(inside, codeID, tag, issuedAt) {
  return inside.codes.has(codeID) || inside.before.some((each) => each.s === tag && issuedAt <= each.b);
}

/**
 * closedBy gives the latest closing of a route that voids a code of issuedAt (seconds) at `at` (milliseconds): one that has
 * begun, and whose end the code was issued before. It has no leeway: it is an instant that a side announces.
 */
function closedBy(inside, route, issuedAt, at) {
  const voids = (each) => each.r === route && each.since * 1000 <= at && (each.until === 0 || each.until > issuedAt);
  return inside.closings.filter(voids).reduce((last, each) => (last === null || each.since > last.since ? each : last), null);
}

/** read checks the signatures of what is shown; null when something is not ours. */
async function readShown(given, inside) {
  const full = typeof given.full === 'string' ? encodeUTF8(given.full) : given.full;
  if ((!given.code && !given.receipt) || (full && full.length > MAX_FULL_RECEIPT)) return null;
  const shown = { code: null, receipt: null, full: full && full.length ? full : null };
  for (const kind of ['code', 'receipt']) {
    if (!given[kind]) continue;
    const token = tokenOf(given[kind]);
    shown[kind] = token && (kind === 'code' ? await readCode(token, inside) : await readReceipt(token, inside));
    if (!shown[kind]) return null;
  }
  return shown;
}

/**
 * verifyExhibit examines a code, a receipt or both (tokens or QR texts), and the full receipt if there is one, with an opened
 * bundle. The order is that of exchange.Examine: papers that do not belong together are a mismatch even if they have also
 * expired, and a code whose route has been closed since is said to be that. Only category "valid" lets somebody pass. A recall's
 * own end is not looked at: what it voids has expired by then, and a slow clock must not bring it back.
 */
async function verifyExhibit(given, bundle, options) {
  const { now = Date.now(), specimens = false } = options || {};
  const at = Number(now);
  if (!canVerify()) return { category: 'cannot-verify', pass: false };
  const inside = opened.get(bundle);
  if (!inside) throw new TypeError('a bundle of openBundle is required');
  const unreadable = { category: 'unreadable', pass: false };
  const shown = await readShown(given, inside);
  if (!shown) return unreadable;
  const main = shown.code ? shown.code.claims : shown.receipt;
  const [from, to] = main.r.split(/-(.*)/s);
  const specimen = main.sp || Boolean(shown.receipt && shown.receipt.sp);
  const unverifiedHolder = main.u || Boolean(shown.receipt && shown.receipt.u);
  const { category: stands, notGranted = null } = await standing(shown);
  let category = stands;
  const closing = closedBy(inside, main.r, main.iat, at);
  if (category === 'valid') {
    if (recalled(inside, shown.code ? main.jti : main.c, from, main.iat)) category = 'recalled';
    else if (closing) category = 'route-closed';
    else if (at + LEEWAY < main.iat * 1000) category = 'not-yet-valid';
    else if (at - LEEWAY > main.exp * 1000) category = 'expired';
    else if (specimen && !specimens) category = 'specimen';
  }
  // A side that the gateway no longer serves has no recalls here.
  if (category === 'unreadable' || !inside.sides.has(from) || !inside.sides.has(to)) return unreadable;
  const found = {
    category, pass: category === 'valid', route: inside.sides.get(from) + '-' + inside.sides.get(to), port: main.p, name: main.n,
    document: main.d, sampledOn: main.t || '', until: main.exp, specimen, notGranted,
    unverified: unverifiedHolder,
  };
  if (category !== 'route-closed') return found;
  return Object.assign(found, { since: closing.since, reopened: closing.until * 1000 <= at ? closing.until : 0 });
}

/** tokenKind tells what a token or QR text claims to be: 'code', 'receipt', 'bundle' or null. It checks no signature. */
function tokenKind(text) {
  const token = typeof text === 'string' && text.startsWith(QR_PREFIX) ? parseQRText(text) : text;
  if (typeof token !== 'string' || token.length > MAX_BUNDLE * 2) return null;
  const head = decodeBase64URL(token.slice(0, Math.max(0, token.indexOf('.'))).slice(0, MAX_HEADER * 2));
  try {
    const { typ } = parseStrict(decodeUTF8(head));
    if (typ === RECEIPT_TYPE) return 'receipt';
    if (typ === BUNDLE_TYPE) return 'bundle';
    return /^[a-z]{2,8}-code\+jwt$/.test(typ) ? 'code' : null;
  } catch (_) {
    return null;
  }
}

/**
 * tailMatches compares the end of a document number that somebody typed with a masked one ("M****5678"). Separators are left
 * out. Fewer characters than the mask shows are 'short', so that one lucky digit is no match.
 */
function tailMatches(masked, typed) {
  const tail = masked.slice(masked.lastIndexOf('*') + 1).toUpperCase();
  const given = typed.normalize('NFKC').toUpperCase().replace(/[^0-9A-Z]/g, '');
  if (tail === '' || given.length < tail.length) return 'short';
  return given.endsWith(tail) ? 'match' : 'mismatch';
}

/** showTime writes an instant (seconds, or RFC 3339) in the border's own time, whatever the device's zone is. */
function showTime(instant) {
  const at = typeof instant === 'number' ? instant * 1000 : Date.parse(instant);
  return new Date(at + 8 * 3600 * 1000).toISOString().slice(0, 16).replace('T', ' ') + ' UTC+8';
}

// ---- transport -------------------------------------------------------------------------------------------------------

const TIMEOUT = 25 * 1000;
const MAX_WAIT = 30;

/** fetchRequest makes the request function of a browser or of Node. Nothing is cached and no cookie is sent. */
function fetchRequest(fetch) {
  return async ({ method, url, headers, body, timeout }) => {
    const control = typeof AbortController === 'undefined' ? null : new AbortController();
    const timer = control && setTimeout(() => control.abort(), timeout);
    try {
      const response = await fetch(url, {
        method, headers, body, cache: 'no-store', credentials: 'omit', redirect: 'error', signal: control ? control.signal : undefined,
      });
      const seen = {};
      response.headers.forEach((value, name) => {
        seen[name.toLowerCase()] = value;
      });
      return { status: response.status, headers: seen, body: await response.text() };
    } finally {
      clearTimeout(timer);
    }
  };
}

/** wxRequest makes the request function of a mini-program. dataType "text" keeps it from parsing the body itself. */
function wxRequest(wx) {
  return ({ method, url, headers, body, timeout }) =>
    new Promise((resolve, reject) => {
      wx.request({
        url, method, data: body, header: headers, timeout, dataType: 'text', responseType: 'text',
        success: (answer) => {
          const seen = {};
          for (const name in answer.header || {}) seen[name.toLowerCase()] = String(answer.header[name]);
          const text = typeof answer.data === 'string' ? answer.data : JSON.stringify(answer.data === undefined ? '' : answer.data);
          resolve({ status: answer.statusCode, headers: seen, body: text });
        },
        fail: () => reject(new Error('unreachable')),
      });
    });
}

function defaultRequest() {
  if (typeof fetch === 'function') return fetchRequest((url, options) => fetch(url, options));
  if (typeof wx !== 'undefined' && wx && wx.request) return wxRequest(wx);
  throw new TypeError('neither fetch nor wx.request: give a request function');
}

/** randomBytes gives bytes nobody can guess, or throws: whoever guesses an idempotency key can fetch the answer. */
async function randomBytes(count) {
  if (typeof crypto !== 'undefined' && crypto && crypto.getRandomValues) return crypto.getRandomValues(new Uint8Array(count));
  const manager = typeof wx !== 'undefined' && wx && wx.getUserCryptoManager && wx.getUserCryptoManager();
  if (!manager || !manager.getRandomValues) throw new ClientError('no-random');
  return new Promise((resolve, reject) => {
    manager.getRandomValues({
      length: count,
      success: (answer) => resolve(new Uint8Array(answer.randomValues)),
      fail: () => reject(new ClientError('no-random')),
    });
  });
}

/** newIdempotencyKey makes 256 random bits, 43 characters. Keep it with the packet until there is an answer. */
async function newIdempotencyKey() {
  return encodeBase64URL(await randomBytes(32));
}

/** ClientError says why a read gave nothing: 'unreachable', 'bad-answer', 'no-random' or a problem's own reason. */
class ClientError extends Error {
  constructor(reason, status, problem) {
    super(reason);
    this.name = 'ClientError';
    this.reason = reason;
    this.status = status || 0;
    this.problem = problem || null;
  }
}

const OUTCOMES = ['issued', 'refused', 'retry', 'failed'];
const PENDING = 'crosscode.pending';

/** answerOf reads a body's outcome. What is no answer of a gateway (a proxy's page, half a body) may be asked again. */
function answerOf(response) {
  let body = null;
  try {
    body = JSON.parse(response.body);
  } catch (_) {
    body = null;
  }
  const ours = body !== null && typeof body === 'object' && OUTCOMES.indexOf(body.outcome) >= 0;
  const whole = ours && (body.outcome !== 'issued' || (typeof body.code === 'string' && typeof body.receipt === 'string'));
  if (!whole) return { outcome: 'unreachable', status: response.status };
  return Object.assign({}, body, { status: response.status });
}

/** waitFor is how many seconds to wait before the next attempt: what the gateway says, or 1, 2, 4 with some spread. */
function waitFor(answer, headers, attempt) {
  const said = Number(answer.retry_after) || Number(headers && headers['retry-after']) || 0;
  const spread = 0.75 + Math.random() / 2; // spreads load, guards nothing
  return Math.min(MAX_WAIT, said > 0 ? said : Math.pow(2, attempt - 1) * spread);
}

function withQR(answer) {
  const qr = Object.assign({}, answer.qr);
  if (answer.code && !qr.code) qr.code = qrText(answer.code);
  if (answer.receipt && !qr.receipt) qr.receipt = qrText(answer.receipt);
  return Object.assign(answer, { qr });
}

/**
 * createClient makes a client of the gateway at `base` ("" is this page's own origin).
 *
 * Options: request, an adapter such as fetchRequest or wxRequest; storage, {get, set, remove} of texts, to carry an exchange
 * over the end of this page or app; wait(milliseconds), for tests.
 */
function createClient(options) {
  const { base = '', request = defaultRequest(), storage = null, wait = (ms) => new Promise((done) => setTimeout(done, ms)) } = options || {};
  const root = base.replace(/\/+$/, '');

  async function send(method, path, headers, body) {
    try {
      return await request({ method, url: root + path, headers, body, timeout: TIMEOUT });
    } catch (_) {
      return null;
    }
  }

  /** post sends until there is an answer that is not "retry", or the attempts are used up. */
  async function post(path, headers, body, settings) {
    const { attempts = 4, onRetry = () => {} } = settings;
    for (let attempt = 1; ; attempt++) {
      const response = await send('POST', path, headers, body);
      const answer = response === null ? { outcome: 'unreachable', status: 0 } : settings.read(response);
      const again = answer.outcome === 'retry' || answer.outcome === 'unreachable';
      if (!again || attempt >= attempts) return Object.assign(answer, { attempts: attempt });
      const seconds = waitFor(answer, response && response.headers, attempt);
      onRetry(seconds, attempt);
      await wait(seconds * 1000);
    }
  }

  async function read(path, parse) {
    for (let attempt = 1; ; attempt++) {
      const response = await send('GET', path, {}, undefined);
      if (response && response.status === 200) return parse(response);
      const problem = response && answerOf(response);
      const again = !response || response.status === 429 || response.status >= 500;
      if (!again || attempt >= 3) {
        throw new ClientError((problem && problem.reason) || (response ? 'bad-answer' : 'unreachable'), response ? response.status : 0, problem);
      }
      await wait(waitFor(problem || {}, response && response.headers, attempt) * 1000);
    }
  }

  function json(response) {
    try {
      return JSON.parse(response.body);
    } catch (_) {
      throw new ClientError('bad-answer', response.status);
    }
  }

  function routed(route) {
    if (!/^[a-z]{1,32}-[a-z]{1,32}$/.test(route)) throw new TypeError('route');
    return route;
  }

  async function exchange(packet, settings) {
    const given = settings || {};
    const key = given.idempotencyKey || (await newIdempotencyKey());
    const headers = { 'Content-Type': 'application/jose', 'Idempotency-Key': key };
    if (given.language) headers['Accept-Language'] = given.language;
    if (storage) await storage.set(PENDING, JSON.stringify({ packet, key }));
    const path = '/v1/exchange' + (given.route ? '?route=' + routed(given.route) : '');
    const answer = await post(path, headers, packet, { attempts: given.attempts, onRetry: given.onRetry, read: answerOf });
    if (storage && answer.outcome !== 'retry' && answer.outcome !== 'unreachable') await storage.remove(PENDING);
    return withQR(Object.assign(answer, { idempotency_key: key }));
  }

  async function pending() {
    const kept = storage && (await storage.get(PENDING));
    try {
      const { packet, key } = JSON.parse(kept);
      return typeof packet === 'string' && typeof key === 'string' ? { packet, idempotencyKey: key } : null;
    } catch (_) {
      return null;
    }
  }

  return {
    consents: async (route) => read('/v1/consents/' + routed(route), json),
    keys: () => read('/.well-known/jwks.json', json),
    metadata: () => read('/.well-known/code-exchange', json),
    bundle: () => read('/v1/bundle', (response) => ({ token: response.body.trim(), date: Date.parse(response.headers.date) || null })),
    exchange,
    pending,
    resume: async (settings) => {
      const kept = await pending();
      return kept && exchange(kept.packet, Object.assign({}, settings, { idempotencyKey: kept.idempotencyKey }));
    },
    withdraw: ({ receipt, full_receipt, withdraw_secret }, settings) =>
      post('/v1/recalls', jsonHeaders(settings), JSON.stringify({ receipt, full_receipt, withdraw_secret }), {
        read: (response) => (response.status === 204 ? { outcome: 'withdrawn', status: 204 } : answerOf(response)),
      }),
    verify: ({ code, receipt, full_receipt }, settings) =>
      post('/v1/receipts/verify', jsonHeaders(settings), JSON.stringify({ code, receipt, full_receipt }), {
        read: (response) => (response.status === 200 ? Object.assign({ outcome: 'examined' }, json(response)) : answerOf(response)),
      }),
  };
}

function jsonHeaders(settings) {
  const headers = { 'Content-Type': 'application/json' };
  if (settings && settings.language) headers['Accept-Language'] = settings.language;
  return headers;
}

export { createClient, fetchRequest, wxRequest, newIdempotencyKey, ClientError, qrText, parseQRText, qrMatrix, drawQR, qrSVGPath, canVerify, openBundle, BundleError, verifyExhibit, tokenKind, tailMatches, showTime, encodeBase64URL, decodeBase64URL, encodeUTF8, decodeUTF8, parseStrict };

/**
 * The officer's page: scan, verdict, next. It needs the network for a new bundle alone. What is scanned is held in the one
 * variable `traveller` until the next scan, the timer or the page's being left, and goes nowhere.
 */
import { createClient, canVerify, verifyExhibit, tokenKind, tailMatches, showTime } from '/client/crosscode.js';
import * as device from '/officer/device.js';
import { camera, photo, wedge } from '/officer/scan.js';
import { LANGUAGES, load, preferred, fill, t, named } from '/officer/texts.js';

const $ = (id) => document.getElementById(id);
const client = createClient({ base: '' });
const { settings } = device;

const RENEW_EVERY = 5 * 60 * 1000;
const CLOCK_LEEWAY = 60 * 1000;
const SAME_CODE = 2500; // ms: a code that stays in the picture is one scan
const CLEARS = [15, 30, 60, 300, 0]; // seconds; 0: at the next scan only

/** The bundle in use; why the last one was refused, and when it was issued (s); by how much this clock is off (ms; null: not known). */
const state = { bundle: null, refusal: '', issuedAt: 0, skew: null, ignoredPin: false, offline: false };

// ---- words -----------------------------------------------------------------------------------------------------------

async function speak(language) {
  await load(language);
  document.documentElement.lang = language;
  fill(document);
  document.title = t('title') + ' · Crosscode';
  $('languages').replaceChildren(...LANGUAGES.map(([id, name]) => {
    const button = make('button', { type: 'button', className: 'btn-link', lang: id, textContent: name });
    button.setAttribute('aria-pressed', String(id === language));
    button.addEventListener('click', () => {
      settings.language = id;
      device.saveSettings();
      speak(id);
    });
    return make('li', {}, button);
  }));
  $('clear').replaceChildren(...CLEARS.map((seconds) => make('option', {
    value: String(seconds), selected: settings.clear === seconds,
    textContent: seconds ? t('settings.clear.after', { seconds }) : t('settings.clear.scan'),
  })));
  $('camera').textContent = t(running ? 'scan.stop' : 'scan.start');
  $('scan-fault').textContent = '';
  showStored();
  showBundle();
  showTally();
  showVerdict();
}

function make(name, properties, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

function modes() {
  for (const mode of ['large', 'contrast']) {
    document.documentElement.classList.toggle(mode, settings[mode]);
    $(mode).setAttribute('aria-pressed', String(settings[mode]));
  }
}

// ---- bundle ----------------------------------------------------------------------------------------------------------

/** usable says why nothing can be checked now, or ''. */
function unusable() {
  if (!canVerify() || typeof caches === 'undefined') return 'insecure';
  if (!state.bundle) return state.refusal || 'missing';
  const stands = device.standing(state.bundle, Date.now());
  return stands === 'stale' || stands === 'future' ? stands : '';
}

function age(milliseconds) {
  const minutes = Math.max(0, Math.floor(milliseconds / 60000));
  return minutes < 60 ? t('age.minutes', { n: minutes }) : t('age.hours', { h: Math.floor(minutes / 60), n: minutes % 60 });
}

function showBundle() {
  const { bundle } = state;
  const set = device.trust().pins.length > 0;
  const why = unusable();
  $('setup').hidden = set || why === 'insecure';
  $('desk').hidden = !set || why === 'insecure';
  $('bundle').hidden = !set;
  $('training').hidden = !(bundle && bundle.specimen);
  $('pins').replaceChildren(...device.trust().pins.flatMap((pin) => [make('bdi', { textContent: pin }), make('br', {})]));
  $('issuer').textContent = bundle ? bundle.issuer : '';
  const issuedAt = bundle ? bundle.issuedAt : state.issuedAt;
  $('bundle-age').textContent = issuedAt ? t('bundle.age', { age: age(Date.now() - issuedAt * 1000) }) : t('bundle.none');
  const soft = bundle && device.standing(bundle, Date.now()) === 'soft';
  $('bundle-until').textContent = bundle && !why ? t(soft ? 'bundle.soft' : 'bundle.fresh', { until: showTime(bundle.expires) }) : '';
  $('bundle-recalls').textContent = bundle && bundle.recalls ? t('bundle.recalls', { count: bundle.recalls }) : '';
  showNotes(why, set);
}

/** showNotes replaces the notes only when they change: a live region repeats what is put in again. */
function showNotes(why, set) {
  const notes = [];
  const say = (kind, head, body) => notes.push([kind, head, body]);
  if (why === 'insecure') say('stop', t('insecure.head'), t('insecure.body'));
  else if (set && why) say('stop', t('bundle.' + why + '.head'), t('bundle.' + why + '.body'));
  else if (set && state.refusal) say('warn', t('bundle.' + state.refusal + '.head'), t('bundle.' + state.refusal + '.body'));
  if (state.skew !== null && Math.abs(state.skew) > CLOCK_LEEWAY) {
    say('warn', t('clock.head', { minutes: Math.max(1, Math.round(Math.abs(state.skew) / 60000)) }), t('clock.body'));
  }
  if (state.ignoredPin) say('warn', t('setup.ignored'), '');
  const key = JSON.stringify(notes);
  if ($('notes').dataset.key === key) return;
  $('notes').dataset.key = key;
  $('notes').replaceChildren(...notes.map(([kind, head, body]) => make('div', { className: 'note note-' + kind },
    make('p', { className: 'note-head', textContent: head }), make('p', { textContent: body }))));
}

/** refused remembers why a bundle was not taken. */
function refused(error) {
  state.refusal = error instanceof device.BundleError ? error.reason : '';
  state.issuedAt = error.issuedAt || 0;
  if (state.refusal === 'stale' && state.bundle) state.refusal = '';
}

async function openKept() {
  try {
    state.bundle = await device.kept();
    state.refusal = '';
  } catch (error) {
    state.bundle = null;
    refused(error);
  }
  showBundle();
}

/** renew fetches a bundle. The one at hand stays when the new one is refused or does not come. */
async function renew() {
  if (device.trust().pins.length === 0 || unusable() === 'insecure') return false;
  try {
    const asked = Date.now();
    const { token, date } = await client.bundle();
    const now = (asked + Date.now()) / 2;
    // The Date header counts whole seconds.
    if (date !== null) state.skew = now - (date + 500);
    state.offline = false;
    state.bundle = await device.accept(token);
    state.refusal = '';
    return true;
  } catch (error) {
    state.offline = !(error instanceof device.BundleError);
    if (!state.offline) refused(error);
    return false;
  } finally {
    showBundle();
  }
}

// ---- scan ------------------------------------------------------------------------------------------------------------

let running = null;
/** The codes that were in the picture a moment ago, each until it has been out of it for a while. */
const recent = new Map();

/** seen tells whether this very code was in the picture a moment ago: a code that stays there is one scan. */
function seen(text) {
  const same = recent.has(text);
  clearTimeout(recent.get(text));
  recent.set(text, setTimeout(() => recent.delete(text), SAME_CODE));
  return same;
}

async function toggleCamera() {
  $('scan-fault').textContent = '';
  if (running) {
    running.stop();
    running = null;
  } else {
    $('viewer').hidden = false;
    try {
      running = await camera($('video'), (text) => {
        if (!seen(text)) present(text);
      });
    } catch {
      $('scan-fault').textContent = t('scan.denied');
    }
  }
  $('viewer').hidden = !running;
  $('camera').textContent = t(running ? 'scan.stop' : 'scan.start');
}

async function readPhoto() {
  const [file] = $('photo').files;
  if (!file) return;
  $('scan-fault').textContent = '';
  let texts = [];
  try {
    texts = await photo(file);
  } catch {
    texts = [];
  }
  $('photo').value = '';
  if (texts.length === 0) $('scan-fault').textContent = t('scan.photo.none');
  for (const text of texts) await present(text);
}

// ---- one traveller ---------------------------------------------------------------------------------------------------

/** All that is known of the traveller at the counter, and nothing of the one before. */
let traveller = null;
let turn = 0;
let queue = Promise.resolve();
let clock = 0;

function nobody() {
  return { code: '', receipt: '', full: undefined, found: null, cannot: '', tail: '', counted: '', wrongCounted: false, left: 0 };
}

/** shelve puts a text where it belongs: beside the other paper of the traveller at hand, or in the hands of a new one. */
function shelve(text) {
  const kind = tokenKind(text);
  const at = traveller;
  const readable = at && at.found && at.found.category !== 'unreadable';
  if (readable && kind === 'receipt' && at.code && !at.receipt) at.receipt = text;
  else if (readable && kind === 'code' && at.receipt && !at.code) at.code = text;
  else if (readable && text.startsWith('{') && at.receipt && !at.full) at.full = text;
  else {
    clear();
    traveller = nobody();
    traveller[kind === 'receipt' ? 'receipt' : 'code'] = text;
  }
}

/** present is what a scan leads to. Two codes of one picture are looked at one after the other. */
function present(text) {
  queue = queue.then(() => examine(text.trim())).catch(clear);
  return queue;
}

async function examine(text) {
  shelve(text);
  const mine = ++turn;
  const at = traveller;
  at.cannot = unusable();
  if (!at.cannot) {
    const found = await verifyExhibit(at, state.bundle, { now: Date.now(), specimens: state.bundle.specimen });
    if (mine !== turn || at !== traveller) return;
    if (at.counted) device.count(at.counted, -1);
    device.count(found.category, 1);
    at.found = found;
    at.counted = found.category;
  }
  at.left = settings.clear;
  showVerdict();
  showTally();
  announce();
  keepTime();
}

/** clear leaves nothing of the traveller, on the screen or in memory. */
function clear() {
  traveller = null;
  turn++;
  clearInterval(clock);
  $('tail').value = $('text').value = '';
  showVerdict();
}

function keepTime() {
  clearInterval(clock);
  showClears();
  if (!settings.clear) return;
  clock = setInterval(() => {
    if (!traveller || --traveller.left <= 0) clear();
    else showClears();
  }, 1000);
}

function showClears() {
  if (traveller) $('clears').textContent = settings.clear ? t('clears', { seconds: traveller.left }) : t('clears.scan');
}

// ---- verdict ---------------------------------------------------------------------------------------------------------

/** visible is how many characters of a document's end its mask shows. */
const visible = (masked) => masked.length - masked.lastIndexOf('*') - 1;

/** judge turns what was found, and what the officer typed, into one verdict. */
function judge() {
  if (!traveller) return { kind: 'wait', category: '', word: t('verdict.wait'), why: '' };
  if (traveller.cannot) {
    const head = traveller.cannot === 'insecure' ? 'insecure.head' : 'bundle.' + traveller.cannot + '.head';
    return { kind: 'ask', category: 'cannot', word: t('word.cannot'), why: t(head) };
  }
  if (!traveller.found) return { kind: 'wait', category: '', word: t('verdict.wait'), why: '' };
  const { category } = traveller.found;
  if (category === 'valid' && tail() === 'mismatch') return { kind: 'stop', category: 'document', word: t('word.document'), why: t('why.document') };
  // Nobody has compared this holder with the document yet: still valid, and visibly not the same.
  if (category === 'valid' && traveller.found.unverified) return { kind: 'ok', category, unverified: true, word: t('word.valid'), why: t('why.unverified') };
  return { kind: category === 'valid' ? 'ok' : 'stop', category, word: t('word.' + category), why: reason(traveller.found) };
}

/** reason says why the verdict is what it is; of a closed route also since when, and whether it is open again. */
function reason({ category, since, reopened }) {
  if (category !== 'route-closed' || !(since || reopened)) return t('why.' + category);
  const times = { since: showTime(since), reopened: showTime(reopened) };
  if (!reopened) return t('why.route-closed-since', times);
  return since ? t('why.route-closed-between', times) : t('why.route-closed-until', times);
}

/** tail is what became of the characters that the officer typed; '' before there are any. */
function tail() {
  const { found } = traveller;
  return traveller.tail && found && found.document ? tailMatches(found.document, traveller.tail) : '';
}

function showVerdict() {
  const { kind, category, word, why, unverified = false } = judge();
  const panel = $('verdict');
  panel.className = 'verdict verdict-' + kind + (unverified ? ' verdict-unverified' : '');
  $('verdict-mark').hidden = !unverified;
  panel.dataset.category = category;
  $('verdict-shape').setAttribute('href', '#shape-' + kind);
  $('verdict-word').textContent = word;
  $('verdict-why').textContent = why;
  const found = traveller && traveller.found;
  $('details').hidden = !traveller || !(found || traveller.cannot);
  // Only a valid code is worth comparing: a green tick under a stop would be a mixed signal.
  const described = Boolean(found && found.document && found.category === 'valid');
  $('facts').hidden = !found || category === 'unreadable';
  $('tail-form').hidden = !described;
  $('specimen').hidden = !(found && found.specimen);
  showTail();
  $('facts').replaceChildren(...(found && category !== 'unreadable' ? facts(found) : []));
  showClears();
}

function facts(found) {
  const [from, to] = found.route.split('-');
  const rows = [
    ['route', named('side.', from) + ' → ' + named('side.', to)],
    ['port', found.port ? named('port.', found.port) : t('port.any')],
    ['name', found.name],
    // The end of the number stays covered until the officer has typed it from the document itself.
    ['document', tail() === 'match' ? found.document : found.document.slice(0, found.document.length - visible(found.document)) + '•'.repeat(visible(found.document))],
  ];
  // A refusal's receipt speaks of no code, so there is no test day, no validity and no limit to show.
  if (found.category !== 'refusal') rows.push(['sampled', found.sampledOn || t('sampled.none')], ['until', showTime(found.until)], ['notgranted', (found.notGranted || ['quarantine-waiver']).map((id) => named('notgranted.', id)).join('; ')]);
  const papers = [traveller.code && t('paper.code'), traveller.receipt && t('paper.receipt')].filter(Boolean).join(t('and'));
  const list = rows.map(([name, value]) => {
    const row = make('div', {}, make('dt', { textContent: t('fact.' + name) }), make('dd', {}, make('bdi', { textContent: value })));
    row.dataset.fact = name;
    return row;
  });
  return [...list, make('div', { className: 'whole' }, make('dt', { className: 'small', textContent: t('seen', { papers }) }))];
}

function showTail() {
  const found = traveller && traveller.found;
  if (!found || !found.document) return;
  const counted = visible(found.document);
  $('tail-label').textContent = t('tail.label', { count: counted });
  const says = tail();
  const panel = $('tail-says');
  panel.className = 'tail-says' + (says ? ' tail-' + says : '');
  panel.dataset.says = says;
  panel.replaceChildren(...(says ? [...shape(says), t('tail.' + says, { count: counted })] : []));
}

function shape(says) {
  if (says === 'short') return [];
  const picture = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', says === 'match' ? '#shape-ok' : '#shape-stop');
  picture.setAttribute('aria-hidden', 'true');
  picture.append(use);
  return [picture];
}

function typeTail() {
  if (!traveller || !traveller.found) return;
  const before = judge().category;
  // A hand-held scanner that types into this field is no officer: see wedge().
  traveller.tail = $('tail').value.includes(':') ? '' : $('tail').value;
  traveller.left = settings.clear;
  if (tail() === 'mismatch' && !traveller.wrongCounted) {
    traveller.wrongCounted = true;
    device.count('documents', 1);
    showTally();
  }
  if (tail() === 'match' && traveller.wrongCounted) { // a slip of the finger, put right
    traveller.wrongCounted = false;
    device.count('documents', -1);
    showTally();
  }
  showVerdict();
  if (judge().category !== before) signal(judge().kind);
}

function announce() {
  const { kind } = judge();
  signal(kind);
  $('verdict').scrollIntoView({ block: 'start' });
  // A phone's keyboard would cover the verdict; at a desk the officer types at once.
  if (!$('tail-form').hidden && matchMedia('(hover: hover) and (pointer: fine)').matches) $('tail').focus({ preventScroll: true });
}

// ---- sound and vibration ---------------------------------------------------------------------------------------------

let audio = null;

/** Browsers let a page sound only after somebody has touched it. */
function unlock() {
  if (!settings.sound) return;
  try {
    audio = audio || new AudioContext();
    if (audio.state === 'suspended') audio.resume();
  } catch {
    audio = null;
  }
}

/** Each verdict has a tune that is told apart by its rhythm: two rising notes, three low ones, two even ones. */
const TUNES = {
  ok: { notes: [[660, 0], [990, 0.14]], length: 0.12, vibrate: [90] },
  stop: { notes: [[196, 0], [196, 0.28], [196, 0.56]], length: 0.22, vibrate: [250, 120, 250, 120, 250] },
  ask: { notes: [[440, 0], [440, 0.3]], length: 0.15, vibrate: [120, 100, 120] },
};

function signal(kind) {
  const tune = TUNES[kind];
  if (!tune) return;
  if (settings.vibrate && navigator.vibrate) navigator.vibrate(tune.vibrate);
  if (!settings.sound || !audio) return;
  for (const [pitch, after] of tune.notes) {
    const begin = audio.currentTime + after;
    const note = audio.createOscillator();
    const volume = audio.createGain();
    note.type = kind === 'stop' ? 'square' : 'sine';
    note.frequency.value = pitch;
    volume.gain.setValueAtTime(0.25, begin);
    volume.gain.exponentialRampToValueAtTime(0.001, begin + tune.length);
    note.connect(volume).connect(audio.destination);
    note.start(begin);
    note.stop(begin + tune.length);
  }
}

// ---- counts ----------------------------------------------------------------------------------------------------------

function showTally() {
  const { since, counts, documents } = device.counts();
  const total = counts.reduce((sum, [, number]) => sum + number, 0);
  const rows = [[t('tally.total'), total, 'total'], ...counts.map(([name, number]) => [t('word.' + name), number, name]), [t('tally.documents'), documents, 'documents']];
  $('tally-since').textContent = showTime(Math.floor(since / 1000)) + ' →';
  $('tally').replaceChildren(...rows.map(([name, number, id]) => {
    const row = make('div', {}, make('dt', { textContent: name }), make('dd', { textContent: String(number) }));
    row.dataset.count = id;
    if (!number) row.dataset.zero = '';
    return row;
  }));
}

function exportTally() {
  const file = new Blob([device.csv(state.bundle ? state.bundle.issuer : '', Date.now())], { type: 'text/csv;charset=utf-8' });
  const link = make('a', { href: URL.createObjectURL(file), download: 'crosscode-tally-' + showTime(Math.floor(Date.now() / 1000)).slice(0, 10) + '.csv' });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/** twice runs an action at the second press within five seconds, and says so at the first. */
function twice(button, ask, act) {
  let armed = 0;
  const disarm = () => {
    armed = 0;
    button.textContent = t(button.dataset.t);
  };
  button.addEventListener('click', () => {
    if (armed) {
      clearTimeout(armed);
      disarm();
      act();
      return;
    }
    button.textContent = t(ask);
    armed = setTimeout(disarm, 5000);
  });
}

// ---- installation ----------------------------------------------------------------------------------------------------

let stored = false;

function showStored() {
  $('stored').textContent = t(stored ? 'offline.ready' : 'offline.not');
}

/** install stores the page for work without a network. The policy lets this one script be loaded from a string. */
async function install() {
  if (!('serviceWorker' in navigator)) return;
  const only = (url) => {
    if (url !== '/officer/sw.js') throw new TypeError('not the worker of this page');
    return url;
  };
  const policy = self.trustedTypes ? self.trustedTypes.createPolicy('crosscode-officer', { createScriptURL: only }) : { createScriptURL: only };
  try {
    await navigator.serviceWorker.register(policy.createScriptURL('/officer/sw.js'), { scope: '/officer/', updateViaCache: 'none' });
    await navigator.serviceWorker.ready;
    stored = true;
  } catch {
    stored = Boolean(navigator.serviceWorker.controller);
  }
  document.documentElement.dataset.stored = String(stored);
  showStored();
}

/** fromFragment takes a pin out of the URL. A key that is set already is never replaced in this way. */
function fromFragment() {
  const [, pin] = /^#pin=([A-Za-z0-9_-]{43})$/.exec(location.hash) || [];
  if (!pin) return;
  history.replaceState(null, '', location.pathname + location.search);
  const { pins } = device.trust();
  state.ignoredPin = pins.length > 0 && !pins.includes(pin);
  if (pins.length > 0) return;
  $('pin').value = pin;
  $('setup-fragment').hidden = false;
}

async function setKey(event) {
  event.preventDefault();
  const pin = $('pin').value.trim();
  const good = device.validPin(pin);
  $('pin-fault').hidden = good;
  $('pin').setAttribute('aria-invalid', String(!good));
  if (!good) {
    $('pin').focus();
    return;
  }
  device.setPin(pin);
  state.refusal = '';
  showBundle();
  await renew();
  $('verdict').focus();
}

async function replaceKey() {
  await device.forget();
  Object.assign(state, { bundle: null, refusal: '', issuedAt: 0, ignoredPin: false });
  clear();
  showBundle();
  $('pin').value = '';
  $('pin').focus();
}

// ---- begin -----------------------------------------------------------------------------------------------------------

function listen() {
  for (const mode of ['large', 'contrast']) {
    $(mode).addEventListener('click', () => {
      settings[mode] = !settings[mode];
      device.saveSettings();
      modes();
    });
  }
  for (const name of ['sound', 'vibrate']) {
    $(name).checked = settings[name];
    $(name).addEventListener('change', () => {
      settings[name] = $(name).checked;
      device.saveSettings();
    });
  }
  $('clear').addEventListener('change', () => {
    settings.clear = Number($('clear').value);
    device.saveSettings();
    if (traveller) {
      traveller.left = settings.clear;
      keepTime();
    }
  });
  $('setup-form').addEventListener('submit', setKey);
  $('text-form').addEventListener('submit', (event) => {
    event.preventDefault();
    const text = $('text').value;
    $('text').value = '';
    if (text.trim()) present(text);
  });
  $('tail-form').addEventListener('submit', (event) => event.preventDefault());
  $('tail').addEventListener('input', typeTail);
  $('camera').addEventListener('click', toggleCamera);
  $('photo').addEventListener('change', readPhoto);
  $('next').addEventListener('click', () => {
    clear();
    $('verdict').focus();
  });
  $('renew').addEventListener('click', async () => {
    const good = await renew();
    $('renew').textContent = t(good ? 'bundle.renewed' : state.offline ? 'bundle.offline' : 'bundle.renew');
    setTimeout(() => {
      $('renew').textContent = t('bundle.renew');
    }, 4000);
  });
  $('export').addEventListener('click', exportTally);
  twice($('reset'), 'tally.resetting', () => {
    device.resetCounts();
    showTally();
  });
  twice($('replace'), 'settings.replacing', replaceKey);
  document.addEventListener('pointerdown', unlock);
  document.addEventListener('keydown', unlock);
  document.addEventListener('paste', (event) => {
    if (event.target instanceof HTMLInputElement) return;
    const text = event.clipboardData.getData('text');
    if (text.trim() && !$('desk').hidden) present(text);
  });
  wedge(document, (text) => {
    if (!$('desk').hidden) present(text);
  });
  // Whoever leaves the counter leaves nobody's name on the screen.
  document.addEventListener('visibilitychange', () => (document.hidden ? clear() : renew()));
  addEventListener('pagehide', clear);
  addEventListener('online', renew);
  addEventListener('hashchange', () => {
    fromFragment();
    showBundle();
  });
}

async function begin() {
  modes();
  fromFragment();
  await speak(preferred(settings.language, location.search, navigator.languages || []));
  listen();
  if (unusable() !== 'insecure' && device.trust().pins.length > 0) await openKept();
  showBundle();
  document.documentElement.dataset.ready = 'true';
  install();
  await renew();
  setInterval(renew, RENEW_EVERY);
  setInterval(showBundle, 15000);
}

begin();

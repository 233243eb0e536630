// The traveller's page of one route. The server puts the packet into the page; from there it moves into sessionStorage beside
// a random Idempotency-Key, and out of the page and its address. With that pair every repetition (double tap, reload, back,
// a dropped answer) is the same request, to which the gateway gives the same code.
//
//   stage      what is kept                     shown
//   asked      packet, key                      who receives what; one button
//   sent       packet, key                      checking; after a reload the request is sent again by itself
//   stuck      packet, key                      no answer for now; try again
//   issued     answer, until it expires         the code
//   refused    answer, packet, key              what, why, what to do, whom to call
//   withdrawn  nothing but the stage            void
//
// No sentence stands in here: all are in the page, in its language. Whatever comes from outside becomes text, never markup.
import { createClient, decodeBase64URL, decodeUTF8, newIdempotencyKey, qrSVGPath, qrText } from '/client/crosscode.js';

const page = document.getElementById('h5');
const { route, language } = page.dataset;
const handoffLife = Number(page.dataset.handoffLife) * 1000;
// The traveller's clock may be days off; the server's, from which every time on this page comes, is not.
const skew = Number(page.dataset.now) - Date.now();
const now = () => Date.now() + skew;

const $ = (id) => document.getElementById(id);
const client = createClient({ base: '' });
const service = document.title.slice(document.title.lastIndexOf(' · ')); // behind every section's own title

// What is kept, newest first: one entry for each packet of this route that this tab has seen.

const keptAs = `crosscode.h5.${route}`;
const goneAs = 'crosscode.h5.gone';
const maxEntries = 6;
let entries = [];
let storage = true;

function load(name, otherwise) {
  try {
    return JSON.parse(sessionStorage.getItem(name)) || otherwise;
  } catch {
    return otherwise;
  }
}

function keep(name, value) {
  try {
    sessionStorage.setItem(name, JSON.stringify(value));
  } catch {
    storage = false;
  }
}

const save = () => keep(keptAs, entries);

// The last 22 characters of a packet are its GCM tag: they tell packets apart and nothing about anybody. What was deleted is
// remembered by them, or going back to the form would bring it to life again as a packet that was already used.
const tagOf = (packet) => packet.slice(-22);

function forget(entry) {
  entries = entries.filter((each) => each !== entry);
  keep(goneAs, [entry.tag, ...load(goneAs, [])].slice(0, 40));
  save();
}

async function arrive(packet) {
  const tag = tagOf(packet);
  if (load(goneAs, []).includes(tag)) return 'deleted';
  const known = entries.findIndex((each) => each.tag === tag);
  const entry = known < 0 ? { tag, packet, key: await newIdempotencyKey(), stage: 'asked' } : entries[known];
  entries = [entry, ...entries.filter((each) => each !== entry)].slice(0, maxEntries);
  save();
  return null;
}

// Showing one section at a time

const sections = [...document.querySelectorAll('main > section')];
let shown = 'start';

function show(id, moved = false) {
  shown = id;
  for (const section of sections) section.hidden = section.id !== id;
  closePanels();
  const heading = $(`${id}-title`);
  document.title = heading.textContent.trim() + service;
  if (!moved) return;
  scrollTo(0, 0);
  heading.focus({ preventScroll: true });
}

function closePanels() {
  for (const panel of [$('withdraw-ask'), $('delete-ask')]) panel.hidden = true;
  for (const button of document.querySelectorAll('[aria-expanded]')) button.setAttribute('aria-expanded', 'false');
}

function fill(selector, text) {
  for (const place of document.querySelectorAll(selector)) place.textContent = text || '';
}

// en and pt alone would give the dates of the United States and of Brazil.
const locale = { en: 'en-GB', pt: 'pt-PT' }[language] || language;

function inZone(instant, parts) {
  return new Intl.DateTimeFormat(locale, { timeZone: 'Asia/Macau', hourCycle: 'h23', ...parts }).format(new Date(instant));
}

const date = (instant) => inZone(instant, { year: 'numeric', month: 'long', day: 'numeric' });
const time = (instant) => inZone(instant, { hour: '2-digit', minute: '2-digit' });
const clock = (instant) => `${date(instant)} ${time(instant)}`;
const day = (given) => (/^\d{4}-\d\d-\d\d$/.test(given) ? date(`${given}T12:00:00+08:00`) : given);

function put(place, ...nodes) {
  place.textContent = '';
  place.append(...nodes);
}

function drawn(place, text) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  const { size, d } = qrSVGPath(text);
  for (const [name, value] of Object.entries({
    viewBox: `0 0 ${size} ${size}`, class: 'qr', role: 'img', 'aria-label': place.dataset.label, 'shape-rendering': 'crispEdges',
  })) svg.setAttribute(name, value);
  path.setAttribute('d', d);
  svg.append(path);
  put(place, svg);
}

function claimsOf(token) {
  return JSON.parse(decodeUTF8(decodeBase64URL(token.split('.')[1])));
}

function render(moved = false) {
  const entry = entries[0];
  $('storage-off').hidden = storage;
  if (!entry) return show('start', moved);
  switch (entry.stage) {
    case 'issued':
      renderPass(entry);
      return show('pass', moved);
    case 'refused':
      renderRefusal(entry);
      return show('refused', moved);
    case 'stuck':
      fill('#trouble [data-refused=title]', entry.answer && entry.answer.title);
      return show('trouble', moved);
    case 'withdrawn':
      return show('withdrawn', moved);
    default:
      return show('ask', moved);
  }
}

function renderPass({ answer, language: told }) {
  const claims = claimsOf(answer.code);
  drawn($('qr'), answer.qr.code || qrText(answer.code));
  for (const id of ['receipt-qr', 'sheet-qr']) drawn($(id), answer.qr.receipt || qrText(answer.receipt));
  $('name').textContent = claims.n;
  $('unverified').hidden = !claims.u;
  $('unverified').closest('.pass').classList.toggle('pass-unverified', Boolean(claims.u));
  $('until').textContent = clock(answer.valid_until);
  $('until').dateTime = answer.valid_until;
  const test = claims.t ? day(claims.t) : '';
  $('test-none').hidden = test !== '';
  for (const [fact, text] of Object.entries({
    document: claims.d, test, port: portName(claims.p || 'none'), receipt: answer.receipt_id,
  })) fill(`[data-fact=${fact}]`, text);
  renderNotGranted(answer.not_granted || []);
  renderWarnings((answer.warnings || []).filter((each) => each.title), told);
  renderHandoff(answer);
  renderEarlier();
  $('picture').hidden = true;
}

function portName(id) {
  const names = [...$('ports').content.children];
  const known = names.find((each) => each.dataset.port === id);
  return known ? known.textContent : id;
}

// An id that the page has no sentence for is shown as it is: what a code does not grant is never left out.
function renderNotGranted(ids) {
  const known = [...document.querySelectorAll('[data-not]')];
  for (const item of known) item.hidden = !ids.includes(item.dataset.not);
  for (const item of document.querySelectorAll('#not li.unknown')) item.remove();
  for (const id of ids.filter((each) => !known.some((item) => item.dataset.not === each))) {
    const item = document.createElement('li');
    item.className = 'unknown';
    item.textContent = id;
    $('not').querySelector('ul').append(item);
  }
}

function renderWarnings(warnings, told) {
  $('warnings').hidden = warnings.length === 0;
  put($('warning-list'), ...warnings.map((each) => {
    const item = document.createElement('li');
    item.lang = told;
    item.textContent = `${each.title} ${each.remedy}`;
    return item;
  }));
}

// A handoff is good for some minutes only, and its destination would refuse it later: then the button goes, the code stays.
function renderHandoff(answer) {
  const form = $('handoff');
  const ends = Date.parse(answer.issued_at) + handoffLife;
  const can = Boolean(form && answer.handoff);
  const late = can && now() >= ends;
  $('go-late').hidden = !late;
  $('go-none').hidden = can;
  if (!form) return;
  form.hidden = !can || late;
  form.elements.handoff.value = form.hidden ? '' : answer.handoff;
  $('go-until').textContent = time(ends);
}

function renderEarlier() {
  const others = entries.slice(1).filter((each) => each.stage === 'issued');
  $('earlier').hidden = others.length === 0;
  put($('earlier-list'), ...others.map((entry) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'btn';
    button.textContent = `${$('earlier-list').dataset.label} ${clock(entry.answer.valid_until)}`;
    button.addEventListener('click', () => {
      entries = [entry, ...entries.filter((each) => each !== entry)];
      save();
      render(true);
    });
    return button;
  }));
}

// The uniform refusal is in English for everybody; its sentences in the page's language stand in the page.
function sentences(answer) {
  const own = $('packet-refused');
  if (answer.reason !== 'packet-refused') return answer;
  const part = (name) => own.content.querySelector(`[data-part=${name}]`).textContent;
  return { ...answer, title: part('title'), detail: part('detail'), remedy: part('remedy'), contact: part('contact') };
}

function renderRefusal({ answer, language: told }) {
  const said = sentences(answer);
  for (const part of ['title', 'detail', 'remedy', 'contact', 'receipt_id', 'request_id']) {
    fill(`#refused [data-refused=${part}]`, said[part]);
  }
  for (const place of document.querySelectorAll('#refused [data-refused]')) place.lang = said === answer ? told : language;
  $('refused-receipt').hidden = !answer.receipt_id;
  $('refused-request').hidden = !answer.request_id;
  if (answer.receipt) drawn($('refused-qr'), (answer.qr && answer.qr.receipt) || qrText(answer.receipt));
}

// Converting

let busy = false;

async function convert() {
  const entry = entries[0];
  if (busy || !entry || !entry.packet) return;
  busy = true;
  entry.stage = 'sent'; // before the request leaves: whatever happens now, the same one is sent again
  save();
  $('again').hidden = true;
  show('working', true);
  const answer = await ask(entry);
  busy = false;
  if (!entries.includes(entry)) return; // deleted in the meantime
  settle(entry, answer);
  render(true);
}

function ask(entry) {
  return client.exchange(entry.packet, {
    idempotencyKey: entry.key, language, route,
    onRetry: () => {
      $('again').hidden = false;
      $('status').textContent = $('again').textContent;
    },
  });
}

function settle(entry, answer) {
  $('status').textContent = '';
  entry.answer = answer;
  entry.language = language;
  entry.stage = { issued: 'issued', retry: 'stuck', unreachable: 'stuck' }[answer.outcome] || 'refused';
  if (entry.stage === 'issued') delete entry.packet; // it has done its work
  save();
}

// A refusal speaks the language it was asked in. In another one the same packet and key are asked again: the gateway gives
// the same receipt with other sentences, or says that the packet's time is over, and then the old ones stay.
async function translate(entry) {
  if (entry.stage !== 'refused' || entry.language === language || !entry.packet || busy) return;
  const answer = await ask(entry);
  if (answer.outcome !== 'refused' || answer.receipt_id !== entry.answer.receipt_id) return;
  settle(entry, answer);
  if (entries[0] === entry) render();
}

// Time goes by

function expire() {
  const ended = entries.filter((each) => each.stage === 'issued' && Date.parse(each.answer.valid_until) <= now());
  const current = ended.includes(entries[0]);
  for (const entry of ended) forget(entry);
  if (current) show('expired');
  return current;
}

function tick() {
  if (!expire() && shown === 'pass') renderHandoff(entries[0].answer);
}

// Keeping

// Isolates keep a name's own direction from reordering what stands beside it.
const isolated = (text) => `\u2068${text}\u2069`;

function picture({ answer }) {
  const canvas = document.createElement('canvas');
  const draw = canvas.getContext('2d');
  const claims = claimsOf(answer.code);
  const lines = [
    [$('pass-title').textContent, 56, 'bold'], ...(claims.u ? [[`⚠ ${$('unverified').textContent}`, 48, 'bold']] : []), [isolated(claims.n), 52, 'bold'], [isolated(claims.d), 44, ''],
    [`${$('until-label').textContent} ${clock(answer.valid_until)} UTC+8`, 40, 'bold'],
    [`${labelOf('test')} ${claims.t ? day(claims.t) : '–'}`, 40, ''],
    ...[...document.querySelectorAll('#not li:not([hidden])')].map((item) => [`✕ ${item.textContent}`, 34, '']),
    [`${labelOf('receipt')} ${answer.receipt_id}`, 30, ''],
  ];
  const width = 1080;
  const family = getComputedStyle(document.body).fontFamily;
  const wrapped = lines.flatMap(([text, height, weight]) => {
    const font = `${weight} ${height}px ${family}`;
    return wrap(draw, text, font, width - 120).map((line) => ({ line, font, height: height * 1.4 }));
  });
  const { size, d } = qrSVGPath(answer.qr.code || qrText(answer.code));
  const scale = Math.floor((width - 120) / size);
  canvas.width = width;
  canvas.height = 160 + size * scale + wrapped.reduce((sum, each) => sum + each.height, 0);
  draw.fillStyle = '#fff';
  draw.fillRect(0, 0, canvas.width, canvas.height);
  draw.save();
  draw.translate((width - size * scale) / 2, 60);
  draw.scale(scale, scale);
  draw.fillStyle = '#000';
  draw.fill(new Path2D(d));
  draw.restore();
  draw.fillStyle = '#17242e';
  let below = 70 + size * scale;
  for (const { line, font, height } of wrapped) {
    draw.font = font;
    draw.fillText(line, 60, below += height);
  }
  if (answer.specimen) stamp(draw, canvas);
  return canvas;
}

const labelOf = (fact) => document.querySelector(`[data-fact=${fact}]`).closest('div').querySelector('dt').textContent;

// wrap breaks at spaces, and between Han characters, which have none.
function wrap(draw, text, font, width) {
  draw.font = font;
  const lines = [''];
  for (const piece of text.match(/[\u3000-\u9fff\uff00-\uffef]|[^\s\u3000-\u9fff\uff00-\uffef]+\s*|\s+/gu) || []) {
    const last = lines[lines.length - 1];
    if (last !== '' && draw.measureText(last + piece).width > width) lines.push(piece); else lines[lines.length - 1] += piece;
  }
  return lines;
}

function stamp(draw, canvas) {
  const band = document.querySelector('.specimen');
  draw.fillStyle = '#ffe9a8';
  draw.fillRect(0, 0, canvas.width, 56);
  draw.fillStyle = '#3a2a00';
  draw.font = `bold 34px ${getComputedStyle(document.body).fontFamily}`;
  draw.textAlign = 'center';
  draw.fillText(band ? band.textContent : 'SPECIMEN', canvas.width / 2, 40, canvas.width - 40);
}

let pictureURL = '';

function savePicture() {
  picture(entries[0]).toBlob((blob) => {
    if (!blob) return;
    URL.revokeObjectURL(pictureURL);
    pictureURL = URL.createObjectURL(blob);
    const image = document.createElement('img');
    Object.assign(image, { src: pictureURL, alt: $('picture').dataset.alt, className: 'picture' });
    put($('picture'), $('picture').firstElementChild, image);
    $('picture').hidden = false;
    const link = document.createElement('a');
    Object.assign(link, { href: pictureURL, download: `health-code-${route}.png` });
    link.click();
    $('status').textContent = $('picture').firstElementChild.textContent;
  }, 'image/png');
}

function dropPicture() {
  URL.revokeObjectURL(pictureURL);
  pictureURL = '';
  $('picture').hidden = true;
  put($('picture'), $('picture').firstElementChild);
}

// Withdrawing and deleting, each with a question first

function open(panel, button) {
  const already = !panel.hidden;
  closePanels();
  if (already) return;
  button.closest('.row').after(panel);
  panel.hidden = false;
  button.setAttribute('aria-expanded', 'true');
  panel.opener = button;
  panel.querySelector('h2, h3').focus();
}

function close(panel) {
  closePanels();
  if (panel.opener) panel.opener.focus();
}

async function withdraw() {
  const entry = entries[0];
  if (busy || !entry || entry.stage !== 'issued') return;
  busy = true;
  $('withdraw-failed').hidden = true;
  $('withdraw-yes').classList.add('busy');
  const answer = await client.withdraw(entry.answer, { language });
  busy = false;
  $('withdraw-yes').classList.remove('busy');
  if (answer.outcome !== 'withdrawn') {
    $('withdraw-failed').hidden = false;
    return;
  }
  entries = entries.map((each) => (each === entry ? { tag: entry.tag, stage: 'withdrawn' } : each));
  save();
  clean();
  render(true);
}

function remove() {
  if (entries[0]) forget(entries[0]);
  clean();
  show('deleted', true);
}

// clean takes what the sections hold of somebody out of the page as well.
function clean() {
  dropPicture();
  fill('#name, [data-fact], [data-refused], #warning-list', '');
  for (const id of ['qr', 'receipt-qr', 'sheet-qr', 'refused-qr']) put($(id));
  if ($('handoff')) $('handoff').elements.handoff.value = '';
}

function leave() {
  if (entries[0]) forget(entries[0]);
  if ($('leave').dataset.leave) location.assign($('leave').dataset.leave); else show('deleted', true);
}

function listen() {
  const on = (id, act) => $(id).addEventListener('click', act);
  on('convert', convert);
  on('retry', convert);
  on('leave', leave);
  on('image', savePicture);
  on('print', () => print());
  on('withdraw', () => open($('withdraw-ask'), $('withdraw')));
  on('withdraw-yes', withdraw);
  on('withdraw-no', () => close($('withdraw-ask')));
  on('delete-yes', remove);
  on('delete-no', () => close($('delete-ask')));
  for (const button of document.querySelectorAll('[data-delete]')) button.addEventListener('click', () => open($('delete-ask'), button));
  addEventListener('beforeprint', () => { $('printed').textContent = `${clock(now())} UTC+8`; });
  addEventListener('pageshow', (event) => { if (event.persisted) begin(); }); // back, out of the browser's own cache
  $('print').hidden = typeof print !== 'function'; // WeChat's browser has none
  setInterval(tick, 5000);
}

async function begin() {
  entries = load(keptAs, []);
  const posted = page.dataset.packet;
  delete page.dataset.packet;
  history.replaceState(null, '', location.pathname + location.search); // a reload asks for the page, and posts nothing again
  keep(goneAs, load(goneAs, []));
  const gone = posted ? await arrive(posted) : null;
  $('storage-off').hidden = storage;
  if (gone) return show(gone);
  if (expire()) return undefined;
  render();
  if (entries[0] && entries[0].stage === 'sent') return convert();
  return entries[0] && translate(entries[0]);
}

listen();
begin();
document.documentElement.dataset.ready = 'yes'; // page.js says otherwise that this browser cannot

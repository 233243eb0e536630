// What the simulated mini-program does on its last page: it calls the gateway with the gateway's own client, through a wx
// that has no more than a mini-program's, and shows what became of the packet. Every text from outside is shown as text.
import { createClient, openBundle, qrSVGPath, showTime, verifyExhibit } from '/mini/crosscode.js';

// wx.request over fetch: as in WeChat every HTTP status is a success, and the data come as text.
const wx = {
  request({ url, method, header, data, timeout, success, fail }) {
    const aborter = new AbortController();
    const timer = setTimeout(() => aborter.abort(), timeout || 60000);
    fetch(url, { method, headers: header, body: data, signal: aborter.signal, credentials: 'omit', referrerPolicy: 'strict-origin' })
      .then(async (answer) => success({
        statusCode: answer.status, header: Object.fromEntries(answer.headers), data: await answer.text(),
      }))
      .catch((error) => fail({ errMsg: `request:fail ${error.name}` }))
      .finally(() => clearTimeout(timer));
  },
};

const request = ({ method, url, headers, body, timeout }) => new Promise((resolve, reject) => {
  wx.request({
    url, method, header: headers, data: body, timeout,
    success: (answer) => resolve({ status: answer.statusCode, headers: answer.header, body: answer.data }),
    fail: (error) => reject(new Error(error.errMsg)),
  });
});

const at = (id) => document.getElementById(id);
const page = at('exchange').dataset;
const client = createClient({ base: page.gateway, request });

function say(id, text) {
  at(id).textContent = text || '';
  at(id).hidden = !text;
}

function drawCode(text) {
  const { size, d } = qrSVGPath(text);
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', `0 0 ${size} ${size}`);
  svg.setAttribute('shape-rendering', 'crispEdges');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', d);
  svg.append(path);
  at('qr').replaceChildren(svg);
}

// claimsOf reads what a code says, to show it to its own holder; whether it holds is for the check below and for officers.
function claimsOf(token) {
  const part = token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/');
  const bytes = Uint8Array.from(atob(part), (character) => character.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}

// check verifies code and receipt with the pinned bundle, where there are a pin and WebCrypto.
async function check(answer) {
  if (!page.pins) return;
  const { token } = await client.bundle();
  const bundle = await openBundle(token, page.pins.split(' '), { now: Date.now() });
  const found = await verifyExhibit(
    { code: answer.code, receipt: answer.receipt, full: answer.full_receipt }, bundle, { now: Date.now(), specimens: bundle.specimen },
  );
  at('checked').hidden = found.category !== 'valid';
  at('exchange').dataset.category = found.category;
}

// showWarnings tells what did not stand in the way of the code and must be known all the same: that it ends soon, and why.
function showWarnings(warnings) {
  at('warning-list').replaceChildren(...warnings.map((one) => {
    const line = document.createElement('li');
    line.textContent = `${one.title} ${one.remedy}`;
    return line;
  }));
  at('warnings').hidden = warnings.length === 0;
}

function showIssued(answer) {
  const claims = claimsOf(answer.code);
  drawCode(answer.qr.code);
  say('code-name', claims.n);
  say('code-document', claims.d);
  say('sampled-on', claims.t);
  say('valid-until', showTime(answer.valid_until));
  at('specimen').hidden = !answer.specimen;
  at('unverified').hidden = !claims.u;
  at('issued').classList.toggle('pass-unverified', Boolean(claims.u));
  for (const one of answer.not_granted) {
    const line = at(`not-granted-${one}`);
    if (line) line.hidden = at('not-granted').hidden = false;
  }
  showWarnings(answer.warnings);
  at('exchange').dataset.code = answer.code;
  at('issued').hidden = false;
}

function showRefused(answer) {
  say('refused-title', answer.title);
  say('refused-detail', answer.detail);
  say('refused-remedy', answer.remedy);
  say('refused-contact', answer.contact);
  at('exchange').dataset.reason = answer.reason || '';
  at('refused').hidden = false;
}

function showRetry(answer) {
  if (answer.title) {
    at('unreachable-title').textContent = answer.title;
    at('unreachable-remedy').textContent = answer.remedy;
  }
  at('unreachable').hidden = false;
}

// tell lets the side remember what became of it. It is for the history alone: if it fails, nothing is lost but a line.
async function tell(answer) {
  const body = new URLSearchParams({
    token: page.token, outcome: answer.outcome, reason: answer.reason || '', receipt_id: answer.receipt_id || '',
  });
  await fetch(page.record, { method: 'POST', body }).catch(() => {});
}

async function exchange() {
  at('working').hidden = false;
  at('unreachable').hidden = true;
  const answer = await client.exchange(page.packet, { idempotencyKey: page.key, language: page.lang, route: page.route });
  at('working').hidden = true;
  const shows = { issued: showIssued, refused: showRefused, failed: showRefused };
  (shows[answer.outcome] || showRetry)(answer);
  say('receipt-id', answer.receipt_id);
  at('receipt').hidden = !answer.receipt_id;
  at('exchange').dataset.state = answer.outcome;
  if (answer.outcome === 'issued') await check(answer).catch(() => {});
  if (answer.outcome === 'issued' || answer.outcome === 'refused') await tell(answer);
  at('exchange').dataset.told = 'yes';
}

at('try-again').addEventListener('click', exchange);
exchange();

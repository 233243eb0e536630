/**
 * What this device keeps: the pins, the last bundle, settings and counts. Nothing of what is scanned comes here.
 */
import { openBundle, BundleError } from '/client/crosscode.js';

const TRUST = 'crosscode.officer.trust';
const SETTINGS = 'crosscode.officer.settings';
const TALLY = 'crosscode.officer.tally';
const BUNDLES = 'crosscode-officer-bundle';
const BUNDLE = '/v1/bundle';

const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/;
export const validPin = (text) => THUMBPRINT.test(text);

/** read gives a kept object, or an empty one when there is none or somebody has spoilt it. */
function read(name) {
  try {
    const value = JSON.parse(localStorage.getItem(name));
    return value !== null && typeof value === 'object' ? value : {};
  } catch {
    return {};
  }
}

const write = (name, value) => localStorage.setItem(name, JSON.stringify(value));

export const settings = Object.assign({ language: '', large: false, contrast: false, clear: 30, sound: true, vibrate: true }, read(SETTINGS));
export const saveSettings = () => write(SETTINGS, settings);

/** The pins, the iat of the newest bundle that was accepted (seconds), and the latest time that a server has told (seconds). */
export function trust() {
  const kept = read(TRUST);
  return {
    pins: Array.isArray(kept.pins) ? kept.pins.filter(validPin) : [],
    lastSeen: Number.isSafeInteger(kept.lastSeen) ? kept.lastSeen : 0,
  };
}

export const setPin = (pin) => write(TRUST, { pins: [pin], lastSeen: 0 });

export async function forget() {
  localStorage.removeItem(TRUST);
  await caches.delete(BUNDLES);
}

/**
 * accept opens a bundle that came from the network. Only when all of it holds does it replace the one at hand, and its pins
 * the pins: that is how an old key announces a new one.
 */
export async function accept(token) {
  const { pins, lastSeen } = trust();
  const bundle = await openBundle(token, pins, { now: Date.now(), lastSeen });
  const cache = await caches.open(BUNDLES);
  await cache.put(BUNDLE, new Response(token, { headers: { 'Content-Type': 'application/jose' } }));
  write(TRUST, { pins: bundle.pins, lastSeen: bundle.issuedAt });
  return bundle;
}

/** kept opens the bundle at hand; null when there is none. A BundleError says why it must not be used. */
export async function kept() {
  const cache = await caches.open(BUNDLES);
  const response = await cache.match(BUNDLE);
  if (!response) return null;
  const { pins, lastSeen } = trust();
  return openBundle(await response.text(), pins, { now: Date.now(), lastSeen });
}

/** standing says whether an opened bundle may be used at this moment: a device is on for longer than a bundle lives. */
export function standing(bundle, now) {
  if (bundle.issuedAt * 1000 > now + 60000) return 'future';
  if (now >= bundle.expires * 1000) return 'stale';
  return now >= bundle.soft * 1000 ? 'soft' : 'fresh';
}

export { BundleError };

// ---- counts ----------------------------------------------------------------------------------------------------------

export const CATEGORIES = ['valid', 'expired', 'not-yet-valid', 'recalled', 'route-closed', 'specimen', 'refusal', 'mismatch', 'unreadable'];

const tally = Object.assign({ since: Date.now(), counts: {}, documents: 0 }, read(TALLY));

export function counts() {
  return { since: tally.since, documents: tally.documents, counts: CATEGORIES.map((name) => [name, tally.counts[name] || 0]) };
}

export function count(category, by) {
  if (category === 'documents') tally.documents = Math.max(0, tally.documents + by);
  else tally.counts[category] = Math.max(0, (tally.counts[category] || 0) + by);
  write(TALLY, tally);
}

export function resetCounts() {
  Object.assign(tally, { since: Date.now(), counts: {}, documents: 0 });
  write(TALLY, tally);
}

/** csv gives the counts as RFC 4180 lines. No cell holds anything from a scan. */
export function csv(issuer, now) {
  const time = (at) => new Date(at + 8 * 3600 * 1000).toISOString().slice(0, 19) + '+08:00';
  const rows = [['what', 'count'], ...counts().counts, ['wrong-document', tally.documents], ['from', time(tally.since)], ['to', time(now)], ['gateway', issuer]];
  return rows.map((row) => row.map((cell) => '"' + String(cell).replace(/"/g, '""') + '"').join(',')).join('\r\n') + '\r\n';
}

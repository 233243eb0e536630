/**
 * The officer page without a network. Before these lines the gateway writes SHELL: {version, files}, of which the version is
 * a hash of all files, so that a new release is a new worker. A file of the shell comes from the cache alone, and all of them
 * from one release; everything else goes to the network. The bundle is the page's own affair: only a verified one is kept.
 */
'use strict';

const CACHE = 'crosscode-officer-shell-' + SHELL.version;
const PAGE = '/officer/';

self.addEventListener('install', (event) => {
  const requests = SHELL.files.map((file) => new Request(file, { cache: 'reload', credentials: 'omit' }));
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(requests)).then(() => self.skipWaiting()));
});

self.addEventListener('activate', (event) => {
  const old = (name) => name.startsWith('crosscode-officer-shell-') && name !== CACHE;
  event.waitUntil(
    caches.keys().then((names) => Promise.all(names.filter(old).map((name) => caches.delete(name)))).then(() => self.clients.claim()),
  );
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== self.location.origin) return;
  const path = request.mode === 'navigate' && url.pathname.startsWith(PAGE) ? PAGE : url.pathname;
  if (!SHELL.files.includes(path)) return;
  event.respondWith(caches.open(CACHE).then((cache) => cache.match(path)).then((found) => found || fetch(request)));
});

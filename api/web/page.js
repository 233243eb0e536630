// Display modes of every page: larger type and high contrast, as classes on <html>. It runs before the first paint, hence as
// a plain script in the head, in the language of old browsers. The choice, and nothing else, is kept in localStorage; a
// browser that keeps nothing forgets it. It also says so when a page's own script never comes to life ([data-unready]).
'use strict';
(() => {
  const kept = 'crosscode.display';
  const modes = ['large', 'contrast'];
  const root = document.documentElement;

  const read = () => {
    try { return (localStorage.getItem(kept) || '').split(' '); } catch (error) { return []; }
  };
  const keep = () => {
    const chosen = modes.filter((mode) => root.classList.contains(mode)).join(' ');
    try {
      if (chosen) localStorage.setItem(kept, chosen); else localStorage.removeItem(kept);
    } catch (error) { /* the page works without */ }
  };
  const paint = () => {
    for (const button of document.querySelectorAll('button[data-mode]')) {
      button.setAttribute('aria-pressed', String(root.classList.contains(button.dataset.mode)));
    }
  };

  const patience = 8000; // milliseconds after all has loaded
  const confess = () => {
    if (root.dataset.ready) return;
    for (const note of document.querySelectorAll('[data-unready]')) note.hidden = false;
  };

  for (const mode of read()) if (modes.includes(mode)) root.classList.add(mode);
  document.addEventListener('DOMContentLoaded', paint);
  addEventListener('load', () => setTimeout(confess, 'noModule' in HTMLScriptElement.prototype ? patience : 0));
  document.addEventListener('click', (event) => {
    const button = event.target.closest ? event.target.closest('button[data-mode]') : null;
    if (!button || !modes.includes(button.dataset.mode)) return;
    root.classList.toggle(button.dataset.mode);
    keep();
    paint();
  });
})();

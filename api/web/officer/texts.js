/** The page's sentences in four languages, from JSON files beside it. */

export const LANGUAGES = [['zh-Hans', '简体中文'], ['zh-Hant', '繁體中文'], ['en', 'English'], ['pt', 'Português']];

let words = {};

/** preferred is the language that was chosen here, asked for in the URL, or liked best by the browser. */
export function preferred(chosen, search, likes) {
  const known = LANGUAGES.map(([id]) => id);
  const asked = new URLSearchParams(search).get('lang');
  for (const tag of [asked, chosen, ...likes]) {
    if (!tag) continue;
    if (known.includes(tag)) return tag;
    const [language, ...rest] = tag.split('-');
    if (language === 'zh') return rest.some((part) => ['Hant', 'HK', 'MO', 'TW'].includes(part)) ? 'zh-Hant' : 'zh-Hans';
    if (known.includes(language)) return language;
  }
  return 'en';
}

export async function load(language) {
  const response = await fetch('/officer/texts.' + language + '.json');
  words = await response.json();
}

/** t gives a sentence with its {places} filled in. A key that is not there shows as itself, so that it is noticed. */
export function t(key, places = {}) {
  const sentence = Object.hasOwn(words, key) ? words[key] : key;
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => (Object.hasOwn(places, name) ? String(places[name]) : whole));
}

/** named is the word for an id of a closed list, or the id itself: it is shown as text. */
export const named = (prefix, id) => (Object.hasOwn(words, prefix + id) ? words[prefix + id] : id);

export function fill(root) {
  for (const element of root.querySelectorAll('[data-t]')) element.textContent = t(element.dataset.t);
}

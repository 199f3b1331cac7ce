// @ts-check
/** The elements of a page, and the language that it is in. */

import { fill, languageOf } from './language.js';

/** @typedef {import('./language.js').Language} Language */
/** @typedef {import('./language.js').Values} Values */

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function element(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`#${id} is missing`);
  return found;
}

/** @param {string} id */
export const input = (id) => element(id, HTMLInputElement);
/** @param {string} id */
export const button = (id) => element(id, HTMLButtonElement);
/** @param {string} id */
export const any = (id) => element(id, HTMLElement);

/**
 * Writes a text only where it changes, so that a screen reader does not say it again.
 *
 * @param {HTMLElement} target
 * @param {string} value
 */
export function write(target, value) {
  if (target.textContent !== value) target.textContent = value;
}

/** What a page says, in one language at a time. `#language` switches it, and the address keeps it over a reload. */
export class Translation {
  /** @type {Language} */
  language;
  #texts;
  #changed;

  /**
   * @param {import('./language.js').Texts} texts
   * @param {() => void} changed writes what depends on the state of the page
   */
  constructor(texts, changed) {
    this.#texts = texts;
    this.#changed = changed;
    this.language = languageOf(new URLSearchParams(location.search).get('lang'), navigator.languages);
  }

  /**
   * One text with its values.
   *
   * @param {string} name
   * @param {Values} [values]
   */
  text = (name, values) => fill(this.#texts[this.language][name] ?? name, values);

  start() {
    button('language').addEventListener('click', () => this.#switch());
    this.#write();
  }

  #switch() {
    this.language = this.language === 'en' ? 'zh-TW' : 'en';
    const address = new URL(location.href);
    address.searchParams.set('lang', this.language);
    history.replaceState(null, '', address);
    this.#write();
  }

  #write() {
    document.documentElement.lang = this.language;
    document.title = this.text('page.title');
    for (const target of document.querySelectorAll('[data-text]')) {
      if (target instanceof HTMLElement && target.dataset.text) {
        write(target, this.text(target.dataset.text, { origin: location.origin }));
      }
    }
    const other = button('language');
    write(other, this.text('page.other-language'));
    other.lang = this.language === 'en' ? 'zh-TW' : 'en';
    other.setAttribute('aria-label', this.text('page.other-language-label'));
    this.#changed();
  }
}

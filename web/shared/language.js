// @ts-check
/** The languages of the pages, and the texts in them. */

/** @typedef {'en' | 'zh-TW'} Language */
/** @typedef {Record<string, string | number>} Values */
/** @typedef {Record<Language, Record<string, string>>} Texts the same names in both */

/**
 * The language of a page: that of its address, else the first of the reader's that is supported, else English.
 *
 * @param {string | null} wanted the parameter `lang`
 * @param {readonly string[]} readers `navigator.languages`
 * @returns {Language}
 */
export function languageOf(wanted, readers) {
  for (const tag of [wanted ?? '', ...readers]) {
    const primary = tag.toLowerCase().split('-')[0];
    if (primary === 'zh') return 'zh-TW';
    if (primary === 'en') return 'en';
  }
  return 'en';
}

/**
 * Puts values in the place of their names; a name without a value stays.
 *
 * @param {string} text
 * @param {Values} [values]
 */
export const fill = (text, values = {}) =>
  text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));

// @ts-check
/** The elements of the page. */

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

// @ts-check
/** One sentence about a token: who joins which room, as what, with which rights, until when. */

import { textOf } from './texts.js';

/** @typedef {import('./texts.js').Language} Language */

/** The App ID that `cargo dev` gives to a throw-away key; no customer of 8x8 has it. */
const NOBODY = /^vpaas-magic-cookie-0{32}$/;

/**
 * Whether a throw-away key signed, which 8x8 does not know.
 *
 * @param {Record<string, any>} payload
 */
export function isThrowAway({ sub }) {
  return typeof sub === 'string' && NOBODY.test(sub);
}

/**
 * @param {Language} language
 * @param {Record<string, any>} payload
 * @param {number} nowSeconds seconds since 1970
 */
export function sentenceOf(language, { context, room, exp }, nowSeconds) {
  const user = context?.user ?? {};
  const holds = (/** @type {unknown} */ value) => value === true || value === 'true';
  const rights = Object.entries(context?.features ?? {})
    .filter(([, value]) => holds(value))
    // One that has no words here is in the payload below.
    .map(([key]) => [`feature.${key}`, textOf(language, `feature.${key}`)])
    .filter(([name, words]) => name !== words)
    .map(([, words]) => words);
  const may = rights.length === 0 ? '' : textOf(language, 'sentence.may', { rights: listOf(language, rights) });
  return textOf(language, holds(user.moderator) ? 'sentence.moderator' : 'sentence.member', {
    name: typeof user.name === 'string' && user.name !== '' ? user.name : textOf(language, 'sentence.somebody'),
    room: decoded(room),
    may,
    time: timeOf(language, exp, nowSeconds),
  });
}

/**
 * @param {Language} language
 * @param {string[]} words
 */
function listOf(language, words) {
  return new Intl.ListFormat(language, { type: 'conjunction' }).format(words);
}

/** @param {unknown} room */
function decoded(room) {
  try {
    return decodeURIComponent(String(room));
  } catch {
    return String(room);
  }
}

/**
 * The time of the day, and the day where it is another than today.
 *
 * @param {Language} language
 * @param {unknown} seconds
 * @param {number} nowSeconds
 */
function timeOf(language, seconds, nowSeconds) {
  const date = new Date(Number(seconds) * 1000);
  if (Number.isNaN(date.getTime())) return String(seconds);
  const today = date.toDateString() === new Date(nowSeconds * 1000).toDateString();
  /** @type {Intl.DateTimeFormatOptions} */
  const time = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' };
  /** @type {Intl.DateTimeFormatOptions} */
  const day = { year: 'numeric', month: 'short', day: 'numeric' };
  return new Intl.DateTimeFormat(language, today ? time : { ...day, ...time }).format(date);
}

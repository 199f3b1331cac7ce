// @ts-check
/** The picture: a bar for each day with all users until then, the limits as lines, the forecast dotted. */

import { forecast, lengthOf, totals } from './count.js';

/** @typedef {import('./count.js').Usage} Usage */

const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 640;
const HEIGHT = 320;
const LEFT = 44;
const RIGHT = 12;
const TOP = 16;
const BOTTOM = 30;

/**
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 * @param {string} [text]
 */
function shape(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  if (text !== undefined) made.textContent = text;
  return made;
}

/**
 * The number at the top of the axis: round, and not below any that is drawn.
 *
 * @param {number} most
 */
export function roundUp(most) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, most)));
  return [1, 2, 5, 10].map((step) => step * power).find((top) => top >= most) ?? most;
}

/**
 * @param {Element} target the `svg`
 * @param {Usage} usage
 */
export function draw(target, usage) {
  const length = lengthOf(usage);
  const expected = forecast(usage).total;
  const top = roundUp(Math.max(usage.count, expected, usage.limit ?? 0, 5));
  const step = (WIDTH - LEFT - RIGHT) / length;
  const x = (/** @type {number} */ day) => LEFT + day * step;
  const y = (/** @type {number} */ users) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - users / top);
  const shapes = [];
  const line = (/** @type {string} */ kind, /** @type {number} */ users) =>
    shapes.push(shape('line', { class: kind, x1: LEFT, x2: WIDTH - RIGHT, y1: y(users), y2: y(users) }));

  for (const [day, { date, known, guests }] of totals(usage).entries()) {
    const bar = { x: x(day) + step * 0.12, width: step * 0.76 };
    shapes.push(
      shape('rect', { class: 'known', ...bar, y: y(known), height: y(0) - y(known), 'data-date': date }),
      shape('rect', { class: 'guests', ...bar, y: y(known + guests), height: y(known) - y(known + guests) }),
    );
  }
  const today = usage.days.length;
  shapes.push(
    shape('path', { class: 'forecast', d: `M${x(today - 0.5)} ${y(usage.count)}L${x(length)} ${y(expected)}` }),
  );
  if (usage.limit !== null) {
    if (usage.reserve) line('reserve', usage.limit - usage.reserve);
    line('limit', usage.limit);
  }
  for (const users of [0, top / 2, top]) {
    const label = String(Math.round(users));
    shapes.push(shape('text', { x: LEFT - 8, y: y(users) + 4, 'text-anchor': 'end' }, label));
  }
  line('axis', 0);
  // The first day, the present one and the last.
  const start = Date.parse(`${usage.period.start}T00:00:00Z`);
  for (const day of new Set([0, today - 1, length - 1])) {
    // Two labels would lie on each other.
    if (day !== today - 1 && Math.abs(day - today + 1) < 4) continue;
    const date = new Date(start + day * 86_400_000).toISOString().slice(5, 10);
    shapes.push(shape('text', { x: x(day + 0.5), y: HEIGHT - 8, 'text-anchor': 'middle' }, date));
  }
  target.replaceChildren(...shapes);
}

// @ts-check
/** What the numbers of the service say: totals by day, the forecast, and where the limit stands. */

/** @typedef {{ date: string, guests: number, known: number }} Day */
/**
 * @typedef {object} Usage the body of `GET /api/usage`
 * @property {'webhook' | 'issued'} source
 * @property {{ start: string, end: string }} period
 * @property {number | null} limit
 * @property {number | null} reserve
 * @property {number} count
 * @property {number} guests
 * @property {number} known
 * @property {Day[]} days
 */

const DAY_MS = 86_400_000;
/** How many days the pace is taken from. */
const PACE_DAYS = 7;

/**
 * Whether a value is what the service sends.
 *
 * @param {any} value
 * @returns {value is Usage}
 */
export function isUsage(value) {
  const isCount = (/** @type {unknown} */ it) => Number.isInteger(it) && Number(it) >= 0;
  const isDate = (/** @type {unknown} */ it) => typeof it === 'string' && /^\d{4}-\d\d-\d\d$/.test(it);
  return (
    value !== null &&
    typeof value === 'object' &&
    (value.source === 'webhook' || value.source === 'issued') &&
    isDate(value.period?.start) &&
    isDate(value.period?.end) &&
    [value.count, value.guests, value.known].every(isCount) &&
    [value.limit, value.reserve].every((it) => it === null || isCount(it)) &&
    Array.isArray(value.days) &&
    value.days.length >= 1 &&
    value.days.length <= 31 &&
    value.days.every((/** @type {any} */ day) => isDate(day?.date) && isCount(day.guests) && isCount(day.known))
  );
}

/** @param {string} date `2026-11-08` */
const time = (date) => Date.parse(`${date}T00:00:00Z`);

/**
 * How many days the period has.
 *
 * @param {Usage} usage
 */
export const lengthOf = ({ period }) => Math.round((time(period.end) - time(period.start)) / DAY_MS);

/**
 * The users until each day.
 *
 * @param {Usage} usage
 */
export function totals({ days }) {
  let known = 0;
  let guests = 0;
  return days.map((day) => {
    known += day.known;
    guests += day.guests;
    return { date: day.date, known, guests };
  });
}

/**
 * The number at the end of the period if the last days go on, and the date on which the limit is reached then.
 *
 * @param {Usage} usage
 * @returns {{ total: number, reached: string | null }}
 */
export function forecast(usage) {
  const last = usage.days.slice(-PACE_DAYS);
  const pace = last.reduce((sum, day) => sum + day.guests + day.known, 0) / last.length;
  const left = Math.max(0, lengthOf(usage) - usage.days.length);
  const total = Math.round(usage.count + pace * left);
  if (usage.limit === null || usage.count >= usage.limit || pace === 0) return { total, reached: null };
  const days = Math.ceil((usage.limit - usage.count) / pace);
  if (days > left) return { total, reached: null };
  const today = time(/** @type {Day} */ (usage.days.at(-1)).date);
  return { total, reached: new Date(today + days * DAY_MS).toISOString().slice(0, 10) };
}

/**
 * Where the limit stands.
 *
 * @param {Usage} usage
 * @returns {'shown' | 'limited' | 'reserved' | 'full'}
 */
export function standing({ limit, reserve, count }) {
  if (limit === null) return 'shown';
  if (count >= limit) return 'full';
  return count >= limit - (reserve ?? 0) ? 'reserved' : 'limited';
}

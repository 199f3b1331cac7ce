// @ts-check
/**
 * The page: reads `GET /api/usage` and draws it.
 *
 * What tests may rely on:
 * - Parameters of the address: `server`, `lang` (`en`, `zh-TW`). There is none for the token, which would stay in the
 *   history.
 * - `#app[data-state]`: idle, loading, shown, limited, reserved, full, invalid-server, unauthorised, off, refused,
 *   unavailable, misconfigured, unreachable, failed.
 * - `#chart > rect[data-date]`, one for each day; `#chart > .limit`, `.reserve`, `.forecast`; `#rows > tr`.
 *
 * Texts from outside go into the page as text alone, never as markup.
 */

import { Translation, any, button, element, input, write } from '../shared/page.js';
import { draw } from './chart.js';
import { forecast, isUsage, standing, totals } from './count.js';
import { TEXTS } from './texts.js';

const SERVER = 'http://127.0.0.1:3000';
const TIMEOUT_MS = 10_000;

/** @type {Record<number, string>} */
const STATES = { 401: 'unauthorised', 403: 'refused', 404: 'off', 500: 'misconfigured', 503: 'unavailable' };

const parameters = new URLSearchParams(location.search);
const translation = new Translation(TEXTS, show);
const { text } = translation;
/** @type {Record<string, string | number>} */
let said = {};
/** @type {import('./count.js').Usage | undefined} */
let usage;

const app = any('app');

/** @param {string} date */
const dateText = (date) =>
  new Intl.DateTimeFormat(translation.language, { dateStyle: 'long', timeZone: 'UTC' }).format(new Date(`${date}T00:00:00Z`));

/**
 * @param {string} state
 * @param {Record<string, string | number>} [values]
 */
function setState(state, values = {}) {
  app.dataset.state = state;
  said = values;
  if (state !== 'loading') button('read').removeAttribute('aria-disabled');
  else button('read').setAttribute('aria-disabled', 'true');
  input('server').setAttribute('aria-invalid', String(state === 'invalid-server'));
  show();
}

/** What the numbers are for the sentences of the state. */
function numbers() {
  if (!usage) return {};
  const { count, guests, known, limit, reserve, period } = usage;
  const open = (limit ?? 0) - (reserve ?? 0);
  const [start, end] = [dateText(period.start), dateText(period.end)];
  return { count, guests, known, limit: limit ?? '', open, start, end };
}

function show() {
  const state = app.dataset.state ?? 'idle';
  const values = { origin: location.origin, ...numbers(), ...said };
  for (const part of ['title', 'text']) write(any(`status-${part}`), text(`state.${state}.${part}`, values));
  const isWarning = state === 'full' || state === 'reserved';
  const isQuiet = state === 'idle' || state === 'loading';
  any('status').dataset.tone = isQuiet ? 'quiet' : usage && !isWarning ? 'good' : 'bad';
  write(any('server-message'), String(said.message ?? ''));
  any('message-line').hidden = !said.message;
  any('result').hidden = !usage;
  write(any('forecast'), forecastText());
  if (usage) showResult(usage);
}

function forecastText() {
  if (!usage) return text('forecast.none');
  const { total, reached } = forecast(usage);
  return reached ? text('forecast.reached', { total, date: dateText(reached) }) : text('forecast.fits', { total });
}

/** @param {import('./count.js').Usage} usage */
function showResult(usage) {
  write(any('source'), text(`source.${usage.source}`));
  write(any('chart-label'), text('chart.label'));
  const chart = document.getElementById('chart');
  if (chart) draw(chart, usage);
  any('legend-limit').hidden = usage.limit === null;
  any('legend-reserve').hidden = !usage.reserve;
  const all = totals(usage);
  const rows = usage.days.map((day, i) => {
    const row = document.createElement('tr');
    const sum = all[i];
    const cells = [dateText(day.date), day.known, day.guests, sum ? sum.known + sum.guests : ''];
    for (const cell of cells) row.insertCell().textContent = String(cell);
    return row;
  });
  any('rows').replaceChildren(...rows);
}

/** The origin of the service; `undefined` where it is none. */
function serverOf() {
  const { value } = input('server');
  if (!URL.canParse(value)) return undefined;
  const url = new URL(value);
  const isOrigin = ['http:', 'https:'].includes(url.protocol) && url.pathname === '/' && !url.search && !url.hash;
  // Chromium encodes a space in a host instead of refusing it.
  if (url.hostname.includes('%')) return undefined;
  return isOrigin && !url.username && !url.password ? url.origin : undefined;
}

async function read() {
  if (app.dataset.state === 'loading') return;
  usage = undefined;
  const server = serverOf();
  if (!server) {
    setState('invalid-server');
    input('server').focus();
    return;
  }
  setState('loading', { server });
  try {
    const response = await fetch(`${server}/api/usage`, {
      headers: { Authorization: `Bearer ${input('operator').value.trim()}` },
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const body = await response.json().catch(() => null);
    if (response.ok && isUsage(body)) {
      usage = body;
      setState(standing(body));
    } else {
      const message = typeof body?.error === 'string' ? body.error : '';
      setState((!response.ok && STATES[response.status]) || 'failed', { server, message, status: response.status });
    }
  } catch {
    // A header's value that is no text of HTTP fails here as well; the service would not accept it either.
    setState('unreachable', { server });
  }
}

input('server').value = parameters.get('server') ?? SERVER;
element('form', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault();
  void read();
});
translation.start();

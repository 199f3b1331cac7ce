// @ts-check
/**
 * The page: form, request, verdicts, countdown.
 *
 * What tests may rely on:
 * - Parameters of the address fill in the form, and send nothing: `server`, `room`, `name`, `email`, `moderator`
 *   (`true`), `lang` (`en`, `zh-TW`). There is none for the credential, which would stay in the history. An invitation
 *   comes in the fragment, `#invitation=…`, and is taken out of the address.
 * - `#app[data-state]`: idle, loading, token, expired, refused, unreachable, timeout, bad-request, unauthorised, forbidden,
 *   misconfigured, wrong-path, failed, invalid-server; `data-http-status` where there was a response.
 * - `#checks > li[data-check][data-verdict]` with pass, fail or skip, and likewise `#prosody-checks`; `#summary[data-passed]
 *   [data-total]`; `#countdown[data-seconds]`; `#header-json`, `#payload-json`; `#token`; `#server-message`.
 *
 * Texts from outside go into the page as text alone, never as markup.
 */

import { JitsiTokenError, JitsiTokenService, decodeToken } from '../jaas-token.js';
import { CLIENT_CHECKS, PROSODY_CHECKS, check } from './checks.js';
import { inviteState, showInvite, startInvitations, takeInvitation } from './invite.js';
import { isOpen, join, leave, meetingState, showMeeting } from './meeting.js';
import { isThrowAway, sentenceOf } from './sentence.js';
import { TEXTS } from './texts.js';
import { Translation, any, button, element, input, write } from '../shared/page.js';

/** @typedef {{ monotonic: number, wall: number }} Instant milliseconds */
/** @typedef {{ token: string, header: Record<string, any>, payload: Record<string, any>, room: string, lifetime: number, since: Instant, clock: number }} Received */

const SERVER = 'http://127.0.0.1:3000';
const ROOM = 'my-room';
const TIMEOUT_SECONDS = 10;
const PROBE_MS = 5_000;
/** A difference of clocks that is worth a line, in seconds. */
const CLOCK_SECONDS = 5;

const parameters = new URLSearchParams(location.search);
const translation = new Translation(TEXTS, showAll);
const { text } = translation;
/** The values of the sentences that are shown, to write them again in the other language. */
/** @type {Record<string, string>} */
let said = {};
/** @type {Received | undefined} */
let received;
/** Whether every check was good when it was last looked at. */
let allGood = false;

const app = any('app');

/** Writes again what the state of the page says. */
function showAll() {
  write(any('copy-text'), '');
  showState();
  showMeeting(meetingState(), text);
  showInvite(inviteState(), text);
  tick();
}

/**
 * @param {string} state
 * @param {Record<string, string>} [values]
 */
function setState(state, values = {}) {
  app.dataset.state = state;
  said = values;
  if (values.status) app.dataset.httpStatus = values.status;
  else delete app.dataset.httpStatus;
  button('get-token').setAttribute('aria-disabled', String(state === 'loading'));
  input('server').setAttribute('aria-invalid', String(state === 'invalid-server'));
  showState();
}

function showState() {
  const state = app.dataset.state ?? 'idle';
  // A token that Jitsi would reject is no good news.
  const kind = state === 'token' ? kindOfToken() : state;
  const sentence = received ? sentenceOf(translation.language, received.payload, received.since.wall / 1000) : '';
  for (const part of ['title', 'text', 'advice']) {
    write(any(`status-${part}`), text(`state.${kind}.${part}`, { ...said, sentence }));
  }
  const quiet = state === 'idle' || state === 'loading';
  any('status').dataset.tone = quiet ? 'quiet' : kind === 'token' ? 'good' : 'bad';
  const email = input('email').value.trim();
  const note = any('email-note');
  note.hidden = state !== 'token' || email === '' || received?.payload.context?.user?.email === email;
  write(note, note.hidden ? '' : text('note.email'));
  write(any('server-message'), said.message ?? '');
  any('message-line').hidden = !said.message;
  const there = state === 'token' || state === 'expired';
  any('result').hidden = !there;
  // A meeting that goes on is not taken off the page by the end of its token, nor by the next request.
  any('meeting').hidden = state !== 'token' && !isOpen();
}

/** What to say first about the token. */
function kindOfToken() {
  if (received && isThrowAway(received.payload)) return 'throw-away';
  return said.passed === said.total ? 'token' : 'doubtful';
}

/** Brings what came of the button into view: it is below the form. */
function showOutcome() {
  any('status').scrollIntoView({ block: 'start' });
}

/** @returns {Instant} */
const now = () => ({ monotonic: performance.now(), wall: Date.now() });

/** @param {SubmitEvent} event */
async function getToken(event) {
  event.preventDefault();
  if (app.dataset.state === 'loading') return;
  const server = withScheme(input('server').value.trim());
  input('server').value = server;
  const values = { server, origin: location.origin, seconds: String(TIMEOUT_SECONDS) };
  const service = serviceAt(server);
  if (!service) {
    setState('invalid-server', values);
    input('server').focus();
    return;
  }
  forget();
  setState('loading', values);
  showOutcome();
  const room = input('room').value;
  const since = now();
  try {
    const token = await service.getToken({
      room,
      userName: input('name').value,
      userEmail: input('email').value,
      isModerator: input('moderator').checked,
      invitation: input('invitation').value.trim(),
      method: element('method', HTMLSelectElement).value === 'GET' ? 'GET' : 'POST',
      authorization: input('credential').value.trim() === '' ? undefined : () => input('credential').value,
      timeoutMs: TIMEOUT_SECONDS * 1000,
    });
    const { header, payload } = decodeToken(token);
    received = {
      token,
      header,
      payload,
      room,
      since,
      lifetime: payload.exp - payload.iat,
      clock: clockError(payload.iat, since),
    };
    showToken(received);
  } catch (error) {
    const [state, more] = await failure(error, server);
    setState(state, { ...values, ...more });
  }
  showOutcome();
}

/**
 * An address as people type it: one of this machine is plain http, any other https.
 *
 * @param {string} typed
 */
function withScheme(typed) {
  if (typed === '' || typed.includes('://') || typed.startsWith('/')) return typed;
  const local = /^(?:localhost|127(?:\.\d+){3}|\[::1\])(?::|\/|$)/i.test(typed);
  return `${local ? 'http' : 'https'}://${typed}`;
}

/** @param {string} server */
function serviceAt(server) {
  try {
    // Anything else may be a path of this page's own origin, which serves files.
    return /^https?:/i.test(server) ? new JitsiTokenService({ server }) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * @param {unknown} error
 * @param {string} server
 * @returns {Promise<[string, Record<string, string>]>}
 */
async function failure(error, server) {
  if (!(error instanceof JitsiTokenError)) return ['failed', { status: '–', message: String(error) }];
  const values = { status: error.status ? String(error.status) : '', message: error.serverMessage ?? '' };
  if (error.code === 'timeout') return ['timeout', {}];
  if (error.code === 'network') return [(await responds(server)) ? 'refused' : 'unreachable', {}];
  const { status = 0 } = error;
  if (error.code !== 'http') return ['failed', values];
  if (status === 404) return ['wrong-path', values];
  if ([400, 413, 415].includes(status)) return ['bad-request', values];
  if (status === 401) return ['unauthorised', values];
  if (status === 403) return ['forbidden', values];
  if (status === 500 || status === 503) return ['misconfigured', values];
  return ['failed', values];
}

/**
 * Whether anything responds there. A browser tells a page no difference between a response that it may not read and none
 * at all; a request without CORS, of which nothing can be read, fails only where there is none.
 *
 * @param {string} server
 */
async function responds(server) {
  try {
    await fetch(new URL('/healthz', server), {
      mode: 'no-cors',
      credentials: 'omit',
      cache: 'no-store',
      signal: AbortSignal.timeout(PROBE_MS),
    });
    return true;
  } catch {
    return false;
  }
}

/**
 * How many seconds this device's clock is ahead of the service's; negative: behind; 0: the time of the request cannot
 * tell. `iat` is the second in which the service made the token, some time between request and response.
 *
 * @param {unknown} iat
 * @param {Instant} since
 */
function clockError(iat, since) {
  if (typeof iat !== 'number') return 0;
  const ahead = since.wall / 1000 - (iat + 1);
  const behind = iat - Date.now() / 1000;
  return ahead > 0 ? ahead : behind > 0 ? -behind : 0;
}

/** @param {Received} token */
function showToken(token) {
  write(any('header-json'), JSON.stringify(token.header, null, 2));
  write(any('payload-json'), JSON.stringify(token.payload, null, 2));
  element('token', HTMLTextAreaElement).value = token.token;
  showMeeting(isOpen() ? meetingState() : isThrowAway(token.payload) ? 'throw-away' : 'idle', text);
  const passed = showChecks(token);
  element('checks-details', HTMLDetailsElement).open = !allGood;
  setState('token', { passed: String(passed), total: String(CLIENT_CHECKS.length), status: '200' });
  tick();
}

/** Takes the last token out of the page. */
function forget() {
  received = undefined;
  element('token', HTMLTextAreaElement).value = '';
  element('token-details', HTMLDetailsElement).open = false;
  for (const id of ['header-json', 'payload-json', 'copy-text']) write(any(id), '');
}

/**
 * Writes the verdicts of this second; returns how many of the web client's are good.
 *
 * @param {Received} token
 */
function showChecks({ token, room, clock }) {
  const findings = check(token, Date.now() / 1000, room);
  let passed = 0;
  let good = true;
  for (const [list, ids] of /** @type {const} */ ([
    ['checks', CLIENT_CHECKS],
    ['prosody-checks', PROSODY_CHECKS],
  ])) {
    for (const id of ids) {
      const { verdict, values } = findings.get(id) ?? { verdict: 'skip', values: {} };
      if (list === 'checks' && verdict === 'pass') passed += 1;
      good &&= verdict === 'pass';
      const [mark, name, sentence] = row(list, id, verdict);
      write(mark, text(`verdict.${verdict}`));
      write(name, text(`check.${id}.name`));
      const time = values.time === undefined ? undefined : dated(values.time);
      const key = verdict === 'skip' ? 'verdict.skip-text' : `check.${id}.${verdict}`;
      write(sentence, text(key, time === undefined ? values : { ...values, time }));
    }
  }
  const summary = any('summary');
  const total = CLIENT_CHECKS.length;
  summary.dataset.passed = String(passed);
  summary.dataset.total = String(total);
  write(summary, text(good ? 'checks.all' : 'checks.some', { passed: String(passed), total: String(total) }));
  // What goes wrong later is shown; what the reader has folded stays so otherwise.
  if (allGood && !good) element('checks-details', HTMLDetailsElement).open = true;
  allGood = good;

  const note = any('clock-note');
  note.hidden = Math.abs(clock) < CLOCK_SECONDS;
  const seconds = String(Math.round(Math.abs(clock)));
  write(note, note.hidden ? '' : text(clock > 0 ? 'clock.ahead' : 'clock.behind', { seconds }));
  return passed;
}

/**
 * The three texts of a check's line, which is made when it is first wanted.
 *
 * @param {string} list
 * @param {string} id
 * @param {string} verdict
 * @returns {HTMLElement[]}
 */
function row(list, id, verdict) {
  let line = any(list).querySelector(`[data-check="${id}"]`);
  if (!(line instanceof HTMLElement)) {
    const made = document.createElement('li');
    made.dataset.check = id;
    for (const part of ['mark', 'name', 'sentence']) {
      const span = document.createElement('span');
      span.className = part;
      made.append(span, ' ');
    }
    any(list).append(made);
    line = made;
  }
  if (line instanceof HTMLElement) line.dataset.verdict = verdict;
  return [...line.querySelectorAll('span')];
}

/** @param {string} seconds */
function dated(seconds) {
  const date = new Date(Number(seconds) * 1000);
  if (Number.isNaN(date.getTime())) return seconds;
  return new Intl.DateTimeFormat(translation.language, { dateStyle: 'medium', timeStyle: 'medium' }).format(date);
}

/**
 * The countdown goes by the service's times and by the time since the request, not by what this device's clock says.
 */
function tick() {
  if (!received) return;
  const { lifetime, since } = received;
  const { monotonic, wall } = now();
  const gone = Math.max(monotonic - since.monotonic, wall - since.wall) / 1000;
  const left = Math.max(0, Math.floor(lifetime - gone)) || 0;
  const countdown = any('countdown');
  countdown.dataset.seconds = String(left);
  write(countdown, left > 0 ? clockTime(left) : text('countdown.over'));
  const passed = String(showChecks(received));
  if (app.dataset.state === 'token' && passed !== said.passed) setState('token', { ...said, passed });
  if (left === 0 && app.dataset.state === 'token') setState('expired');
}

/** @param {number} seconds */
function clockTime(seconds) {
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}

async function copy() {
  const field = element('token', HTMLTextAreaElement);
  try {
    await navigator.clipboard.writeText(field.value);
    write(any('copy-text'), text('secret.copied'));
  } catch {
    field.focus();
    field.select();
    write(any('copy-text'), text('secret.selected'));
  }
}

function start() {
  input('server').value = parameters.get('server') ?? SERVER;
  input('room').value = parameters.get('room') ?? ROOM;
  input('name').value = parameters.get('name') ?? '';
  input('email').value = parameters.get('email') ?? '';
  input('moderator').checked = parameters.get('moderator') === 'true';
  element('form', HTMLFormElement).addEventListener('submit', getToken);
  button('copy').addEventListener('click', copy);
  button('join').addEventListener('click', () => {
    if (received) join(received.token, translation.language, text, showState);
  });
  button('leave').addEventListener('click', () => leave(text, showState));
  takeInvitation();
  startInvitations(() => withScheme(input('server').value.trim()), text);
  setInterval(tick, 1000);
  translation.start();
}

start();

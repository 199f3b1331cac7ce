// @ts-check
/**
 * Gets tokens for Jitsi as a Service from the token service, for pages in a browser. Has no dependencies.
 *
 * Options and results are those of the snippet that pages carried for the Worker, so that old calls stay as they are.
 * jaas-token.d.ts declares the same for TypeScript, with the meaning of every option.
 *
 * @module
 */

/** @typedef {import('./jaas-token.js').TokenOptions} TokenOptions */
/** @typedef {import('./jaas-token.js').ErrorCode} ErrorCode */
/** @typedef {{ endpoint: string, method: 'GET' | 'POST', parameters: Record<string, unknown> }} Question */
/** @typedef {{ monotonic: number, wall: number }} Instant one moment on two clocks, in milliseconds */
/** @typedef {{ token: string, lifetime: number, since: Instant }} Answer `lifetime` in seconds, 0 where unknown */

const PATH = '/api/jitsi-token';
const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_MARGIN_SECONDS = 60;

/** `setTimeout` takes a longer one, such as `Infinity`, for none at all. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** How many tokens are kept at most: a bound for pages where every call has another credential. */
const MOST_KEPT = 32;

/** Why there is no token. */
export class JitsiTokenError extends Error {
  /**
   * @param {ErrorCode} code
   * @param {string} message
   * @param {{ status?: number, serverMessage?: string, cause?: unknown }} [details]
   */
  constructor(code, message, { status, serverMessage, cause } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'JitsiTokenError';
    /** @type {ErrorCode} */
    this.code = code;
    /** @type {number | undefined} */
    this.status = status;
    /** @type {string | undefined} */
    this.serverMessage = serverMessage;
  }
}

/** Gets tokens, and keeps them in memory while they are good. */
export class JitsiTokenService {
  /** @type {TokenOptions} */
  #defaults;
  /** @type {Map<string, Answer>} */
  #kept = new Map();
  /** @type {Map<string, SharedRequest>} */
  #pending = new Map();
  /** One person for as long as the page is open, where the old snippet made one for each call. */
  #guest = `user_${randomHex()}`;

  /** @param {TokenOptions} [defaults] */
  constructor(defaults = {}) {
    this.#defaults = given(defaults);
    // A mistake shows here, and not when somebody joins a meeting.
    if (this.#defaults.server !== undefined) endpointOf(this.#defaults.server);
    methodOf(this.#defaults.method);
  }

  /**
   * The old snippet's call. Does without `this`, because a page may have taken the function out of the object.
   *
   * @param {TokenOptions} [options]
   * @returns {Promise<string>}
   */
  static async getToken(options) {
    return sharedService().getToken(options);
  }

  /**
   * @param {TokenOptions} [options]
   * @returns {Promise<string>}
   */
  async getToken(options = {}) {
    const all = { ...this.#defaults, ...given(options) };
    const { signal, timeoutMs = DEFAULT_TIMEOUT_MS } = all;
    signal?.throwIfAborted();
    const question = questionOf({ ...all, userId: text(all.userId) ?? this.#guest });
    return limited(signal, timeoutMs, question.endpoint, (waiter) => this.#answer(all, question, waiter));
  }

  /** Forgets every token, as when somebody logs out. */
  clear() {
    this.#kept = new Map();
    this.#pending = new Map();
  }

  /**
   * @param {TokenOptions} options
   * @param {Question} question
   * @param {AbortSignal} waiter aborted when this caller waits no longer
   */
  async #answer(options, question, waiter) {
    const { authorization, fresh = false, refreshMarginSeconds = DEFAULT_MARGIN_SECONDS } = options;
    const fetchFunction = options.fetch ?? globalThis.fetch;
    // Where nobody names the person, the credential does.
    const named = typeof options.identity === 'function' ? options.identity() : options.identity;
    const identity = named ?? undefined;
    const credential = identity === undefined ? await headerFrom(authorization) : undefined;
    waiter.throwIfAborted();
    const send = identity === undefined ? () => credential : () => headerFrom(authorization);

    const { endpoint, method, parameters } = question;
    const key = JSON.stringify([endpoint, method, parameters, identity ?? null, credential ?? null]);
    const kept = this.#kept.get(key);
    if (kept && !fresh && isGood(kept, refreshMarginSeconds)) return kept.token;

    let request = this.#pending.get(key);
    if (!request) {
      request = new SharedRequest((signal) => ask(question, send, fetchFunction, signal));
      this.#share(key, request);
    }
    return (await request.join(waiter)).token;
  }

  /**
   * @param {string} key
   * @param {SharedRequest} request
   */
  #share(key, request) {
    // `clear` puts other maps in their place: a late answer then goes where nobody looks.
    const [kept, pending] = [this.#kept, this.#pending];
    pending.set(key, request);
    const end = () => {
      if (pending.get(key) === request) pending.delete(key);
    };
    request.whenDeserted = end;
    request.answer.then((answer) => {
      end();
      keep(kept, key, answer);
    }, end);
  }
}

/**
 * The old snippet's function.
 *
 * @param {TokenOptions} [options]
 * @returns {Promise<string>}
 */
export async function getJitsiToken(options = {}) {
  return sharedService().getToken({ ...options, userId: text(options.userId) ?? 'user123' });
}

/**
 * Reads a token's two JSON parts. Does not verify the signature.
 *
 * @param {string} token
 * @returns {{ header: Record<string, any>, payload: Record<string, any> }}
 */
export function decodeToken(token) {
  const parts = token.split('.');
  if (parts.length !== 3) {
    throw new JitsiTokenError('malformed', 'The token is no JWT: it does not have three parts');
  }
  const [header, payload] = ['header', 'payload'].map((name, place) => {
    try {
      const base64 = parts[place].replaceAll('-', '+').replaceAll('_', '/');
      const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
      const value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
    } catch {
      // The cause could show a piece of the token.
    }
    throw new JitsiTokenError('malformed', `The token's ${name} is not a JSON object in base64url`);
  });
  return { header, payload };
}

/** @type {JitsiTokenService | undefined} */
let shared;

/** The service of all who make none of their own. */
function sharedService() {
  return (shared ??= new JitsiTokenService());
}

/** One request for all who ask the same at the same time. It ends early when none of them waits any longer. */
class SharedRequest {
  #waiters = 0;
  #controller = new AbortController();
  whenDeserted = () => {};

  /** @param {(signal: AbortSignal) => Promise<Answer>} send */
  constructor(send) {
    this.answer = send(this.#controller.signal);
  }

  /**
   * @param {AbortSignal} waiter
   * @returns {Promise<Answer>}
   */
  async join(waiter) {
    const leave = () => {
      this.#waiters -= 1;
      if (this.#waiters > 0) return;
      // First, so that nobody joins what has been given up.
      this.whenDeserted();
      this.#controller.abort();
    };
    this.#waiters += 1;
    waiter.addEventListener('abort', leave, { once: true });
    try {
      return await this.answer;
    } finally {
      waiter.removeEventListener('abort', leave);
    }
  }
}

/**
 * Sends one request.
 *
 * @param {Question} question
 * @param {() => string | undefined | Promise<string | undefined>} credential
 * @param {typeof fetch} fetchFunction
 * @param {AbortSignal} signal
 * @returns {Promise<Answer>}
 */
async function ask({ endpoint, method, parameters }, credential, fetchFunction, signal) {
  const authorization = await credential();
  signal.throwIfAborted();
  const headers = new Headers();
  if (authorization !== undefined) headers.set('Authorization', authorization);
  /** @type {RequestInit} */
  const init = { method, headers, signal, credentials: 'omit', cache: 'no-store' };
  let url = endpoint;
  if (method === 'POST') {
    headers.set('Content-Type', 'application/json');
    init.body = JSON.stringify(parameters);
  } else {
    url += `?${queryOf(parameters)}`;
  }

  // Before it is sent: the token is made later than this, so it lives at least as long as is reckoned from here.
  const since = now();
  let response, body;
  try {
    response = await fetchFunction(url, init);
    body = await response.text();
  } catch (cause) {
    signal.throwIfAborted();
    throw new JitsiTokenError(
      'network',
      `No answer from ${endpoint}: the service cannot be reached, or this page's origin is not in its allowed_origins`,
      { cause },
    );
  }
  const { status } = response;
  const json = parsed(body);
  if (!response.ok) {
    const serverMessage = typeof json?.error === 'string' ? json.error : undefined;
    const message = serverMessage ?? `${endpoint} answered with HTTP status ${status}`;
    throw new JitsiTokenError('http', message, { status, serverMessage });
  }
  const token = json?.token;
  if (typeof token !== 'string' || token === '') {
    throw new JitsiTokenError('malformed', `${endpoint} answered without a token`, { status });
  }
  const answer = { token, lifetime: lifetimeOf(token), since };
  if (answer.lifetime < 0 || (answer.lifetime > 0 && secondsLeft(answer) <= 0)) {
    throw new JitsiTokenError('expired', 'The token had expired when it arrived: ask again', { status });
  }
  return answer;
}

/**
 * How long a token is valid after it is made, in seconds; 0 where it does not say, so that it is not kept.
 *
 * Only the service's own times go in, never this machine's clock, which may be wrong by hours.
 *
 * @param {string} token
 */
function lifetimeOf(token) {
  try {
    const { iat, exp } = decodeToken(token).payload;
    // `iat` is rounded down: up to a second of the token's life may have been over when it was made.
    return Number.isSafeInteger(iat) && Number.isSafeInteger(exp) ? exp - iat - 1 : 0;
  } catch {
    return 0;
  }
}

/** @returns {Instant} */
function now() {
  return { monotonic: performance.now(), wall: Date.now() };
}

/**
 * The seconds since then. The monotonic clock is right when somebody sets the other one, and the other one goes on in
 * browsers whose monotonic clock stands still while the machine sleeps: the larger of both errs on the safe side.
 *
 * @param {Instant} since
 */
function secondsSince(since) {
  const { monotonic, wall } = now();
  return Math.max(monotonic - since.monotonic, wall - since.wall) / 1000;
}

/** @param {Answer} answer */
function secondsLeft({ lifetime, since }) {
  return lifetime - secondsSince(since);
}

/**
 * @param {Answer} answer
 * @param {number} margin seconds
 */
function isGood(answer, margin) {
  // A margin longer than the life would make every call a request.
  return secondsLeft(answer) > Math.max(0, Math.min(margin, answer.lifetime / 2));
}

/**
 * @param {Map<string, Answer>} answers
 * @param {string} key
 * @param {Answer} answer
 */
function keep(answers, key, answer) {
  // A Map is in the order in which its keys were set, so what is renewed must be new in it.
  answers.delete(key);
  answers.set(key, answer);
  const [oldest] = answers.keys();
  if (answers.size > MOST_KEPT) answers.delete(oldest);
}

/**
 * Runs something until it is done, the caller gives up, or the time is over.
 *
 * @template T
 * @param {AbortSignal | undefined} signal
 * @param {number} timeoutMs
 * @param {string} endpoint
 * @param {(waiter: AbortSignal) => Promise<T>} run
 * @returns {Promise<T>}
 */
async function limited(signal, timeoutMs, endpoint, run) {
  const waiter = new AbortController();
  const giveUp = () => waiter.abort(signal?.reason);
  const timer = setTimeout(
    () => {
      const message = `No answer from ${endpoint} within ${timeoutMs} milliseconds`;
      waiter.abort(new JitsiTokenError('timeout', message));
    },
    Math.min(timeoutMs, LONGEST_TIMEOUT_MS),
  );
  signal?.addEventListener('abort', giveUp, { once: true });
  /** @type {Promise<never>} */
  const ended = new Promise((_, reject) => {
    waiter.signal.addEventListener('abort', () => reject(waiter.signal.reason), { once: true });
  });
  try {
    return await Promise.race([run(waiter.signal), ended]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', giveUp);
  }
}

/**
 * @param {TokenOptions} options
 * @returns {Question}
 */
function questionOf(options) {
  /** @type {Record<string, unknown>} */
  const parameters = {
    room: text(options.room),
    user_id: text(options.userId),
    user_name: text(options.userName) ?? 'Anonymous User',
    user_email: text(options.userEmail),
    user_avatar: text(options.userAvatar),
    // Always said: what is not said is decided by the service, whose default makes moderators.
    user_moderator: flag(options.isModerator) ?? false,
    user_hidden_from_recorder: flag(options.isHiddenFromRecorder),
    features: options.features,
  };
  return {
    endpoint: endpointOf(options.server),
    method: methodOf(options.method),
    parameters: given(parameters),
  };
}

/** @param {Record<string, unknown>} parameters */
function queryOf(parameters) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    // An empty list asks for no feature, an empty parameter for all of them.
    query.set(name, Array.isArray(value) ? value.join(',') || ',' : String(value));
  }
  return query;
}

/**
 * The address that answers, from the service's with or without its path.
 *
 * @param {string | URL | undefined} server
 */
function endpointOf(server = '') {
  // A host name alone would be a path of this page.
  const ownOrigin = server === '' || String(server).startsWith('/');
  let url;
  try {
    url = ownOrigin ? new URL(server || '/', globalThis.location?.href) : new URL(server);
  } catch (cause) {
    throw new TypeError('server is not a URL: give one like https://tokens.example.org', { cause });
  }
  if (!['http:', 'https:'].includes(url.protocol) || url.username || url.password) {
    throw new TypeError('server must be an http or https URL without user name and password');
  }
  const path = url.pathname.replace(/\/+$/, '');
  return url.origin + (path.endsWith(PATH) ? path : path + PATH);
}

/**
 * @param {string | undefined} method
 * @returns {'GET' | 'POST'}
 */
function methodOf(method = 'POST') {
  if (method !== 'GET' && method !== 'POST') throw new TypeError("method must be 'GET' or 'POST'");
  return method;
}

/**
 * The header's value.
 *
 * @param {TokenOptions['authorization']} authorization
 */
async function headerFrom(authorization) {
  const value = text(await authorization?.())?.trim();
  if (!value) return undefined;
  return value.includes(' ') ? value : `Bearer ${value}`;
}

/**
 * What is not empty, as text.
 *
 * @param {unknown} value
 */
function text(value) {
  return value === undefined || value === null || value === '' ? undefined : String(value);
}

/**
 * True and false also as texts, as the old snippet took them. The service says what is wrong with any other.
 *
 * @param {unknown} value
 */
function flag(value) {
  const said = text(value);
  return said === 'true' ? true : said === 'false' ? false : said;
}

/**
 * What is given: an option that is `undefined` does not hide a default.
 *
 * @template {object} T
 * @param {T} options
 * @returns {T}
 */
function given(options) {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return /** @type {T} */ (Object.fromEntries(entries));
}

/** @param {string} body */
function parsed(body) {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** Not `randomUUID`, which pages have over https only. */
function randomHex() {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

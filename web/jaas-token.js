// @ts-check
/**
 * Gets tokens for Jitsi as a Service from the token service, for pages in a browser. Has no dependencies.
 *
 * Options and results are those of the Worker's snippet, so that old calls stay as they are.
 * jaas-token.d.ts declares the same for TypeScript, with the meaning of every option.
 *
 * @module
 */

/** @typedef {import('./jaas-token.js').TokenOptions} TokenOptions */
/** @typedef {{ [K in keyof TokenOptions]?: NonNullable<TokenOptions[K]> }} Options what is given of them */
/** @typedef {import('./jaas-token.js').ErrorCode} ErrorCode */
/** @typedef {{ endpoint: string, method: 'GET' | 'POST', parameters: Record<string, unknown> }} TokenRequest */
/** @typedef {{ monotonic: number, wall: number }} Instant one moment on two clocks, in milliseconds */
/**
 * @typedef {{ token: string, lifetime: number, since: Instant, isGuest?: boolean }} Issued `lifetime` in seconds, 0 if
 * unknown; `isGuest` if no credential was sent
 */

const PATH = '/api/jitsi-token';
const MEETING_DOMAIN = '8x8.vc';
/** It goes into the address of a script, so it must be nothing else. */
const APP_ID = /^vpaas-magic-cookie-[0-9a-f]{32}$/i;
const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_MARGIN_SECONDS = 60;

/** Where `rememberGuest` keeps a guest's id. */
const GUEST_KEY = 'jaas-token.guest';

/** `setTimeout` takes a longer one, such as `Infinity`, for none at all. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** How many tokens are kept at most: a bound for pages where every call has another credential. */
const MOST_KEPT = 32;

/** An invitation in the fragment of an address, alone or among others, as routers have them there. */
const INVITATION = /([#?&])invitation=([\w.-]+)&?/;

/** Why there is no token. */
export class JitsiTokenError extends Error {
  /**
   * @param {ErrorCode} code
   * @param {string} message
   * @param {{ status?: number | undefined, serverMessage?: string | undefined, cause?: unknown }} [details]
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
  /** @type {Options} */
  #defaults;
  /** @type {Map<string, Issued>} */
  #kept = new Map();
  /** @type {Map<string, SharedRequest>} */
  #pending = new Map();
  /** One person for as long as the page is open, where the old snippet made one for each call. */
  #guest = `user_${randomHex()}`;
  /** The same across page loads, where the page allows it. @type {string | undefined} */
  #remembered;

  /** @param {TokenOptions} [defaults] */
  constructor(defaults = {}) {
    this.#defaults = given(defaults);
    // Report a mistake here, not when somebody joins a meeting.
    if (this.#defaults.server !== undefined) endpointOf(this.#defaults.server);
    methodOf(this.#defaults.method);
    // As soon as possible: an address bar is easily shown to others.
    invitationOf(this.#defaults.invitation);
  }

  /**
   * The old snippet's call. Does not use `this`, because a page may have detached the function from the class.
   *
   * @param {TokenOptions} [options]
   * @returns {Promise<string>}
   */
  static async getToken(options) {
    return sharedService().getToken(asSnippet(options));
  }

  /**
   * @param {TokenOptions} [options]
   * @returns {Promise<string>}
   */
  async getToken(options = {}) {
    const all = { ...this.#defaults, ...given(options) };
    const invitation = invitationOf(all.invitation);
    // It identifies its bearer, whoever is logged in, and it must not be in a URL.
    if (invitation) Object.assign(all, { invitation, method: 'POST', authorization: undefined, identity: undefined });
    else delete all.invitation;
    const { signal, timeoutMs = DEFAULT_TIMEOUT_MS } = all;
    throwIfAborted(signal);
    const { rememberGuest, userId } = all;
    if (rememberGuest) this.#remembered ??= storedGuest();
    const guest = (rememberGuest && this.#remembered) || this.#guest;
    const request = requestOf({ ...all, userId: text(userId) ?? guest });
    // A logout in the meantime calls `clear`, which replaces the map.
    const kept = this.#kept;
    const issued = await limited(signal, timeoutMs, request.endpoint, (waiter) =>
      this.#tokenFor(all, request, waiter),
    );
    if (rememberGuest && issued.isGuest && text(userId) === undefined) this.#remember(issued.token);
    this.#watch(issued, all, kept);
    return issued.token;
  }

  /**
   * Stores the id that a guest got, which may differ from the one that was sent.
   *
   * @param {string} token
   */
  #remember(token) {
    const id = guestOf(token);
    if (id === undefined || id === this.#remembered) return;
    this.#remembered = id;
    try {
      globalThis.localStorage.setItem(GUEST_KEY, id);
    } catch {
      // A page without storage, such as a sandboxed one, remembers the id until it is reloaded.
    }
  }

  /** Forgets every token, as when somebody logs out. */
  clear() {
    this.#kept = new Map();
    this.#pending = new Map();
  }

  /**
   * Calls `onExpiring` when the token has at most the margin left.
   *
   * @param {Issued} issued
   * @param {Options} options
   * @param {Map<string, Issued>} kept
   */
  #watch(issued, options, kept) {
    const { signal, onExpiring, refreshMarginSeconds = DEFAULT_MARGIN_SECONDS } = options;
    if (!onExpiring || issued.lifetime <= 0) return;
    const look = () => {
      if (signal?.aborted || this.#kept !== kept) return;
      const wait = secondsLeft(issued) - marginOf(issued, refreshMarginSeconds);
      // A timer stops while the machine sleeps, and may fire early, so check the token's age.
      if (wait > 0) later(look, Math.ceil(wait * 1000), signal);
      else onExpiring(() => this.getToken(options));
    };
    look();
  }

  /**
   * @param {Options} options
   * @param {TokenRequest} request
   * @param {AbortSignal} waiter aborted when this caller no longer waits
   */
  async #tokenFor(options, request, waiter) {
    const { authorization, fresh = false, refreshMarginSeconds = DEFAULT_MARGIN_SECONDS } = options;
    const fetchFunction = options.fetch ?? globalThis.fetch;
    // Without `identity`, the credential identifies the person.
    const named = typeof options.identity === 'function' ? options.identity() : options.identity;
    const identity = named ?? undefined;
    const current = () => headerFrom(authorization);
    const credential = identity === undefined ? await current() : undefined;
    throwIfAborted(waiter);
    /** @param {string | undefined} sent */
    const keyOf = (sent) =>
      JSON.stringify([
        request.endpoint,
        request.method,
        request.parameters,
        identity ?? null,
        (identity === undefined && sent) || null,
      ]);

    const key = keyOf(credential);
    const kept = this.#kept.get(key);
    if (kept && !fresh && isGood(kept, refreshMarginSeconds)) return kept;

    let exchange = this.#pending.get(key);
    if (!exchange) {
      exchange = new SharedRequest(async (signal) => {
        /** @param {string | undefined} sent */
        const exchanged = async (sent) => {
          const issued = await send(request, sent, fetchFunction, signal);
          return { key: keyOf(sent), issued: { ...issued, isGuest: sent === undefined } };
        };
        let sent = identity === undefined ? credential : await current();
        try {
          return await exchanged(sent);
        } catch (error) {
          if (!authorization || !(error instanceof JitsiTokenError) || error.status !== 401) throw error;
          // The credential may have expired on the way, or the login may have renewed it.
          sent = await current();
          return await exchanged(sent);
        }
      });
      this.#share(key, exchange);
    }
    return (await exchange.join(waiter)).issued;
  }

  /**
   * @param {string} key
   * @param {SharedRequest} exchange
   */
  #share(key, exchange) {
    // `clear` replaces these maps, so a late response goes into one that is no longer used.
    const [kept, pending] = [this.#kept, this.#pending];
    pending.set(key, exchange);
    const end = () => {
      if (pending.get(key) === exchange) pending.delete(key);
    };
    exchange.whenDeserted = end;
    exchange.outcome.then(({ key, issued }) => {
      end();
      // Use the credential that was sent last: the first one may have been another person's.
      keep(kept, key, issued);
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
  return sharedService().getToken({ ...asSnippet(options), userId: text(options.userId) ?? 'user123' });
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
      const bytes = atob(parts[place].replace(/-/g, '+').replace(/_/g, '/'));
      // Without TextDecoder, which older versions of React Native lack.
      const escaped = bytes.replace(/[^]/g, (byte) => `%${byte.charCodeAt(0).toString(16).padStart(2, '0')}`);
      const value = JSON.parse(decodeURIComponent(escaped));
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
    } catch {
      // The cause could show a piece of the token.
    }
    throw new JitsiTokenError('malformed', `The token's ${name} is not a JSON object in base64url`);
  });
  return { header, payload };
}

/**
 * What a page, Jitsi's React component or a mobile SDK needs to join with a token, all taken from the token.
 *
 * @param {string} token
 */
export function meetingOptions(token) {
  const { sub, room } = decodeToken(token).payload;
  if (typeof sub !== 'string' || !APP_ID.test(sub)) {
    throw new JitsiTokenError('malformed', "The token's sub is not an App ID of 8x8");
  }
  if (typeof room !== 'string' || room === '' || room.includes('*')) {
    throw new JitsiTokenError('malformed', "The token's room does not name one room");
  }
  // Jitsi's client drops these characters from an address before it decodes it, so they must be encoded.
  const path = room.replace(/[!'()]/g, (c) => `%${c.charCodeAt(0).toString(16)}`);
  return {
    domain: MEETING_DOMAIN,
    script: `https://${MEETING_DOMAIN}/${sub}/external_api.js`,
    appId: sub,
    room: path,
    roomName: `${sub}/${path}`,
    jwt: token,
  };
}

/** @type {JitsiTokenService | undefined} */
let shared;

/** The service of all who make none of their own. */
function sharedService() {
  return (shared ??= new JitsiTokenService());
}

/**
 * The options as the old snippet's functions sent them: no moderator unless the page says so.
 *
 * @param {TokenOptions} [options]
 * @returns {TokenOptions}
 */
function asSnippet(options = {}) {
  return { ...options, isModerator: text(options.isModerator) === undefined ? false : options.isModerator };
}

/** One request for all who need the same at the same time. It ends early when none of them waits any longer. */
class SharedRequest {
  #waiters = 0;
  #controller = new AbortController();
  whenDeserted = () => {};

  /** @param {(signal: AbortSignal) => Promise<{ key: string, issued: Issued }>} start */
  constructor(start) {
    this.outcome = start(this.#controller.signal);
  }

  /** @param {AbortSignal} waiter */
  async join(waiter) {
    const leave = () => {
      this.#waiters -= 1;
      if (this.#waiters > 0) return;
      // First, so that nobody joins a request that is being aborted.
      this.whenDeserted();
      this.#controller.abort();
    };
    this.#waiters += 1;
    waiter.addEventListener('abort', leave, { once: true });
    try {
      return await this.outcome;
    } finally {
      waiter.removeEventListener('abort', leave);
    }
  }
}

/**
 * Sends one request.
 *
 * @param {TokenRequest} request
 * @param {string | undefined} credential
 * @param {typeof fetch} fetchFunction
 * @param {AbortSignal} signal
 * @returns {Promise<Issued>}
 */
async function send({ endpoint, method, parameters }, credential, fetchFunction, signal) {
  throwIfAborted(signal);
  const headers = new Headers();
  if (credential !== undefined) headers.set('Authorization', credential);
  /** @type {RequestInit} */
  const init = { method, headers, signal, credentials: 'omit', cache: 'no-store' };
  let url = endpoint;
  if (method === 'POST') {
    headers.set('Content-Type', 'application/json');
    init.body = JSON.stringify(parameters);
  } else {
    url += `?${queryOf(parameters)}`;
  }

  // Taken before the request is sent: the token is made later, so it is valid at least as long as counted from here.
  const since = now();
  let response, body;
  try {
    response = await fetchFunction(url, init);
    body = await response.text();
  } catch (cause) {
    throwIfAborted(signal);
    throw await unreadable(endpoint, cause, fetchFunction, signal);
  }
  const { status } = response;
  const json = parsed(body);
  if (!response.ok) {
    const serverMessage = typeof json?.error === 'string' ? json.error : undefined;
    if (status === 404) throw notFound(endpoint, serverMessage);
    const message = serverMessage ?? `${endpoint} sent HTTP status ${status}`;
    throw new JitsiTokenError('http', message, { status, serverMessage });
  }
  const token = json?.token;
  if (typeof token !== 'string' || token === '') {
    throw new JitsiTokenError('malformed', `${endpoint} sent no token`, { status });
  }
  const issued = { token, lifetime: lifetimeOf(token), since };
  if (issued.lifetime < 0 || (issued.lifetime > 0 && secondsLeft(issued) <= 0)) {
    throw new JitsiTokenError('expired', 'The token had expired when it arrived: get another', { status });
  }
  return issued;
}

/**
 * Why a response could not be read. A browser tells a page nothing about a failed preflight. So a `HEAD` without
 * headers, which needs no preflight and for which nothing is signed, finds out whether the path or a header is the
 * cause.
 *
 * @param {string} endpoint
 * @param {unknown} cause
 * @param {typeof fetch} fetchFunction
 * @param {AbortSignal} signal
 */
async function unreadable(endpoint, cause, fetchFunction, signal) {
  let status;
  try {
    ({ status } = await fetchFunction(endpoint, { method: 'HEAD', signal, credentials: 'omit', cache: 'no-store' }));
  } catch {
    // The host or the origin is the cause; only the service's log says which.
  }
  if (status === 404) return notFound(endpoint, undefined, cause);
  const header =
    'a header that other code on this page adds, such as sentry-trace or traceparent, is not in its allowed_headers';
  const message = status
    ? `No readable response from ${endpoint}, which allows this page's origin: ${header}, or the connection broke`
    : `No readable response from ${endpoint}: the service cannot be reached, this page's origin is not in its allowed_origins, or ${header}`;
  return new JitsiTokenError('network', message, { cause });
}

/**
 * @param {string} endpoint
 * @param {string} [serverMessage]
 * @param {unknown} [cause]
 */
function notFound(endpoint, serverMessage, cause) {
  const message = `Nothing is at ${endpoint} (HTTP status 404): the option server has a wrong path; give the service's address, https://HOST, without one`;
  return new JitsiTokenError('http', message, { status: 404, serverMessage, cause });
}

/**
 * How long a token is valid after it is made, in seconds; 0 if it does not say, so that it is not cached.
 *
 * Uses only the service's times, never this machine's clock, which may be wrong by hours.
 *
 * @param {string} token
 */
function lifetimeOf(token) {
  try {
    const { iat, exp } = decodeToken(token).payload;
    // `iat` is rounded down: up to a second of the token's lifetime may have passed when it was made.
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
 * The seconds since then. The monotonic clock is right if somebody sets the wall clock. The wall clock keeps running in
 * browsers whose monotonic clock stops while the machine sleeps. The larger of both is the safe choice.
 *
 * @param {Instant} since
 */
function secondsSince(since) {
  const { monotonic, wall } = now();
  return Math.max(monotonic - since.monotonic, wall - since.wall) / 1000;
}

/** @param {Issued} issued */
function secondsLeft({ lifetime, since }) {
  return lifetime - secondsSince(since);
}

/**
 * @param {Issued} issued
 * @param {number} margin seconds
 */
function isGood(issued, margin) {
  return secondsLeft(issued) > marginOf(issued, margin);
}

/**
 * @param {Issued} issued
 * @param {number} wanted seconds
 */
function marginOf({ lifetime }, wanted) {
  // A margin longer than the lifetime would make every call a request.
  return Math.max(0, Math.min(wanted, lifetime / 2));
}

/**
 * Runs something later, unless the signal is aborted first.
 *
 * @param {() => void} run
 * @param {number} milliseconds
 * @param {AbortSignal | undefined} signal
 */
function later(run, milliseconds, signal) {
  const cancel = () => clearTimeout(timer);
  const timer = setTimeout(
    () => {
      signal?.removeEventListener('abort', cancel);
      run();
    },
    Math.min(milliseconds, LONGEST_TIMEOUT_MS),
  );
  signal?.addEventListener('abort', cancel, { once: true });
  // The timer must not keep Node running.
  /** @type {any} */ (timer).unref?.();
}

/**
 * @param {Map<string, Issued>} tokens
 * @param {string} key
 * @param {Issued} issued
 */
function keep(tokens, key, issued) {
  // A Map keeps insertion order, so a renewed token must be deleted and inserted again.
  tokens.delete(key);
  tokens.set(key, issued);
  const [oldest] = tokens.keys();
  if (tokens.size > MOST_KEPT) tokens.delete(oldest);
}

/**
 * Runs something until it is done, the caller aborts, or the time is up.
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
  let giveUp = () => {};
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {Promise<never>} */
  const ended = new Promise((_, reject) => {
    /** @param {unknown} reason */
    const end = (reason) => {
      reject(reason);
      waiter.abort();
    };
    giveUp = () => end(reasonOf(signal));
    timer = setTimeout(
      () => end(new JitsiTokenError('timeout', `No response from ${endpoint} within ${timeoutMs} milliseconds`)),
      Math.min(timeoutMs, LONGEST_TIMEOUT_MS),
    );
  });
  signal?.addEventListener('abort', giveUp, { once: true });
  try {
    return await Promise.race([run(waiter.signal), ended]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', giveUp);
  }
}

/**
 * As `AbortSignal.throwIfAborted`, which React Native does not have.
 *
 * @param {AbortSignal | undefined} signal
 */
function throwIfAborted(signal) {
  if (signal?.aborted) throw reasonOf(signal);
}

/**
 * Why it was aborted; React Native's signals have no `reason`.
 *
 * @param {AbortSignal | undefined} signal
 */
function reasonOf(signal) {
  return signal?.reason ?? Object.assign(new Error('The call was aborted'), { name: 'AbortError' });
}

/**
 * @param {Options} options
 * @returns {TokenRequest}
 */
function requestOf(options) {
  /** @type {Record<string, unknown>} */
  const parameters = {
    room: text(options.room),
    user_id: text(options.userId),
    user_name: text(options.userName) ?? 'Anonymous User',
    user_email: text(options.userEmail),
    user_avatar: text(options.userAvatar),
    // A credential or an invitation decides; if nothing is given, the service's `default_moderator` does.
    user_moderator: options.authorization || options.invitation ? undefined : flag(options.isModerator),
    user_role: text(options.role),
    invitation: options.invitation,
    user_hidden_from_recorder: flag(options.isHiddenFromRecorder),
    features: options.features,
  };
  return {
    endpoint: endpointOf(options.server),
    method: methodOf(options.method),
    parameters: given(parameters),
  };
}

/** @type {string | undefined} */
let invited;

/**
 * The invitation; `true` takes the one in the fragment of the page's address, and removes it from there.
 *
 * @param {Options['invitation']} option
 */
function invitationOf(option) {
  if (option !== true) return text(option);
  const { location, history } = globalThis;
  const [, , found] = INVITATION.exec(location?.hash ?? '') ?? [];
  if (found) {
    invited = found;
    const rest = location.hash.replace(INVITATION, '$1').replace(/[#?&]$/, '');
    history.replaceState(history.state, '', location.pathname + location.search + rest);
  }
  return invited;
}

/** The id that `rememberGuest` has stored. */
function storedGuest() {
  try {
    return text(globalThis.localStorage.getItem(GUEST_KEY));
  } catch {
    return undefined;
  }
}

/**
 * The id in a token, if there is one.
 *
 * @param {string} token
 */
function guestOf(token) {
  try {
    return text(decodeToken(token).payload.context?.user?.id);
  } catch {
    return undefined;
  }
}

/** @param {Record<string, unknown>} parameters */
function queryOf(parameters) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    // An empty list means no features, an empty parameter means all of them. (React Native has no `set`.)
    query.append(name, Array.isArray(value) ? value.join(',') || ',' : String(value));
  }
  return query;
}

/**
 * The route's address, from the service's address with or without the path.
 *
 * @param {string | URL | undefined} server
 */
function endpointOf(server = '') {
  // A bare host name would be a path of this page.
  const ownOrigin = server === '' || String(server).startsWith('/');
  let url;
  try {
    url = ownOrigin ? new URL(server || '/', globalThis.location?.href) : new URL(server);
  } catch (cause) {
    throw new TypeError('server is not a URL: give one like https://tokens.example.org', { cause });
  }
  // Parsed by hand: React Native's `URL` has no `origin`, and some browsers encode characters that no host name has.
  const [, origin, path = ''] = /^(https?:\/\/[^/?#@%\s]+)(\/[^?#]*)?(?:[?#]|$)/i.exec(url.href) ?? [];
  if (origin === undefined) {
    throw new TypeError('server must be an http or https URL with a host, and without user name and password');
  }
  const folder = path.replace(/\/+$/, '');
  return origin + (folder.endsWith(PATH) ? folder : folder + PATH);
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
 * @param {Options['authorization']} authorization
 */
async function headerFrom(authorization) {
  const value = text(await authorization?.())?.trim();
  if (!value) return undefined;
  const header = value.includes(' ') ? value : `Bearer ${value}`;
  // An HTML page, such as a login route's 404, is not a credential; `fetch` would throw its own error for it.
  if (!/^[\x20-\x7e]+$/.test(header)) {
    throw new JitsiTokenError('malformed', 'authorization returned a text that is no credential');
  }
  return header;
}

/**
 * The value as text, unless it is empty.
 *
 * @param {unknown} value
 */
function text(value) {
  return value === undefined || value === null || value === '' ? undefined : String(value);
}

/**
 * Accepts true and false as strings too, as the old snippet did. The service reports any other value.
 *
 * @param {unknown} value
 */
function flag(value) {
  const said = text(value);
  return said === 'true' ? true : said === 'false' ? false : said;
}

/**
 * The options that are given: `undefined` or `null` does not override a default.
 *
 * @template {object} T
 * @param {T} options
 * @returns {{ [K in keyof T]?: NonNullable<T[K]> }}
 */
function given(options) {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined && value !== null);
  return /** @type {any} */ (Object.fromEntries(entries));
}

/** @param {string} body */
function parsed(body) {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** An id, not a secret, so any random source will do. Not `randomUUID`, which pages have only over https. */
function randomHex() {
  const bytes = new Uint8Array(8);
  /** @type {Partial<Crypto> | undefined} */
  const random = globalThis.crypto;
  if (random?.getRandomValues) random.getRandomValues(bytes);
  else bytes.forEach((_, place) => (bytes[place] = Math.random() * 256));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Clocks that stand still until a test moves them, and a service that responds as the real one does. */

import { webcrypto } from 'node:crypto';

// Every browser has it; Node 18 only on request.
globalThis.crypto ??= webcrypto;

/**
 * @param {import('node:test').TestContext} t
 * @param {{ wall?: number }} [start] what this machine's clock shows, in milliseconds
 */
export function clocks(t, { wall = 1_700_000_000_000 } = {}) {
  const time = { wall, monotonic: 0 };
  const timers = new Map();
  let last = 0;
  t.mock.method(Date, 'now', () => time.wall);
  t.mock.method(performance, 'now', () => time.monotonic);
  t.mock.method(globalThis, 'setTimeout', (run, milliseconds) => {
    timers.set((last += 1), { run, due: time.monotonic + milliseconds });
    return last;
  });
  t.mock.method(globalThis, 'clearTimeout', (id) => timers.delete(id));
  return {
    time,
    timers,
    /** Moves both clocks, or one more than the other. */
    pass({ seconds, wall = seconds, monotonic = seconds }) {
      time.wall += wall * 1000;
      time.monotonic += monotonic * 1000;
      for (const [id, { run, due }] of timers) {
        if (due > time.monotonic) continue;
        timers.delete(id);
        run();
      }
    },
  };
}

/**
 * Takes away what React Native and older browsers do not have: of signals the reason and the newer methods, random bytes,
 * `TextDecoder`, and of addresses what their `URL` and `URLSearchParams` only pretend to have.
 *
 * @param {import('node:test').TestContext} t
 */
export function bare(t) {
  // Node's own fetch takes what it needs when it is first used.
  void new Response('');
  const hide = (target, name, descriptor = { value: undefined }) => {
    const before = Object.getOwnPropertyDescriptor(target, name);
    if (before === undefined) return;
    Object.defineProperty(target, name, { configurable: true, ...descriptor });
    t.after(() => Object.defineProperty(target, name, before));
  };
  hide(AbortSignal.prototype, 'throwIfAborted');
  hide(AbortSignal.prototype, 'reason');
  for (const name of ['any', 'timeout', 'abort']) hide(AbortSignal, name);
  hide(globalThis, 'crypto');
  hide(globalThis, 'TextDecoder');
  hide(globalThis, 'DOMException');
  const missing = () => {
    throw new Error('not implemented');
  };
  for (const name of ['origin', 'username', 'password']) hide(URL.prototype, name, { get: missing });
  for (const name of ['set', 'get', 'has']) hide(URLSearchParams.prototype, name, { value: missing });
}

/** Lets everything run that waits for nothing. */
export const settle = () => new Promise((resolve) => setImmediate(resolve));

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** @param {Record<string, unknown>} payload */
export function tokenOf(payload, header = HEADER) {
  return `${encode(header)}.${encode(payload)}.c2lnbmF0dXJl`;
}

export const APP_ID = 'vpaas-magic-cookie-1fc542a3e4414a44b2611668195e2bfe';
const HEADER = { alg: 'RS256', kid: `${APP_ID}/4f4910`, typ: 'JWT' };

/** A service that counts its tokens, and what it was asked. `now` is its own clock, in seconds. */
export function service({ ttl = 3600, now = () => 1_700_000_000, claims = {} } = {}) {
  const calls = [];
  const self = {
    calls,
    /** Responds to the next requests in this way: a Response, an Error, or a promise of one. */
    next: [],
    async fetch(url, init) {
      const call = {
        url: String(url),
        ...init,
        headers: Object.fromEntries(init.headers ?? []),
        body: init.body && JSON.parse(init.body),
      };
      calls.push(call);
      const ended = new Promise((_, reject) => {
        init.signal.addEventListener('abort', () => reject(init.signal.reason));
      });
      ended.catch(() => {});
      const response = self.next.length > 0 ? await Promise.race([self.next.shift(), ended]) : undefined;
      if (response instanceof Error) throw response;
      if (response instanceof Response) return response;
      const iat = Math.floor(now());
      const payload = { iat, exp: iat + ttl, number: calls.length, ...claims };
      return Response.json({ token: tokenOf(payload) });
    },
  };
  return self;
}

/** A promise that the test settles. */
export function later() {
  let resolve;
  const promise = new Promise((done) => (resolve = done));
  return { promise, resolve };
}

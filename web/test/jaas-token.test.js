import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { roomClaim } from '../demo/checks.js';
import * as client from '../jaas-token.js';
import { APP_ID, bare, clocks, later, service, settle, tokenOf } from './support.js';

const { JitsiTokenError, JitsiTokenService, decodeToken, getJitsiToken, meetingOptions } = client;

const SERVER = 'https://tokens.example';
const ENDPOINT = `${SERVER}/api/jitsi-token`;

/** @param {ReturnType<typeof service>} server */
const clientOf = (server, options = {}) => new JitsiTokenService({ server: SERVER, fetch: server.fetch, ...options });

const numberOf = (token) => decodeToken(token).payload.number;

/** What a call came to: a token's number, or an error. */
const outcome = (promise) =>
  promise.then(
    (token) => numberOf(token),
    (error) => error,
  );

/** The functions read where the page is, and use its `fetch`. */
function inPage(t, server, href = 'https://page.example/meet?x=1') {
  t.mock.method(globalThis, 'fetch', server.fetch);
  const before = Object.getOwnPropertyDescriptor(globalThis, 'location');
  Object.defineProperty(globalThis, 'location', { value: new URL(href), configurable: true });
  t.after(() => {
    if (before) Object.defineProperty(globalThis, 'location', before);
    else delete globalThis.location;
  });
}

test('old calls get a token as a string, for the same person', async (t) => {
  const server = service();
  inPage(t, server);
  const whole = {
    room: 'my-meeting-room',
    userId: 'user123',
    userName: 'John Doe',
    userEmail: 'john@example.com',
    isModerator: true,
  };
  const { getToken } = JitsiTokenService;
  for (const [call, expected] of [
    [() => getJitsiToken(), { user_id: 'user123', user_name: 'Anonymous User', user_moderator: false }],
    [() => getJitsiToken({}), { user_id: 'user123', user_name: 'Anonymous User', user_moderator: false }],
    [
      () => getJitsiToken(whole),
      {
        room: 'my-meeting-room',
        user_id: 'user123',
        user_name: 'John Doe',
        user_email: 'john@example.com',
        user_moderator: true,
      },
    ],
    [() => JitsiTokenService.getToken({ ...whole, room: 'two' }), { room: 'two', user_name: 'John Doe' }],
    [() => getToken({ ...whole, room: 'three' }), { room: 'three', user_moderator: true }],
    [
      () =>
        JitsiTokenService.getToken({ room: 'four', userId: 'u', userName: '', userEmail: '', isModerator: undefined }),
      { room: 'four', user_name: 'Anonymous User', user_moderator: false, user_email: undefined },
    ],
    [() => getJitsiToken({ room: 'six', isModerator: '' }), { room: 'six', user_moderator: false }],
    [() => getJitsiToken({ room: 'five', isModerator: 'true' }), { room: 'five', user_moderator: true }],
  ]) {
    const before = server.calls.length;
    const promise = call();
    assert.ok(promise instanceof Promise);
    assert.equal(typeof (await promise), 'string');
    const request = server.calls.at(-1);
    assert.equal(request.url, 'https://page.example/api/jitsi-token');
    for (const [name, value] of Object.entries(expected)) {
      assert.deepEqual(request.body[name], value, `${call}: ${name}`);
    }
    assert.ok(server.calls.length - before <= 1);
  }
  // The second of two equal calls came from memory.
  assert.equal(server.calls.length, 7);
});

test('somebody without an id is one person for each service, and another in the next', async () => {
  const server = service();
  const [one, two] = [clientOf(server), clientOf(server)];
  await one.getToken({ room: 'a' });
  await one.getToken({ room: 'b' });
  await two.getToken({ room: 'a' });
  const ids = server.calls.map((call) => call.body.user_id);
  assert.match(ids[0], /^user_[0-9a-f]{16}$/);
  assert.equal(ids[0], ids[1]);
  assert.notEqual(ids[0], ids[2]);
});

test('a POST has everything in its body and a GET in its address', async () => {
  const options = {
    room: '公民 會議',
    userId: 'u&1',
    userName: 'Jane',
    userEmail: 'j@x.tw',
    userAvatar: 'https://a.example/b.png',
    isModerator: 'false',
    isHiddenFromRecorder: true,
    features: ['recording', 'lobby'],
  };
  const server = service();
  await clientOf(server).getToken(options);
  await clientOf(server).getToken({ ...options, method: 'GET' });
  const [post, get] = server.calls;
  const expected = {
    room: '公民 會議',
    user_id: 'u&1',
    user_name: 'Jane',
    user_email: 'j@x.tw',
    user_avatar: 'https://a.example/b.png',
    user_moderator: false,
    user_hidden_from_recorder: true,
    features: ['recording', 'lobby'],
  };
  assert.equal(post.method, 'POST');
  assert.equal(post.url, ENDPOINT);
  assert.deepEqual(post.headers, { 'content-type': 'application/json' });
  assert.deepEqual(post.body, expected);

  assert.equal(get.method, 'GET');
  // Without a header that needs a preflight, and without a body.
  assert.deepEqual(get.headers, {});
  assert.equal(get.body, undefined);
  const url = new URL(get.url);
  assert.equal(url.origin + url.pathname, ENDPOINT);
  assert.deepEqual(Object.fromEntries(url.searchParams), {
    ...expected,
    user_moderator: 'false',
    user_hidden_from_recorder: 'true',
    features: 'recording,lobby',
  });
  for (const call of server.calls) {
    assert.equal(call.credentials, 'omit');
    assert.equal(call.cache, 'no-store');
  }
});

test('an empty list of features asks for none, and no list for all', async () => {
  const server = service();
  for (const method of ['POST', 'GET']) {
    await clientOf(server).getToken({ method, features: [] });
    await clientOf(server).getToken({ method });
  }
  const [none, all, noneByGet, allByGet] = server.calls;
  assert.deepEqual(none.body.features, []);
  assert.ok(!('features' in all.body));
  assert.equal(new URL(noneByGet.url).searchParams.get('features'), ',');
  assert.equal(new URL(allByGet.url).searchParams.get('features'), null);
});

test('the server is a URL with or without the path', async (t) => {
  for (const [given, expected] of [
    ['https://a.example', 'https://a.example/api/jitsi-token'],
    ['https://a.example/', 'https://a.example/api/jitsi-token'],
    ['https://a.example/api/jitsi-token', 'https://a.example/api/jitsi-token'],
    ['https://a.example/api/jitsi-token/?x=1#y', 'https://a.example/api/jitsi-token'],
    ['http://127.0.0.1:3000/below/', 'http://127.0.0.1:3000/below/api/jitsi-token'],
    [new URL('https://a.example'), 'https://a.example/api/jitsi-token'],
  ]) {
    const server = service();
    await clientOf(server).getToken({ server: given });
    assert.equal(server.calls[0].url, expected, String(given));
  }
  for (const wrong of ['tokens.example', 'ftp://a.example', 'https://user:secret@a.example', 'https://', 'https://a b']) {
    assert.throws(() => new JitsiTokenService({ server: wrong }), TypeError, wrong);
    await assert.rejects(clientOf(service()).getToken({ server: wrong }), (error) => {
      assert.ok(error instanceof TypeError);
      assert.ok(!error.message.includes('secret'));
      return true;
    });
  }
  assert.throws(() => new JitsiTokenService({ method: /** @type {any} */ ('PUT') }), TypeError);
  await t.test('and in a page without one, the page’s own', async (t) => {
    const server = service();
    inPage(t, server, 'https://page.example:8443/x/y');
    await new JitsiTokenService().getToken();
    await new JitsiTokenService({ server: '/below' }).getToken();
    assert.deepEqual(
      server.calls.map((call) => call.url),
      ['https://page.example:8443/api/jitsi-token', 'https://page.example:8443/below/api/jitsi-token'],
    );
    assert.throws(() => new JitsiTokenService({ server: 'tokens.example' }), TypeError);
  });
});

test('a host that a browser has encoded is none', async (t) => {
  // As Chromium reads https://a b.
  class Lenient {
    href = 'https://a%20b/';
  }
  const before = globalThis.URL;
  globalThis.URL = /** @type {any} */ (Lenient);
  t.after(() => (globalThis.URL = before));
  assert.throws(() => new JitsiTokenService({ server: 'https://a b' }), TypeError);
});

test('an option that is undefined or null does not hide a default', async () => {
  for (const nothing of [undefined, null]) {
    const server = service();
    const names = declaredOptions();
    assert.ok(names.length > 15);
    const tokens = clientOf(server, { room: 'r', method: 'GET' });
    await tokens.getToken(Object.fromEntries(names.map((name) => [name, nothing])));
    assert.match(server.calls[0].url, /^https:\/\/tokens\.example\/api\/jitsi-token\?.*room=r/);
    assert.doesNotMatch(server.calls[0].url, /null|undefined/);
  }
});

test('a token is kept until the margin before its end', async (t) => {
  const clock = clocks(t);
  const server = service({ ttl: 3600, now: () => clock.time.wall / 1000 });
  const tokens = clientOf(server);
  const first = await tokens.getToken();
  for (const [seconds, requests] of [
    [3500, 1],
    [38, 1],
    [2, 2],
    [1, 2],
  ]) {
    clock.pass({ seconds });
    await tokens.getToken();
    assert.equal(server.calls.length, requests, `after ${seconds} more seconds`);
  }
  assert.notEqual(await tokens.getToken(), first);
  // A wider margin of one call finds the same token too old.
  clock.pass({ seconds: 1000 });
  await tokens.getToken({ refreshMarginSeconds: 1700 });
  assert.equal(server.calls.length, 2);
  clock.pass({ seconds: 1000 });
  await tokens.getToken({ refreshMarginSeconds: 1700 });
  assert.equal(server.calls.length, 3);
});

test('a margin longer than the life of a token does not make every call a request', async (t) => {
  const clock = clocks(t);
  const server = service({ ttl: 60, now: () => clock.time.wall / 1000 });
  const tokens = clientOf(server, { refreshMarginSeconds: 9999 });
  for (let call = 0; call < 29; call += 1) {
    await tokens.getToken();
    clock.pass({ seconds: 1 });
  }
  assert.equal(server.calls.length, 1);
});

test('a wrong clock gives no expired token and no flood of requests', async (t) => {
  const DAY = 86_400;
  const STEP = 30;
  const STEPS = 600;
  const TTL = 600;
  for (const [name, offset, change] of [
    ['right', 0, () => ({})],
    ['a day slow', -DAY, () => ({})],
    ['a day fast', DAY, () => ({})],
    ['years slow', -20 * 365 * DAY, () => ({})],
    ['set back while the page is open', 0, (step) => (step === 3 ? { wall: -DAY } : {})],
    ['set forward while the page is open', 0, (step) => (step === 3 ? { wall: DAY } : {})],
    ['a monotonic clock that sleeps with the machine', 0, (step) => (step % 5 === 0 ? { monotonic: 0 } : {})],
    ['a clock that goes too fast', 0, () => ({ wall: 2 * STEP })],
    ['a clock that goes too slow', 0, () => ({ wall: STEP / 2 })],
  ]) {
    await t.test(name, async (t) => {
      let serverTime = 1_700_000_000.9;
      const clock = clocks(t, { wall: (serverTime + offset) * 1000 });
      const server = service({ ttl: TTL, now: () => serverTime });
      const tokens = clientOf(server, { refreshMarginSeconds: 60 });
      for (let step = 0; step < STEPS; step += 1) {
        const { exp } = decodeToken(await tokens.getToken()).payload;
        assert.ok(exp > serverTime, `expired at step ${step}`);
        serverTime += STEP;
        clock.pass({ seconds: STEP, ...change(step) });
      }
      const needed = (STEPS * STEP) / (TTL - 60);
      assert.ok(server.calls.length <= 2.5 * needed, `${server.calls.length} requests`);
      assert.ok(server.calls.length >= needed - 1, `${server.calls.length} requests`);
    });
  }
});

test('the last second counts, although iat is rounded down', async (t) => {
  const clock = clocks(t);
  let serverTime = 1_700_000_000.99;
  const server = service({ ttl: 100, now: () => serverTime });
  const tokens = clientOf(server, { refreshMarginSeconds: 0 });
  await tokens.getToken();
  serverTime += 99.02;
  clock.pass({ seconds: 99.02 });
  const { exp } = decodeToken(await tokens.getToken()).payload;
  assert.ok(exp > serverTime, `${exp} ${serverTime}`);
});

test('the way of a response counts as age', async (t) => {
  const clock = clocks(t);
  const server = service({ ttl: 60 });
  const slow = later();
  server.next.push(slow.promise);
  const tokens = clientOf(server, { refreshMarginSeconds: 0, timeoutMs: 1e9 });
  const first = tokens.getToken();
  await settle();
  clock.pass({ seconds: 40 });
  slow.resolve(undefined);
  await first;
  clock.pass({ seconds: 20 });
  await tokens.getToken();
  assert.equal(server.calls.length, 2);
});

test('a token that has expired when it comes is an error', async (t) => {
  const clock = clocks(t);
  const server = service({ ttl: 60 });
  const slow = later();
  server.next.push(slow.promise);
  const tokens = clientOf(server, { timeoutMs: 1e9 });
  const first = outcome(tokens.getToken());
  await settle();
  clock.pass({ seconds: 100 });
  slow.resolve(undefined);
  assert.equal((await first).code, 'expired');
  assert.equal(await outcome(tokens.getToken()), 2);
  assert.equal((await outcome(clientOf(service({ ttl: -5 })).getToken())).code, 'expired');
});

test('a token that does not say how long it lives is given and not kept', async () => {
  for (const token of [
    tokenOf({ exp: 2_000_000_000 }),
    tokenOf({ iat: 1 }),
    tokenOf({ iat: 'x', exp: 'y' }),
    'no-jwt',
    'a.b.c',
  ]) {
    const server = service();
    server.next.push(Response.json({ token }), Response.json({ token }));
    const tokens = clientOf(server);
    assert.equal(await tokens.getToken(), token);
    await tokens.getToken();
    assert.equal(server.calls.length, 2, token);
  }
});

test('callers at the same time share one request if they ask the same', async () => {
  const server = service();
  const tokens = clientOf(server, { authorization: async () => 'credential' });
  const calls = Array.from({ length: 20 }, () => tokens.getToken({ room: 'a' }));
  const other = tokens.getToken({ room: 'b' });
  const got = await Promise.all(calls);
  await other;
  assert.equal(new Set(got).size, 1);
  assert.equal(server.calls.length, 2);
});

test('every option that makes another token makes another entry', async () => {
  const server = service();
  const tokens = clientOf(server);
  const base = { room: 'r', userId: 'u' };
  const others = [
    {},
    { room: 'R' },
    { userId: 'v' },
    { userName: 'n' },
    { userEmail: 'e@x' },
    { userAvatar: 'https://a.example' },
    { isModerator: true },
    { isModerator: false },
    { isHiddenFromRecorder: true },
    { isHiddenFromRecorder: false },
    { features: [] },
    { features: ['recording'] },
    { method: 'GET' },
    { server: 'https://other.example' },
    { authorization: () => 'a' },
    { authorization: () => 'b' },
    { identity: 'a' },
    { identity: 'Bearer a' },
    { identity: '' },
    { identity: () => 'b' },
  ];
  for (const round of [1, 2]) {
    for (const other of others) await tokens.getToken({ ...base, ...other });
    assert.equal(server.calls.length, others.length, `round ${round}`);
  }
  // These make none.
  for (const same of [
    { timeoutMs: 5 },
    { signal: new AbortController().signal },
    { isModerator: '' },
    { authorization: () => null },
  ]) {
    await tokens.getToken({ ...base, ...same });
    assert.equal(server.calls.length, others.length, JSON.stringify(same));
  }
});

test('a caller who gives up leaves the others their request', async () => {
  const server = service();
  const response = later();
  server.next.push(response.promise);
  const tokens = clientOf(server);
  const controller = new AbortController();
  const reason = new Error('the page was left');
  const first = outcome(tokens.getToken({ signal: controller.signal }));
  const second = outcome(tokens.getToken());
  await settle();
  controller.abort(reason);
  assert.equal(await first, reason);
  assert.equal(server.calls[0].signal.aborted, false);
  response.resolve(undefined);
  assert.equal(await second, 1);
  assert.equal(server.calls.length, 1);
});

test('a request that nobody waits for is ended, and the next caller gets a new one', async () => {
  const server = service();
  server.next.push(later().promise);
  const tokens = clientOf(server);
  const controllers = [new AbortController(), new AbortController()];
  const calls = controllers.map(({ signal }) => outcome(tokens.getToken({ signal })));
  await settle();
  controllers[0].abort();
  assert.equal(server.calls[0].signal.aborted, false);
  controllers[1].abort();
  const next = outcome(tokens.getToken());
  assert.equal(server.calls[0].signal.aborted, true);
  for (const call of calls) assert.equal((await call).name, 'AbortError');
  assert.equal(await next, 2);
});

test('a signal that is aborted already sends nothing', async () => {
  const server = service();
  const call = clientOf(server).getToken({ signal: AbortSignal.abort(new Error('gone')) });
  await assert.rejects(call, /gone/);
  assert.equal(server.calls.length, 0);
});

test('a call takes as long as its timeout, and others wait on', async (t) => {
  const clock = clocks(t);
  const server = service();
  const response = later();
  server.next.push(response.promise);
  const tokens = clientOf(server);
  const quick = outcome(tokens.getToken({ timeoutMs: 2000 }));
  const patient = outcome(tokens.getToken());
  await settle();
  clock.pass({ seconds: 2 });
  const error = await quick;
  assert.ok(error instanceof JitsiTokenError);
  assert.equal(error.code, 'timeout');
  assert.equal(error.status, undefined);
  assert.equal(error.message, `No response from ${ENDPOINT} within 2000 milliseconds`);
  assert.equal(server.calls[0].signal.aborted, false);
  response.resolve(undefined);
  assert.equal(await patient, 1);
  assert.equal(clock.timers.size, 0);
});

test('the timeout is ten seconds unless it is given, and includes the login', async (t) => {
  const clock = clocks(t);
  const server = service();
  server.next.push(later().promise);
  for (const authorization of [undefined, () => later().promise]) {
    const call = outcome(clientOf(server).getToken({ authorization }));
    await settle();
    clock.pass({ seconds: 9.9 });
    await settle();
    assert.equal(clock.timers.size, 1);
    clock.pass({ seconds: 0.1 });
    assert.equal((await call).code, 'timeout');
  }
  assert.equal(server.calls.length, 1);
  assert.equal(server.calls[0].signal.aborted, true);
});

test('a timeout that no timer can have is as good as none', async (t) => {
  const clock = clocks(t);
  const call = clientOf(service()).getToken({ timeoutMs: Infinity });
  assert.equal([...clock.timers.values()][0].due, 2 ** 31 - 1);
  await call;
});

test('a failure is told to all who wait, and is not kept', async () => {
  const server = service();
  // The second is for the `HEAD` that looks for the cause.
  server.next.push(
    Response.json({ error: 'Room not allowed' }, { status: 403 }),
    new TypeError('Failed to fetch'),
    new TypeError('Failed to fetch'),
  );
  const tokens = clientOf(server);
  const errors = await Promise.all([outcome(tokens.getToken()), outcome(tokens.getToken())]);
  assert.deepEqual(
    errors.map((error) => error.status),
    [403, 403],
  );
  assert.equal((await outcome(tokens.getToken())).code, 'network');
  assert.equal(await outcome(tokens.getToken()), 4);
  assert.equal(await outcome(tokens.getToken()), 4);
});

test('an error has status and message of the service', async () => {
  const html = (status) => new Response('<h1>Bad Gateway</h1>', { status });
  for (const [response, code, status, message] of [
    [Response.json({ error: 'room must name one room' }, { status: 400 }), 'http', 400, 'room must name one room'],
    [Response.json({ error: 'Not logged in' }, { status: 401 }), 'http', 401, 'Not logged in'],
    [
      Response.json({ error: 'Origin not allowed', allowed_origins: [] }, { status: 403 }),
      'http',
      403,
      'Origin not allowed',
    ],
    [Response.json({ error: 7 }, { status: 500 }), 'http', 500, `${ENDPOINT} sent HTTP status 500`],
    [html(502), 'http', 502, `${ENDPOINT} sent HTTP status 502`],
    [Response.json(null, { status: 503 }), 'http', 503, `${ENDPOINT} sent HTTP status 503`],
    [html(200), 'malformed', 200, `${ENDPOINT} sent no token`],
    [Response.json({}), 'malformed', 200, `${ENDPOINT} sent no token`],
    [Response.json({ token: '' }), 'malformed', 200, `${ENDPOINT} sent no token`],
    [Response.json({ token: 1 }), 'malformed', 200, `${ENDPOINT} sent no token`],
  ]) {
    const server = service();
    server.next.push(response);
    const error = await outcome(clientOf(server).getToken());
    assert.ok(error instanceof JitsiTokenError && error instanceof Error);
    assert.equal(error.serverMessage, message.startsWith(ENDPOINT) ? undefined : message);
    assert.deepEqual([error.name, error.code, error.status, error.message], ['JitsiTokenError', code, status, message]);
  }
});

test('a response that cannot be read is an error that names every cause that is left', async () => {
  const failed = new TypeError('Failed to fetch');
  const broken = () =>
    new Response(
      new ReadableStream({
        pull(controller) {
          controller.error(failed);
        },
      }),
    );
  const CAUSES = {
    unreachable: /cannot be reached/,
    origin: /origin is not in its allowed_origins/,
    header: /sentry-trace.*allowed_headers/,
    path: /wrong path/,
  };
  const head = (status) => new Response(null, { status });
  for (const [first, second, code, status, causes] of [
    [failed, failed, 'network', undefined, ['unreachable', 'origin', 'header']],
    [broken(), failed, 'network', undefined, ['unreachable', 'origin', 'header']],
    // The origin is allowed, for the page reads this: a header is not.
    [failed, head(200), 'network', undefined, ['header']],
    [failed, head(401), 'network', undefined, ['header']],
    [failed, head(404), 'http', 404, ['path']],
  ]) {
    const server = service();
    server.next.push(first, second);
    const error = await outcome(clientOf(server).getToken({ userName: 'Jane', room: 'hunter2' }));
    assert.deepEqual([error.code, error.status, error.cause], [code, status, failed]);
    for (const [name, pattern] of Object.entries(CAUSES)) {
      assert.equal(pattern.test(error.message), causes.includes(name), `${name}: ${error.message}`);
    }
    assert.doesNotMatch(error.message, /Jane|hunter2/);
    // What looks for the cause needs no preflight and signs nothing.
    const { method, headers, body, url, credentials } = server.calls[1];
    assert.deepEqual([method, headers, body, url, credentials], ['HEAD', {}, undefined, ENDPOINT, 'omit']);
    assert.equal(server.calls.length, 2);
  }
});

test('a page that is sent to another path is told of the path, not of its origin', async () => {
  const server = service();
  server.next.push(Response.json({ error: 'Not found' }, { status: 404 }));
  const error = await outcome(clientOf(server, { server: `${SERVER}/foo` }).getToken());
  assert.deepEqual([error.code, error.status, error.serverMessage], ['http', 404, 'Not found']);
  assert.match(error.message, /^Nothing is at https:\/\/tokens\.example\/foo\/api\/jitsi-token .*server has a wrong path/);
  assert.doesNotMatch(error.message, /origin/);
});

test('the credential decides who is a moderator, and what is not given is left to the service', async () => {
  const login = { authorization: () => 'credential' };
  for (const [options, sent] of [
    [{}, undefined],
    [{ isModerator: undefined }, undefined],
    [{ isModerator: '' }, undefined],
    [{ isModerator: true }, true],
    [{ isModerator: false }, false],
    [{ isModerator: 'false' }, false],
    [login, undefined],
    [{ ...login, isModerator: true }, undefined],
    [{ ...login, isModerator: false }, undefined],
  ]) {
    for (const method of ['POST', 'GET']) {
      const server = service();
      await clientOf(server, { method }).getToken({ room: 'r', ...options });
      const [{ url, body }] = server.calls;
      const inQuery = new URL(url).searchParams.get('user_moderator');
      const found = method === 'GET' ? inQuery : (body.user_moderator ?? null)?.toString();
      assert.equal(found ?? undefined, sent?.toString(), `${method} ${JSON.stringify(options)}`);
    }
  }
});

test('a text that can be no credential is an error of the client, and nothing is sent', async () => {
  for (const page of ['<!doctype html>\n<p>Not found</p>', 'a\u0000b', '登入']) {
    const server = service();
    const error = await outcome(clientOf(server, { authorization: () => page }).getToken());
    assert.equal(error.name, 'JitsiTokenError', page);
    assert.equal(error.code, 'malformed');
    assert.equal(server.calls.length, 0);
  }
});

test('after a 401 the credential is fetched again and the request sent once more', async () => {
  const refused = () => Response.json({ error: 'the credential has expired' }, { status: 401 });
  for (const identity of [undefined, 'jane']) {
    const server = service();
    let asked = 0;
    const tokens = clientOf(server, { identity, authorization: () => `credential-${(asked += 1)}` });
    server.next.push(refused());
    assert.equal(await outcome(tokens.getToken()), 2);
    assert.deepEqual(
      server.calls.map(({ headers }) => headers.authorization),
      ['Bearer credential-1', 'Bearer credential-2'],
    );
    assert.equal(asked, 2);

    // Once, and not for ever.
    server.next.push(refused(), refused());
    const error = await outcome(tokens.getToken({ room: 'b' }));
    assert.deepEqual([error.status, error.serverMessage], [401, 'the credential has expired']);
    assert.equal(server.calls.length, 4);
  }
  // Without a login there is nothing to fetch again; other statuses are no matter of the credential.
  for (const [options, status] of [
    [{}, 401],
    [{ authorization: () => 'a' }, 403],
  ]) {
    const server = service();
    server.next.push(Response.json({ error: 'no' }, { status }));
    assert.equal((await outcome(clientOf(server).getToken(options))).status, status);
    assert.equal(server.calls.length, 1);
  }
});

test('a token is kept for the credential that it was issued for', async () => {
  const server = service();
  const credentials = ['of-a', 'of-b', 'of-a', 'of-b'];
  const tokens = clientOf(server, { authorization: () => credentials.shift() });
  server.next.push(new Response('', { status: 401 }));
  assert.equal(await outcome(tokens.getToken()), 2);
  assert.equal(await outcome(tokens.getToken()), 3, 'what b got is not for a');
  assert.equal(await outcome(tokens.getToken()), 2);
});

test('a runtime without the newest web interfaces is enough', async (t) => {
  bare(t);
  const server = service();
  for (const method of ['POST', 'GET']) {
    const options = { server: SERVER, fetch: server.fetch, method, isModerator: true, features: [] };
    const token = await new JitsiTokenService(options).getToken({ room: '公民會議' });
    assert.equal(numberOf(token), server.calls.length);
  }
  const query = Object.fromEntries(new URL(server.calls[1].url).searchParams);
  const ids = [server.calls[0].body.user_id, query.user_id];
  for (const id of ids) assert.match(id, /^user_[0-9a-f]{16}$/);
  assert.notEqual(ids[0], ids[1]);
  assert.equal(query.room, '公民會議');
  assert.equal(decodeToken(tokenOf({ name: '王小明' })).payload.name, '王小明');

  // Calls end as elsewhere.
  for (const late of [false, true]) {
    const controller = new AbortController();
    if (!late) controller.abort();
    server.next.push(later().promise);
    const call = outcome(clientOf(server).getToken({ room: `${late}`, signal: controller.signal }));
    await settle();
    controller.abort();
    assert.equal((await call).name, 'AbortError');
    server.next.length = 0;
  }
  const clock = clocks(t);
  server.next.push(later().promise);
  const call = outcome(clientOf(server).getToken({ room: 'slow' }));
  await settle();
  clock.pass({ seconds: 10 });
  assert.equal((await call).code, 'timeout');
});

test('the credential is asked for at every call and sent with every request', async () => {
  for (const [authorization, header] of [
    [() => 'abc', 'Bearer abc'],
    [async () => 'abc', 'Bearer abc'],
    [() => 'Bearer abc', 'Bearer abc'],
    [() => '  abc\n', 'Bearer abc'],
    [() => '', undefined],
    [() => null, undefined],
    [async () => undefined, undefined],
    [undefined, undefined],
  ]) {
    for (const method of ['POST', 'GET']) {
      const server = service();
      await clientOf(server, { method }).getToken({ authorization });
      assert.equal(server.calls[0].headers.authorization, header, String(authorization));
    }
  }
  const server = service();
  let asked = 0;
  const tokens = clientOf(server, { authorization: () => `credential-${(asked += 1) > 2 ? 'new' : 'old'}` });
  assert.equal(await outcome(tokens.getToken()), 1);
  assert.equal(await outcome(tokens.getToken()), 1);
  assert.equal(await outcome(tokens.getToken()), 2);
  assert.equal(asked, 3);
});

test('with an identity, the credential is asked for once for each request', async () => {
  const server = service();
  let asked = 0;
  let person = 'jane';
  const tokens = clientOf(server, {
    authorization: async () => `credential-${(asked += 1)}`,
    identity: () => person,
  });
  await Promise.all([tokens.getToken(), tokens.getToken()]);
  assert.equal(await outcome(tokens.getToken()), 1);
  assert.equal(asked, 1);
  person = 'john';
  assert.equal(await outcome(tokens.getToken()), 2);
  assert.equal(asked, 2);
  assert.deepEqual(
    server.calls.map((call) => call.headers.authorization),
    ['Bearer credential-1', 'Bearer credential-2'],
  );
  person = 'jane';
  assert.equal(await outcome(tokens.getToken()), 1);
});

test('an identity that is nothing leaves the credential to tell persons apart', async () => {
  for (const nothing of [null, undefined, () => null, () => undefined]) {
    const tokens = clientOf(service(), { identity: /** @type {any} */ (nothing) });
    assert.equal(await outcome(tokens.getToken({ authorization: () => 'jane' })), 1);
    assert.equal(await outcome(tokens.getToken({ authorization: () => 'john' })), 2);
    assert.equal(await outcome(tokens.getToken()), 3);
  }
});

test('what the login throws comes through, and nothing is sent', async () => {
  const failure = new Error('logged out');
  for (const identity of [undefined, 'jane']) {
    for (const authorization of [
      () => {
        throw failure;
      },
      () => Promise.reject(failure),
    ]) {
      const server = service();
      const tokens = clientOf(server, { identity });
      assert.equal(await outcome(tokens.getToken({ authorization })), failure);
      assert.equal(server.calls.length, 0);
      assert.equal(await outcome(tokens.getToken({ authorization: () => 'abc' })), 1);
    }
  }
});

/** Storage of a page, which may be missing or closed. */
function withStorage(t, storage) {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'localStorage');
  Object.defineProperty(globalThis, 'localStorage', { configurable: true, ...storage });
  t.after(() => {
    if (before) Object.defineProperty(globalThis, 'localStorage', before);
    else delete globalThis.localStorage;
  });
}

test('a guest keeps the id that the service gave where the page allows it', async (t) => {
  const items = new Map();
  const storage = { getItem: (key) => items.get(key) ?? null, setItem: (key, value) => items.set(key, value) };
  withStorage(t, { value: storage });
  const own = (id) => service({ claims: { context: { user: { id } } } });
  const sent = (server) => server.calls.at(-1).body.user_id;

  // Nothing is kept unless the page says so, nor what a page or a login says.
  for (const options of [
    {},
    { rememberGuest: false },
    { rememberGuest: true, userId: 'jane' },
    { rememberGuest: true, authorization: () => 'credential' },
  ]) {
    await clientOf(own('guest-1'), options).getToken();
    assert.equal(items.size, 0, JSON.stringify(options));
  }
  const server = own('guest-1');
  const tokens = clientOf(server, { rememberGuest: true });
  await tokens.getToken();
  assert.match(sent(server), /^user_/);
  assert.deepEqual([...items], [['jaas-token.guest', 'guest-1']]);
  await tokens.getToken({ fresh: true });
  assert.equal(sent(server), 'guest-1');

  // After a reload, and when the service gives another.
  const later = own('guest-2');
  const reloaded = clientOf(later, { rememberGuest: true });
  await reloaded.getToken();
  assert.equal(sent(later), 'guest-1');
  await reloaded.getToken();
  assert.equal(sent(later), 'guest-2');
  assert.equal(items.get('jaas-token.guest'), 'guest-2');
  await reloaded.getToken({ userId: 'jane' });
  assert.equal(sent(later), 'jane');
  assert.equal(items.get('jaas-token.guest'), 'guest-2');
});

test('a page without storage keeps a guest until it is reloaded', async (t) => {
  const closed = () => {
    throw new Error('SecurityError');
  };
  for (const storage of [{ get: closed }, { value: undefined }, { value: { getItem: closed, setItem: closed } }]) {
    withStorage(t, storage);
    const server = service({ claims: { context: { user: { id: 'guest-1' } } } });
    const tokens = clientOf(server, { rememberGuest: true });
    await tokens.getToken();
    await tokens.getToken({ fresh: true });
    assert.equal(server.calls.at(-1).body.user_id, 'guest-1');
  }
});

test('a fresh token is asked for and takes the place of the kept one', async () => {
  const tokens = clientOf(service());
  assert.equal(await outcome(tokens.getToken()), 1);
  assert.equal(await outcome(tokens.getToken({ fresh: true })), 2);
  assert.equal(await outcome(tokens.getToken()), 2);
});

test('after clear nothing is kept, not even what is on its way', async () => {
  const server = service();
  const tokens = clientOf(server);
  await tokens.getToken();
  tokens.clear();
  const response = later();
  server.next.push(response.promise);
  const onItsWay = outcome(tokens.getToken());
  await settle();
  tokens.clear();
  assert.equal(await outcome(tokens.getToken()), 3);
  response.resolve(undefined);
  await onItsWay;
  assert.equal(await outcome(tokens.getToken()), 3);
});

test('at most 32 tokens are kept, the newest', async () => {
  const server = service();
  const tokens = clientOf(server);
  for (let room = 0; room < 40; room += 1) await tokens.getToken({ room: `r${room}` });
  for (let room = 8; room < 40; room += 1) await tokens.getToken({ room: `r${room}` });
  assert.equal(server.calls.length, 40);
  await tokens.getToken({ room: 'r7' });
  assert.equal(server.calls.length, 41);
  // r8 has gone for it. One that is renewed is new.
  await tokens.getToken({ room: 'r9', fresh: true });
  await tokens.getToken({ room: 'r40' });
  await tokens.getToken({ room: 'r9' });
  assert.equal(server.calls.length, 43);
  await tokens.getToken({ room: 'r10' });
  assert.equal(server.calls.length, 44);
});

test('a token is decoded with its UTF-8, and only a JWT is one', () => {
  const { header, payload } = decodeToken(tokenOf({ name: '王小明 é ~~~???' }, { typ: 'JWT' }));
  assert.deepEqual([header, payload], [{ typ: 'JWT' }, { name: '王小明 é ~~~???' }]);
  const part = (text) => Buffer.from(text, 'latin1').toString('base64url');
  for (const token of [
    '',
    'a.b',
    'a.b.c.d',
    '!.e30.',
    'e30.!.',
    `${part('[]')}.e30.`,
    `${part('null')}.e30.`,
    `${part('{"a":"\xff"}')}.e30.`,
  ]) {
    assert.throws(
      () => decodeToken(token),
      (error) => error instanceof JitsiTokenError && error.code === 'malformed' && error.cause === undefined,
      token,
    );
  }
});

test('what it takes to join is the token’s own', () => {
  const app = { sub: APP_ID };
  for (const [room, path] of [
    ['my-room', 'my-room'],
    ['my%20room', 'my%20room'],
    ['q%26a', 'q%26a'],
    ['100%25', '100%25'],
    ['%e5%85%ac%e6%b0%91%e6%9c%83%e8%ad%b0', '%e5%85%ac%e6%b0%91%e6%9c%83%e8%ad%b0'],
    // From full-width signs: the client would drop them unencoded.
    ["%e6%9c%83(%e4%ba%8c)!it's", '%e6%9c%83%28%e4%ba%8c%29%21it%27s'],
  ]) {
    const token = tokenOf({ ...app, room });
    const options = meetingOptions(token);
    assert.deepEqual(options, {
      domain: '8x8.vc',
      script: `https://8x8.vc/${APP_ID}/external_api.js`,
      appId: APP_ID,
      room: path,
      roomName: `${APP_ID}/${path}`,
      jwt: token,
    });
    // The client makes the same name of it as of the claim.
    assert.equal(roomClaim(options.room), room);
  }
  for (const [claims, about] of [
    [{ room: 'r' }, /sub/],
    [{ sub: 'chat', room: 'r' }, /sub/],
    [{ sub: `${APP_ID}/../x`, room: 'r' }, /sub/],
    [{ sub: [APP_ID], room: 'r' }, /sub/],
    [app, /room/],
    [{ ...app, room: '' }, /room/],
    [{ ...app, room: '*' }, /room/],
    [{ ...app, room: ['r'] }, /room/],
  ]) {
    const malformed = (error) => error.code === 'malformed' && about.test(error.message);
    assert.throws(() => meetingOptions(tokenOf(claims)), malformed, JSON.stringify(claims));
  }
  assert.throws(() => meetingOptions('x'), JitsiTokenError);
});

test('before a token ends the page is told once, and can renew it', async (t) => {
  const clock = clocks(t);
  const server = service({ ttl: 3600, now: () => clock.time.wall / 1000 });
  const tokens = clientOf(server);
  const told = [];
  const onExpiring = (renew) => told.push(renew);
  assert.equal(await outcome(tokens.getToken({ onExpiring })), 1);
  clock.pass({ seconds: 3538 });
  assert.equal(told.length, 0);
  clock.pass({ seconds: 1 });
  assert.equal(told.length, 1);
  clock.pass({ seconds: 30 });
  assert.equal(told.length, 1);
  // By the same options, this one included.
  assert.equal(await outcome(told[0]()), 2);
  assert.deepEqual(server.calls[1].body, server.calls[0].body);
  clock.pass({ seconds: 3600 });
  assert.equal(told.length, 2);
  assert.equal(clock.timers.size, 0);

  // A token that was kept tells by its own age, with the caller's margin.
  await tokens.getToken();
  clock.pass({ seconds: 3000 });
  await tokens.getToken({ onExpiring, refreshMarginSeconds: 500 });
  clock.pass({ seconds: 98 });
  assert.equal(told.length, 2);
  clock.pass({ seconds: 1 });
  assert.equal(told.length, 3);
});

test('nobody is told of an end who has left, or of an end that is not known', async (t) => {
  const clock = clocks(t);
  const server = service({ ttl: 3600, now: () => clock.time.wall / 1000 });
  const onExpiring = () => assert.fail('told');
  const controller = new AbortController();
  await clientOf(server).getToken({ onExpiring, signal: controller.signal });
  controller.abort();
  assert.equal(clock.timers.size, 0);

  const tokens = clientOf(server);
  await tokens.getToken({ onExpiring });
  tokens.clear();
  const late = later();
  server.next.push(late.promise);
  const call = tokens.getToken({ onExpiring });
  await settle();
  tokens.clear();
  late.resolve(undefined);
  await call;
  server.next.push(Response.json({ token: tokenOf({ room: 'r' }) }));
  await tokens.getToken({ onExpiring, fresh: true });
  clock.pass({ seconds: 10_000 });
  assert.equal(clock.timers.size, 0);
});

test('the declarations have every export, every method and every option', () => {
  const declared = readFileSync(new URL('../jaas-token.d.ts', import.meta.url), 'utf8');
  const exported = [...declared.matchAll(/^export declare (?:class|function) (\w+)/gm)].map(([, name]) => name);
  assert.deepEqual(exported.sort(), Object.keys(client).sort());
  for (const name of Object.getOwnPropertyNames(JitsiTokenService.prototype)) {
    assert.match(declared, new RegExp(`^  ${name}\\(`, 'm'));
  }
  const source = readFileSync(new URL('../jaas-token.js', import.meta.url), 'utf8');
  const used = [...source.matchAll(/\b(?:options|all|this\.#defaults)\.([a-z]\w*)/g)].map(([, name]) => name);
  const taken = [...source.matchAll(/const \{([^}]*)\} = (?:options|all);/g)].flatMap(([, names]) =>
    names.split(',').map((name) => name.split('=')[0].trim()),
  );
  assert.deepEqual([...new Set([...used, ...taken])].sort(), declaredOptions());
});

test('both READMEs have every option in their table, and no other', () => {
  const tables = ['README.md', 'README.zh-TW.md'].map((file) => {
    const text = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
    const [table] = text.match(/^\| `room`(?:, |、)`userEmail`[\s\S]*?\n\n/m) ?? assert.fail(file);
    return table
      .trim()
      .split('\n')
      .flatMap((row) => [...row.split('|')[1].matchAll(/`(\w+)`/g)].map(([, name]) => name));
  });
  for (const named of tables) assert.deepEqual(named.sort(), declaredOptions());
});

/** The names of `TokenOptions`, sorted. */
function declaredOptions() {
  const declared = readFileSync(new URL('../jaas-token.d.ts', import.meta.url), 'utf8');
  const [, body] = declared.match(/interface TokenOptions \{([\s\S]*?)^\}/m) ?? assert.fail('no TokenOptions');
  return [...body.matchAll(/^  (\w+)\?:/gm)].map(([, name]) => name).sort();
}

/** A page with this fragment; what it does to its address is kept in `entries`. */
function atFragment(t, hash) {
  const entries = [];
  const location = new URL(`https://page.example/meet?x=1${hash}`);
  const history = {
    state: { kept: true },
    replaceState(state, _, address) {
      entries.push([state, address]);
      location.href = new URL(address, location).href;
    },
  };
  for (const [name, value] of Object.entries({ location, history })) {
    const before = Object.getOwnPropertyDescriptor(globalThis, name);
    Object.defineProperty(globalThis, name, { value, configurable: true });
    t.after(() => {
      if (before) Object.defineProperty(globalThis, name, before);
      else delete globalThis[name];
    });
  }
  return { entries, location };
}

test('an invitation is taken out of the address, remembered and sent in a body', async (t) => {
  for (const [hash, rest] of [
    ['#invitation=a.b-c_.d', ''],
    ['#lang=en&invitation=a.b-c_.d', '#lang=en'],
    ['#invitation=a.b-c_.d&lang=en', '#lang=en'],
    ['#/meet?invitation=a.b-c_.d', '#/meet'],
    ['#/meet?y=1&invitation=a.b-c_.d&z=2', '#/meet?y=1&z=2'],
  ]) {
    const { entries, location } = atFragment(t, hash);
    const server = service();
    const service_ = clientOf(server, { invitation: true, method: 'GET', authorization: () => 'secret' });
    assert.deepEqual(entries, [[{ kept: true }, `/meet?x=1${rest}`]], hash);
    await service_.getToken({ room: 'r', isModerator: false });
    await service_.getToken({ room: 's', role: 'visitor' });
    assert.equal(entries.length, 1);
    assert.ok(!location.href.includes('invitation'));
    for (const call of server.calls) {
      assert.equal(call.method, 'POST');
      assert.equal(call.body.invitation, 'a.b-c_.d');
      assert.ok(!call.url.includes('invitation'));
      // It stands for its bearer: no credential, and no role that is not meant.
      assert.ok(!('authorization' in call.headers));
      assert.ok(!('user_moderator' in call.body));
    }
    assert.equal(server.calls[1].body.user_role, 'visitor');
  }
});

test('without an invitation in the address the login decides', async (t) => {
  const { entries } = atFragment(t, '#section-2');
  const server = service();
  // Another test's page may have had one: a page has one copy of the module.
  const fresh = await import(`../jaas-token.js?fresh=${Math.random()}`);
  const options = { server: SERVER, fetch: server.fetch, authorization: () => 'secret' };
  await new fresh.JitsiTokenService({ ...options, invitation: true }).getToken({ room: 'r' });
  assert.deepEqual(entries, []);
  assert.equal(server.calls[0].headers.authorization, 'Bearer secret');
  assert.ok(!('invitation' in server.calls[0].body));
});

test('an invitation can be given as text', async () => {
  const server = service();
  await clientOf(server).getToken({ invitation: 'x.y.z', isModerator: true });
  assert.equal(server.calls[0].body.invitation, 'x.y.z');
  assert.ok(!('user_moderator' in server.calls[0].body));
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { CLIENT_CHECKS, FEATURES, PROSODY_CHECKS, check, roomClaim } from '../demo/checks.js';
import { isThrowAway, sentenceOf } from '../demo/sentence.js';
import { TEXTS, textOf } from '../demo/texts.js';
import { languageOf } from '../shared/language.js';
import { APP_ID, tokenOf } from './support.js';

const read = (name) => readFileSync(new URL(`../demo/${name}`, import.meta.url), 'utf8');
const NOW = 1_700_000_000;
const SHARED = ['../shared/page.js', '../shared/language.js'];
const SCRIPTS = ['demo.js', 'invite.js', 'meeting.js', 'sentence.js', 'checks.js', 'texts.js', ...SHARED];

/** A token as the service makes it, with the parts that a case changes. */
function changed({ header = {}, payload = {}, user = {}, features = {}, context = {} } = {}) {
  return tokenOf(
    {
      aud: 'jitsi',
      context: {
        user: { id: 'u', name: '王小明', moderator: 'true', ...user },
        features: { recording: false, 'outbound-call': true, ...features },
        room: { regex: false },
        ...context,
      },
      exp: NOW + 3600,
      iat: NOW,
      iss: 'chat',
      nbf: NOW - 10,
      room: 'my-room',
      sub: APP_ID,
      ...payload,
    },
    { alg: 'RS256', kid: `${APP_ID}/4f4910`, typ: 'JWT', ...header },
  );
}

/** The checks that do not pass, as `id` or `id?` where there was nothing to look at. */
function faults(token, room = 'My-Room') {
  const findings = check(token, NOW, room);
  assert.deepEqual([...findings.keys()], [...CLIENT_CHECKS, ...PROSODY_CHECKS]);
  return [...findings]
    .filter(([, { verdict }]) => verdict !== 'pass')
    .map(([id, { verdict }]) => (verdict === 'skip' ? `${id}?` : id))
    .join(' ');
}

test('each check fails for what it is about and for nothing else', () => {
  const encoded = (value) => Buffer.from(value).toString('base64url');
  const [header, payload, signature] = changed().split('.');
  const rest = '3? 4? 5? 6? 7? 8? 9? 10? 11? 12? 13? 14?';
  for (const [token, expected] of [
    [changed(), ''],
    [`${encoded('[]')}.${payload}.${signature}`, `1 ${rest} alg? typ?`],
    [`${header}.${encoded('{')}.${signature}`, `2 ${rest} aud? room? user?`],
    ['no-jwt', `1 2 ${rest} alg? typ? aud? room? user?`],
    [changed({ header: { kid: undefined } }), '3 4?'],
    [changed({ header: { kid: '' } }), '3 4?'],
    [changed({ header: { kid: 7 } }), '3 4?'],
    [changed({ payload: { sub: 'other' } }), '3 4?'],
    [changed({ header: { kid: 'other/4f4910' } }), '4'],
    [changed({ header: { kid: APP_ID } }), '4'],
    [changed({ header: { kid: `${APP_ID.toUpperCase()}/4f4910` } }), '4'],
    [changed({ payload: { aud: 'jitsi2' } }), '5'],
    [changed({ payload: { aud: ['jitsi'] } }), '5 aud'],
    [changed({ payload: { iss: 'Chat' } }), '6'],
    [changed({ context: { features: undefined } }), '7 13? 14?'],
    [changed({ payload: { nbf: '1700000000' } }), '8 9?'],
    [changed({ payload: { nbf: 1.5 } }), '8 9?'],
    [changed({ payload: { nbf: undefined } }), ''],
    [changed({ payload: { nbf: NOW } }), ''],
    [changed({ payload: { nbf: NOW + 1 } }), '9'],
    [changed({ payload: { exp: undefined } }), '10 11?'],
    [changed({ payload: { exp: NOW + 0.5 } }), '10 11?'],
    [changed({ payload: { exp: 1e300 } }), '10 11?'],
    [changed({ payload: { exp: NOW } }), '11'],
    [changed({ payload: { exp: NOW + 1 } }), ''],
    [changed({ payload: { context: undefined } }), '7 12 13? 14? user'],
    [changed({ payload: { context: null } }), '7 12 13? 14? user'],
    [changed({ features: { Recording: true } }), '13'],
    [changed({ features: { recording: 'true', lobby: 'false' } }), ''],
    [changed({ features: { recording: 'yes' } }), '14'],
    [changed({ features: { recording: null } }), '14'],
    [changed({ features: { recording: 1 } }), '14'],
    [changed({ header: { alg: 'HS256' } }), 'alg'],
    [changed({ header: { typ: 'jwt' } }), 'typ'],
    [changed({ payload: { room: 'other' } }), 'room'],
    [changed({ payload: { room: '*' } }), 'room'],
    [changed({ user: { email: null } }), 'user'],
    [changed({ context: { user: undefined } }), 'user'],
  ]) {
    assert.equal(faults(token), expected, Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  }
  assert.equal(faults(changed({ payload: { room: 'default-room' } }), '  '), '');
  assert.equal(faults(changed({ payload: { room: '*' } }), ''), 'room');
});

test('a sentence has the values that it is about', () => {
  const findings = check(changed({ features: { xyz: 1, abc: 'no' } }), NOW, '');
  assert.deepEqual(findings.get('13')?.values, { count: '4', keys: 'xyz, abc' });
  assert.deepEqual(findings.get('14')?.values, { keys: 'xyz, abc' });
  assert.deepEqual(findings.get('11')?.values, { time: String(NOW + 3600) });
});

test('a room is written as Jitsi writes it', () => {
  for (const [typed, claim] of [
    ['My-Room', 'my-room'],
    [' My Room ', 'my%20room'],
    ['公民會議', '%e5%85%ac%e6%b0%91%e6%9c%83%e8%ad%b0'],
    ['%E5%85%AC', '%e5%85%ac'],
    ['ＡＢ', 'ab'],
    ["a:b@c!d&e'f,g;h=i", 'abcdefghi'],
    ['Meeting (2)', 'meeting%202'],
    ['a[b]c$d+e', 'abcde'],
    // Dropped first and decoded then, and once: what is encoded stays.
    ['Q%26A', 'q%26a'],
    ['Q&A', 'qa'],
    ['a%28b%2Cc%3D', 'a(b%2cc%3d'],
    ['a%2526b', 'a%2526b'],
    // Full-width signs are not in the client's list, and NFKC comes after it.
    ['會議（二）', '%e6%9c%83%e8%ad%b0(%e4%ba%8c)'],
    ['好！', '%e5%a5%bd!'],
    // Quotes and brackets are encoded in an address before the client looks.
    ['a"b<c>d', 'a%22b%3cc%3ed'],
    // An address's path ends here.
    ['board#agenda', 'board'],
    ['board?x=1', 'board'],
    ['board%23agenda', 'board%23agenda'],
    ['100%', '100%25'],
  ]) {
    assert.equal(roomClaim(typed), claim, typed);
  }
});

test('one sentence says what a token is for', () => {
  const at = (hours, minutes) => new Date(2026, 10, 25, hours, minutes).getTime() / 1000;
  const payload = {
    room: '%e5%85%ac%e6%b0%91%e6%9c%83%e8%ad%b0',
    exp: at(19, 5),
    context: {
      user: { name: 'Jane', moderator: 'true' },
      features: { livestreaming: true, 'outbound-call': 'true', recording: false, transcription: 'false', flip: true },
    },
  };
  const said = (language, change = {}) => sentenceOf(language, { ...payload, ...change }, at(18, 5));
  assert.equal(said('en'), 'Jane joins 公民會議 as a moderator, may stream and dial out, until 19:05.');
  assert.equal(said('zh-TW'), 'Jane 以主持人身分加入 公民會議，可以直播和撥出電話，到 19:05 為止。');
  const guest = { context: { user: { moderator: 'false' }, features: {} }, room: 'my-room' };
  assert.equal(said('en', guest), 'Somebody without a name joins my-room as a participant, until 19:05.');
  assert.match(said('en', { exp: at(24 + 7, 0) }), /, until Nov 26, 2026, 07:00\.$/);
  // What no token should have breaks nothing.
  for (const odd of [{ context: null }, { context: { user: null, features: null } }, { room: '%' }, { exp: 'x' }]) {
    assert.match(said('en', odd), / joins .* as a (moderator|participant)/);
  }
});

test('a throw-away key is known by the App ID that is nobody’s', () => {
  for (const [sub, expected] of [
    [`vpaas-magic-cookie-${'0'.repeat(32)}`, true],
    [APP_ID, false],
    [undefined, false],
  ]) {
    assert.equal(isThrowAway({ sub }), expected, sub);
  }
});

test('both languages have the same texts with the same values', () => {
  const [english, chinese] = [TEXTS.en, TEXTS['zh-TW']];
  assert.deepEqual(Object.keys(chinese), Object.keys(english));
  const placeholders = (text) => [...new Set(text.match(/\{\w+\}/g))].sort();
  for (const [name, text] of Object.entries(english)) {
    assert.deepEqual(placeholders(chinese[name]), placeholders(text), name);
    assert.equal(text === '', chinese[name] === '', name);
  }
  // One language in each table.
  for (const [name, text] of Object.entries(english)) {
    if (!name.startsWith('page.other-language')) assert.doesNotMatch(text, /\p{Script=Han}/u, name);
  }
  // Half-width punctuation beside a Chinese character is none of that language's.
  for (const [name, text] of Object.entries(chinese)) {
    assert.doesNotMatch(text, /\p{Script=Han}[,;:!?()]|[,;:!?()]\p{Script=Han}/u, name);
  }
});

test('every text that the page asks for is there, and every one that is there is asked for', () => {
  const [html, script] = [read('index.html'), SCRIPTS.filter((name) => name !== 'texts.js').map(read).join('\n')];
  const asked = new Set([...html.matchAll(/data-text="([^"]+)"/g)].map(([, name]) => name));
  for (const [, name] of script.matchAll(/'((?:[a-z]+(?:-[a-z]+)*\.)+[a-z-]+)'/g)) {
    if (name in TEXTS.en) asked.add(name);
  }
  for (const id of [...CLIENT_CHECKS, ...PROSODY_CHECKS]) {
    for (const part of ['name', 'pass', 'fail']) asked.add(`check.${id}.${part}`);
  }
  for (const verdict of ['pass', 'fail', 'skip']) asked.add(`verdict.${verdict}`);
  const states = (line) => {
    const [, list] = script.replaceAll('\n * ', ' ').match(line) ?? assert.fail(String(line));
    return list
      .split('[')[0]
      .split(/[,;]/)
      .map((state) => state.trim());
  };
  for (const key of FEATURES) {
    if (`feature.${key}` in TEXTS.en) asked.add(`feature.${key}`);
  }
  for (const state of [...states(/`#app\[data-state\]`: ([^;]*);/), 'doubtful', 'throw-away']) {
    for (const part of ['title', 'text', 'advice']) asked.add(`state.${state}.${part}`);
  }
  for (const state of states(/`#meeting\[data-state\]`: ([^.]*)\./)) asked.add(`meeting.${state}`);
  for (const state of states(/`#invite\[data-state\]`: ([^;]*);/)) asked.add(`invite.${state}`);
  assert.deepEqual([...asked].sort(), Object.keys(TEXTS.en).sort());
});

test('the language is the one asked for, else the first of the reader’s', () => {
  for (const [asked, readers, language] of [
    [null, ['en-GB'], 'en'],
    [null, ['zh-TW', 'en'], 'zh-TW'],
    [null, ['fr', 'zh-Hant-HK', 'en'], 'zh-TW'],
    [null, ['fr', 'de'], 'en'],
    [null, [], 'en'],
    ['en', ['zh-TW'], 'en'],
    ['zh-TW', ['en'], 'zh-TW'],
    ['ZH', ['en'], 'zh-TW'],
    ['xx', ['zh-TW'], 'zh-TW'],
  ]) {
    assert.equal(languageOf(asked, readers), language, `${asked} ${readers}`);
  }
});

test('values are put in as they are', () => {
  assert.equal(textOf('en', 'check.6.fail', { iss: '$& {aud} <b>' }), 'iss must be chat and is $& {aud} <b>.');
  assert.equal(textOf('en', 'check.6.fail'), 'iss must be chat and is {iss}.');
});

test('the page has no script, style or handler of its own, and nothing from elsewhere', () => {
  const html = read('index.html').replace(/<!--[\s\S]*?-->/g, '');
  assert.doesNotMatch(html, /<style|\sstyle=|\son[a-z]+=|javascript:/i);
  assert.deepEqual(
    [...html.matchAll(/<script([^>]*)>([\s\S]*?)<\/script>/g)].map(([, attributes, code]) => [attributes.trim(), code]),
    [['type="module" src="demo.js"', '']],
  );
  for (const [, address] of html.matchAll(/\s(?:src|href)="([^"]*)"/g)) assert.doesNotMatch(address, /^(?:[a-z]+:|\/)/);
  const [, policy] = html.match(/content="(default-src [^"]*)"/) ?? assert.fail('no policy');
  const directives = Object.fromEntries(policy.split('; ').map((directive) => [directive.split(' ')[0], directive]));
  assert.equal(directives['default-src'], "default-src 'none'");
  assert.equal(directives['script-src'], "script-src 'self' https://8x8.vc");
  assert.equal(directives['style-src'], "style-src 'self'");
  assert.equal(directives['connect-src'], 'connect-src http: https:');
  assert.doesNotMatch(policy, /unsafe|\*(?!\.8x8\.vc)/);
  for (const name of [...SCRIPTS, '../jaas-token.js']) {
    assert.doesNotMatch(
      read(name),
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|sessionStorage|document\.cookie/,
      name,
    );
  }
  // The client keeps a guest's id where a page allows it; this one does not.
  for (const name of SCRIPTS) assert.doesNotMatch(read(name), /localStorage|rememberGuest/, name);
});

test('every field has a label, and every reference leads somewhere', () => {
  const html = read('index.html');
  const ids = [...html.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id);
  assert.equal(new Set(ids).size, ids.length);
  for (const [tag, id] of html.matchAll(/<(?:input|select|textarea)[^>]*?\sid="([^"]+)"[^>]*>/g)) {
    assert.ok(html.includes(`<label for="${id}"`), tag);
  }
  for (const [, list] of html.matchAll(/aria-(?:labelledby|describedby)="([^"]+)"/g)) {
    for (const id of list.split(' ')) assert.ok(ids.includes(id), id);
  }
  const scripts = SCRIPTS.map(read).join('\n');
  for (const [, id] of scripts.matchAll(/\b(?:any|input|button|element)\('([a-z-]+)'/g)) assert.ok(ids.includes(id), id);
});

test('the colours have a contrast of 4.5 to 1 or more, in light and in dark', () => {
  const css = ['../shared/page.css', 'demo.css', '../usage/usage.css'].map(read).join('\n');
  const palettes = [...css.matchAll(/:root \{([^}]*)\}/g)].map(([, body]) =>
    Object.fromEntries([...body.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name, colour]) => [name, colour])),
  );
  assert.equal(palettes.length, 2);
  assert.deepEqual(Object.keys(palettes[0]), Object.keys(palettes[1]));
  for (const palette of palettes) {
    for (const behind of ['page', 'panel']) {
      for (const name of ['text', 'muted', 'accent', 'pass', 'fail', 'skip']) {
        assert.ok(contrast(palette[name], palette[behind]) >= 4.5, `${name} on ${behind}`);
      }
      // WCAG 1.4.11: the edge of a field needs 3 to 1.
      assert.ok(contrast(palette.line, palette[behind]) >= 3, `line on ${behind}`);
    }
    assert.ok(contrast(palette['on-accent'], palette.accent) >= 4.5, 'on-accent');
  }
  // Every colour is one of the palettes'.
  assert.doesNotMatch(css.replace(/:root \{[^}]*\}/g, ''), /#[0-9a-f]{3,8}\b(?![^{]*\{)|rgb|hsl/);
});

/** WCAG 2.2, "contrast ratio". */
function contrast(one, other) {
  const luminance = (colour) => {
    const [r, g, b] = [1, 3, 5].map((at) => {
      const part = parseInt(colour.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

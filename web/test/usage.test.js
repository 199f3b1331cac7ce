import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { roundUp } from '../usage/chart.js';
import { forecast, isUsage, lengthOf, standing, totals } from '../usage/count.js';
import { TEXTS } from '../usage/texts.js';

const read = (name) => readFileSync(new URL(`../usage/${name}`, import.meta.url), 'utf8');
const SCRIPTS = ['usage.js', 'chart.js', 'count.js', 'texts.js', '../shared/page.js', '../shared/language.js'];

/** What the service sends after so many days, of which each had these new users. */
function usageOf(days, changes = {}) {
  const list = days.map(([guests, known], day) => ({
    date: new Date(Date.UTC(2026, 10, 8 + day)).toISOString().slice(0, 10),
    guests,
    known,
  }));
  const sum = (name) => list.reduce((total, day) => total + day[name], 0);
  return {
    source: 'webhook',
    period: { start: '2026-11-08', end: '2026-12-08' },
    limit: 25,
    reserve: 5,
    count: sum('guests') + sum('known'),
    guests: sum('guests'),
    known: sum('known'),
    days: list,
    ...changes,
  };
}

test('the forecast goes on as the last seven days did', () => {
  const quiet = Array(20).fill([0, 0]);
  for (const [days, changes, expected] of [
    [[[1, 0]], {}, { total: 30, reached: '2026-12-02' }],
    [[[0, 0]], {}, { total: 0, reached: null }],
    [[...quiet, [7, 7]], {}, { total: 32, reached: '2026-12-04' }],
    [[[7, 7], ...quiet], {}, { total: 14, reached: null }],
    [[[1, 0]], { limit: null, reserve: null }, { total: 30, reached: null }],
    [[[1, 0]], { limit: 31 }, { total: 30, reached: null }],
    [[[1, 0]], { limit: 30 }, { total: 30, reached: '2026-12-07' }],
    [[[30, 0]], {}, { total: 900, reached: null }],
    [Array(30).fill([1, 0]), { limit: 100 }, { total: 30, reached: null }],
  ]) {
    assert.deepEqual(forecast(usageOf(days, changes)), expected, JSON.stringify([days.length, changes]));
  }
  assert.equal(lengthOf(usageOf([[0, 0]])), 30);
});

test('totals add up, and the limit stands where the service puts it', () => {
  assert.deepEqual(
    totals(usageOf([[1, 2], [0, 0], [3, 0]])).map(({ known, guests }) => [known, guests]),
    [[2, 1], [2, 1], [2, 4]],
  );
  for (const [count, limit, reserve, expected] of [
    [19, 25, 5, 'limited'],
    [20, 25, 5, 'reserved'],
    [24, 25, 5, 'reserved'],
    [25, 25, 5, 'full'],
    [24, 25, 0, 'limited'],
    [900, null, null, 'shown'],
  ]) {
    assert.equal(standing({ count, limit, reserve }), expected);
  }
  for (const [most, top] of [[0, 1], [1, 1], [3, 5], [25, 50], [100, 100], [101, 200], [600, 1000]]) {
    assert.equal(roundUp(most), top);
  }
});

test('only what the service sends is drawn', () => {
  const good = usageOf([[1, 2]]);
  assert.ok(isUsage(good));
  assert.ok(isUsage({ ...good, limit: null, reserve: null, source: 'issued' }));
  for (const changes of [
    { source: 'else' },
    { period: { start: 'x', end: '2026-12-08' } },
    { count: -1 },
    { guests: '1' },
    { limit: 1.5 },
    { days: [] },
    { days: Array(32).fill(good.days[0]) },
    { days: [{ date: '<b>', guests: 1, known: 1 }] },
    { days: [null] },
  ]) {
    assert.ok(!isUsage({ ...good, ...changes }), JSON.stringify(changes));
  }
  for (const value of [null, 7, 'x', [], {}]) assert.ok(!isUsage(value));
});

test('both languages say the same things with the same values', () => {
  const names = (table) => Object.keys(table);
  assert.deepEqual(names(TEXTS.en), names(TEXTS['zh-TW']));
  const values = (text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();
  for (const name of names(TEXTS.en)) {
    assert.deepEqual(values(TEXTS.en[name]), values(TEXTS['zh-TW'][name]), name);
  }
  const html = read('index.html');
  const used = [...html.matchAll(/data-text="([^"]+)"/g)].map(([, name]) => name);
  for (const name of used) assert.ok(TEXTS.en[name], name);
  const states = ['shown', 'limited', 'reserved', 'full', 'unauthorised', 'refused', 'off', 'misconfigured', 'unavailable'];
  for (const state of states) assert.ok(TEXTS.en[`state.${state}.title`], state);
});

test('the page runs and shows nothing that comes from elsewhere', () => {
  const html = read('index.html');
  const policy = /content="(default-src[^"]+)"/.exec(html)?.[1] ?? '';
  assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self';/);
  assert.doesNotMatch(policy, /unsafe|\*/);
  assert.doesNotMatch(html, /<script(?![^>]*src=)|style=|\son\w+=/);
  for (const name of SCRIPTS) {
    assert.doesNotMatch(
      read(name),
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|localStorage|sessionStorage|document\.cookie/,
      name,
    );
  }
});

test('every field has a label, and every reference leads somewhere', () => {
  const html = read('index.html');
  const ids = [...html.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id);
  assert.equal(new Set(ids).size, ids.length);
  for (const [tag, id] of html.matchAll(/<input[^>]*?\sid="([^"]+)"[^>]*>/g)) {
    assert.ok(html.includes(`<label for="${id}"`), tag);
  }
  for (const [, list] of html.matchAll(/aria-(?:labelledby|describedby)="([^"]+)"/g)) {
    for (const id of list.split(' ')) assert.ok(ids.includes(id), id);
  }
  const scripts = SCRIPTS.map(read).join('\n');
  for (const [, id] of scripts.matchAll(/\b(?:any|input|button|element)\('([a-z-]+)'/g)) assert.ok(ids.includes(id), id);
  // The colours are those of the demo, whose contrast its own test measures.
  assert.doesNotMatch(read('usage.css'), /#[0-9a-f]{3,8}\b(?![^{]*\{)|rgb|hsl/);
});

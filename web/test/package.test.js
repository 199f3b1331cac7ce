import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';

import { FOLDER, GLOBAL, prepare } from './consumer/build.js';
import { bare, service, tokenOf } from './support.js';

const WEB = fileURLToPath(new URL('..', import.meta.url));
const read = (path) => readFileSync(join(WEB, path), 'utf8');
const EMPTY = join(FOLDER, 'empty');
const INSTALLED = join(EMPTY, 'node_modules/jaas-token');
const MOST_BYTES = 4096;

/** Vite needs it. */
const NODE = [20, 19];

/** Why the package cannot be tried here; CI leaves nothing out. */
function missing() {
  if (process.env.CI) return false;
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < NODE[0] || (major === NODE[0] && minor < NODE[1])) return `Node ${NODE.join('.')} is needed`;
  try {
    execFileSync('npm', ['--version'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'npm is not on PATH';
  }
}

test('the package has the version of the service, and its licence', () => {
  const { version } = JSON.parse(read('package.json'));
  assert.ok(read('../spin.toml').includes(`\nversion = "${version}"\n`), version);
  assert.equal(JSON.parse(read('package-lock.json')).version, version);
  assert.equal(read('LICENSE'), read('../LICENSE'));
});

test('lock files name no registry, and every package has an exact version', () => {
  for (const folder of ['.', 'test/consumer']) {
    const lock = JSON.parse(read(`${folder}/package-lock.json`));
    const manifest = JSON.parse(read(`${folder}/package.json`));
    for (const [name, { resolved, integrity }] of Object.entries(lock.packages)) {
      assert.equal(resolved, undefined, name);
      assert.equal(name === '' || /^sha512-/.test(integrity), true, name);
    }
    for (const [name, version] of Object.entries(manifest.devDependencies)) {
      assert.match(version, /^\d+\.\d+\.\d+$/, name);
    }
  }
});

describe('the package in a project of its user', { skip: missing() }, () => {
  before(prepare, { timeout: 300_000 });

  test('it has the client, its types, the global script, and nothing else', () => {
    const expected = ['LICENSE', 'README.md', 'jaas-token.d.ts', GLOBAL, 'jaas-token.js', 'package.json'];
    assert.deepEqual(JSON.parse(readFileSync(join(FOLDER, 'packed.json'), 'utf8')), expected.sort());
    assert.deepEqual(readdirSync(INSTALLED).sort(), expected.sort());
    // Everything that it names is in it.
    const manifest = JSON.parse(readFileSync(join(INSTALLED, 'package.json'), 'utf8'));
    const paths = JSON.stringify([manifest.main, manifest.types, manifest.unpkg, manifest.jsdelivr, manifest.exports]);
    for (const [, path] of paths.matchAll(/"\.\/([^"]+)"(?!:)/g)) assert.ok(expected.includes(path), path);
    assert.equal(manifest.dependencies, undefined);
  });

  test('the global script is what the build makes of the client: `npm run global` writes it', () => {
    assert.equal(read(GLOBAL), readFileSync(join(FOLDER, 'dist/global', GLOBAL), 'utf8'));
  });

  test('a bundle with everything in it, and the global script, have at most 4 KB by gzip', () => {
    const assets = join(FOLDER, 'dist/bundle/assets');
    const [bundle, ...others] = readdirSync(assets).filter((file) => file.endsWith('.js'));
    assert.deepEqual(others, []);
    for (const file of [join(assets, bundle), join(WEB, GLOBAL)]) {
      const { length } = gzipSync(readFileSync(file), { level: 9 });
      assert.ok(length > 1000 && length <= MOST_BYTES, `${file}: ${length} bytes`);
    }
  });

  test('its types hold in a strict project, by each way of resolving', () => {
    const source = `
      import { JitsiTokenService, meetingOptions, type MeetingOptions, type TokenOptions } from 'jaas-token';
      declare const user: { name: string | null; email?: string | undefined };
      const options: TokenOptions = { userName: user.name, userEmail: user.email, server: undefined, signal: null };
      export async function join(): Promise<MeetingOptions> {
        const tokens = new JitsiTokenService(options);
        return meetingOptions(await tokens.getToken({ room: 'r', onExpiring: async (renew) => void (await renew()) }));
      }
      // @ts-expect-error: no option of this name
      void new JitsiTokenService({ isModerater: true });
      // @ts-expect-error: a token is text
      meetingOptions(null);
    `;
    writeFileSync(join(EMPTY, 'consumer.ts'), source);
    const tsc = join(FOLDER, 'node_modules/typescript/bin/tsc');
    for (const [module, moduleResolution] of [
      ['es2022', 'bundler'],
      ['nodenext', 'nodenext'],
    ]) {
      const strict = ['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--noEmit'];
      const how = ['--target', 'es2022', '--module', module, '--moduleResolution', moduleResolution];
      execFileSync(process.execPath, [tsc, ...strict, ...how, 'consumer.ts'], { cwd: EMPTY, encoding: 'utf8', stdio: 'pipe' });
    }
  });

  test('Node imports it by its name', () => {
    const code = `
      import { JitsiTokenService } from 'jaas-token';
      import * as whole from 'jaas-token/jaas-token.js';
      import 'jaas-token/jaas-token.global.js';
      const fetch = async () => Response.json({ token: ${JSON.stringify(tokenOf({ iat: 1, exp: 3601 }))} });
      const token = await new JitsiTokenService({ server: 'https://tokens.example', fetch }).getToken();
      console.log(token.split('.').length, Object.keys(whole).length);
    `;
    const said = execFileSync(process.execPath, ['--input-type=module', '--eval', code], { cwd: EMPTY, encoding: 'utf8' });
    assert.equal(said, '3 5\n');
  });

  test('the global script defines one name, with every export', async () => {
    const client = await import('../jaas-token.js');
    const code = `${read(GLOBAL)}; console.log(Object.keys(JaasToken).sort().join())`;
    const said = execFileSync(process.execPath, ['--eval', code], { encoding: 'utf8' });
    assert.equal(said.trim(), Object.keys(client).sort().join());
  });

  test('it works where a runtime lacks the newest web interfaces', async (t) => {
    const { JitsiTokenService } = await import(pathToFileURL(join(INSTALLED, 'jaas-token.js')).href);
    bare(t);
    const server = service();
    const tokens = new JitsiTokenService({ server: 'https://tokens.example', fetch: server.fetch });
    assert.equal((await tokens.getToken({ room: 'r', signal: new AbortController().signal })).split('.').length, 3);
  });
});

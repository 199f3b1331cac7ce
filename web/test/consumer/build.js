/**
 * Packs the client as npm does, installs the package into an empty project, and builds with it what its users build:
 * the examples, a bundle of everything, and the global script for pages without modules.
 *
 * Everything goes below `target/web-consumer`: `empty` is the project with nothing but the package, `dist` has the
 * builds. What is up to date is left as it is. `--global` writes the global script into `web/`.
 */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const WEB = join(HERE, '../..');
export const FOLDER = join(WEB, '../target/web-consumer');
export const GLOBAL = 'jaas-token.global.js';

const MODULES = join(FOLDER, 'node_modules');
const NPM_OPTIONS = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel', 'error', '--fetch-retries', '1'];

/** @param {string[]} args */
function npm(args, folder) {
  return execFileSync('npm', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], timeout: 180_000 });
}

/** Installs what the lock file names, once. */
function install() {
  const lock = readFileSync(join(HERE, 'package-lock.json'), 'utf8');
  const stamp = join(FOLDER, 'installed');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  for (const file of ['package.json', 'package-lock.json']) cpSync(join(HERE, file), join(FOLDER, file));
  npm(['ci', ...NPM_OPTIONS], FOLDER);
  writeFileSync(stamp, lock);
}

/** A digest of all that the builds are made of. */
function inputs() {
  const hash = createHash('sha256');
  const add = (path) => {
    hash.update(path).update(readFileSync(join(WEB, path)));
  };
  const { files } = JSON.parse(readFileSync(join(WEB, 'package.json'), 'utf8'));
  for (const path of ['package.json', ...files.filter((file) => file !== GLOBAL)]) add(path);
  for (const folder of ['examples', 'test/consumer']) {
    for (const entry of readdirSync(join(WEB, folder), { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) add(join(entry.parentPath ?? entry.path, entry.name).slice(WEB.length));
    }
  }
  return hash.digest('hex');
}

/** `npm pack`, and `npm install` of the result into a project with nothing else. */
function installPackage() {
  const empty = join(FOLDER, 'empty');
  rmSync(empty, { recursive: true, force: true });
  mkdirSync(empty, { recursive: true });
  writeFileSync(join(empty, 'package.json'), '{ "private": true, "type": "module" }\n');
  const [packed] = JSON.parse(npm(['pack', '--json', '--ignore-scripts', '--pack-destination', empty], WEB));
  writeFileSync(join(FOLDER, 'packed.json'), JSON.stringify(packed.files.map(({ path }) => path).sort()));
  npm(['install', '--offline', ...NPM_OPTIONS, `./${packed.filename}`], empty);
  rmSync(join(MODULES, 'jaas-token'), { recursive: true, force: true });
  cpSync(join(empty, 'node_modules/jaas-token'), join(MODULES, 'jaas-token'), { recursive: true });
}

/** @param {(build: any, vue: any) => Promise<unknown>} run */
async function withVite(run) {
  const load = (path) => import(pathToFileURL(join(MODULES, path)).href);
  const { build } = await load('vite/dist/node/index.js');
  const { default: vue } = await load('@vitejs/plugin-vue/dist/index.mjs');
  await run((options) => build({ configFile: false, logLevel: 'error', ...options }), vue);
}

/** The client as a script for pages without modules, in which it is `JaasToken`. */
async function buildGlobal(build, outDir) {
  await build({
    root: WEB,
    build: {
      outDir,
      emptyOutDir: true,
      // The same as the browsers of jaas-token.js: private fields and methods.
      target: 'es2022',
      lib: { entry: join(WEB, 'jaas-token.js'), formats: ['iife'], name: 'JaasToken', fileName: () => GLOBAL },
    },
  });
}

/** A project of a user's own, that takes everything from the package. */
async function buildBundle(build) {
  const root = join(FOLDER, 'bundle');
  mkdirSync(root, { recursive: true });
  writeFileSync(join(root, 'main.js'), "import * as client from 'jaas-token';\nwindow.client = client;\n");
  writeFileSync(
    join(root, 'index.html'),
    '<!doctype html><html lang="en"><title>bundle</title><link rel="icon" href="data:,"><script type="module" src="./main.js"></script></html>\n',
  );
  await build({ root, base: './', build: { outDir: join(FOLDER, 'dist/bundle'), emptyOutDir: true, modulePreload: false } });
}

async function buildExamples(build, vue) {
  for (const name of ['react', 'vue']) {
    // Beside the installed packages, as in a project of its own.
    const root = join(FOLDER, 'examples', name);
    rmSync(root, { recursive: true, force: true });
    cpSync(join(WEB, 'examples', name), root, { recursive: true });
    await build({
      root,
      base: './',
      plugins: name === 'vue' ? [vue()] : [],
      build: { outDir: join(FOLDER, 'dist', name), emptyOutDir: true },
    });
  }
}

/** Builds everything, unless it was built of the same. */
export async function prepare() {
  install();
  const stamp = join(FOLDER, 'built');
  const digest = inputs();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return;
  installPackage();
  await withVite(async (build, vue) => {
    await buildGlobal(build, join(FOLDER, 'dist/global'));
    await buildBundle(build);
    await buildExamples(build, vue);
  });
  writeFileSync(stamp, digest);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--global')) {
    install();
    await withVite((build) => buildGlobal(build, join(FOLDER, 'dist/global')));
    cpSync(join(FOLDER, 'dist/global', GLOBAL), join(WEB, GLOBAL));
  } else {
    await prepare();
  }
}

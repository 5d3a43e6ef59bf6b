import { join } from 'node:path'
import { ensureDebianPackages } from '../servers/ensure-debian-packages.ts'
import { ensureNpmPackages } from '../servers/ensure-npm-packages.ts'
import { runInBrowser } from './in-browser.ts'
import { runInProcess } from './in-process.ts'
import { runInWorkerd } from './in-workerd.ts'
import { BRIDGES, type Bridge, type Report } from './report.ts'
import type { Scene } from './scene.ts'

const FOLDER = join(import.meta.dirname, 'runtimes')
const MODULES = join(FOLDER, 'node_modules')

/** A runtime that the suite runs in. */
export interface Runtime {
  readonly name: string
  /** What its report must say that it is: the suite must not run elsewhere by mistake. */
  readonly is: RegExp
  /** Whether it has JSPI by itself. */
  readonly jspi: boolean
  /** What it can use; the suite asks for the other one, too, and expects to be refused. */
  readonly bridges: readonly Bridge[]
  /** Cases of the suite: none may be missing. */
  readonly cases: number
  run(scene: Scene, bridge: Bridge): Promise<Report>
}

const CASES = 19
/** Where pages can be kept by the Cache API. */
const CACHE_CASES = 1
/** Where a bridge is refused. */
const REFUSED_CASES = 1

const bridgesOf = (jspi: boolean): readonly Bridge[] => (jspi ? BRIDGES : ['asyncify'])
const casesOf = (jspi: boolean): number => CASES + (jspi ? 0 : REFUSED_CASES)

const node = (major: number, jspi: boolean): Runtime => ({
  name: `Node ${major}`,
  is: new RegExp(`^Node ${major}\\.`),
  jspi,
  bridges: bridgesOf(jspi),
  cases: casesOf(jspi),
  run: (scene, bridge) => runInProcess([join(MODULES, `node-${major}/bin/node`)], scene, bridge),
})

const browser = (name: string, is: RegExp, jspi: boolean, where: 'main' | 'worker'): Runtime => ({
  name: `${name}, ${where === 'main' ? 'main thread' : 'worker'}`,
  is,
  jspi,
  bridges: bridgesOf(jspi),
  cases: casesOf(jspi) + CACHE_CASES,
  run: (scene, bridge) => runInBrowser(name, scene, bridge, where),
})

/** Every runtime of bridges.md 1. */
export const RUNTIMES: readonly Runtime[] = [
  node(22, false),
  node(24, true),
  node(26, true),
  {
    name: 'Deno',
    is: /^Deno 2\./,
    jspi: true,
    bridges: BRIDGES,
    cases: CASES,
    run: (scene, bridge) => runInProcess([join(MODULES, '.bin/deno'), 'run', '-A'], scene, bridge),
  },
  {
    name: 'Bun',
    is: /^Bun 1\./,
    jspi: true,
    bridges: BRIDGES,
    cases: CASES,
    run: (scene, bridge) => runInProcess([join(MODULES, '.bin/bun')], scene, bridge),
  },
  {
    name: 'workerd',
    is: /^Cloudflare-Workers$/,
    jspi: true,
    bridges: ['jspi'],
    cases: CASES + CACHE_CASES + REFUSED_CASES,
    run: runInWorkerd,
  },
  browser('Chromium', /Chrome\/\d+/, true, 'main'),
  browser('Chromium', /Chrome\/\d+/, true, 'worker'),
  browser('Firefox', /Firefox\/\d+/, true, 'main'),
  browser('Firefox', /Firefox\/\d+/, true, 'worker'),
  browser('WebKitGTK', /AppleWebKit\/.* Version\/\d+.* Safari/, false, 'main'),
  browser('WebKitGTK', /AppleWebKit\/.* Version\/\d+.* Safari/, false, 'worker'),
]

/**
 * Install what is missing: runtimes from npm, as `runtimes/package.json` pins them, and browsers from Debian.
 * @throws Error with the command that would install them
 */
export async function ensureRuntimes(): Promise<void> {
  await ensureDebianPackages({
    programs: ['chromium', 'firefox-esr', 'WebKitWebDriver', 'xvfb-run', 'dbus-run-session'],
    packages: ['chromium', 'firefox-esr', 'webkit2gtk-driver', 'xvfb', 'xauth', 'dbus'],
  })
  await ensureNpmPackages(FOLDER)
}

import { join } from 'node:path'
import { ensureDebianPackages } from '../servers/ensure-debian-packages.ts'
import { ensureNpmPackages } from '../servers/ensure-npm-packages.ts'
import { runInBrowser } from './in-browser.ts'
import { runInProcess } from './in-process.ts'
import { runInWorkerd } from './in-workerd.ts'
import type { Bridge, Report } from './report.ts'
import type { Scene } from './scene.ts'

const FOLDER = join(import.meta.dirname, 'runtimes')
const MODULES = join(FOLDER, 'node_modules')

/** A runtime that the suite runs in. */
export interface Runtime {
  readonly name: string
  /** What its report must say that it is: the suite must not run elsewhere by mistake. */
  readonly is: RegExp
  /** Whether it has JSPI by itself. Then both bridges are run, otherwise only fault and retry. */
  readonly jspi: boolean
  /** Cases of the suite on a bridge: none may be missing. */
  readonly cases: Readonly<Record<Bridge, number>>
  run(scene: Scene, bridge: Bridge): Promise<Report>
}

/** Where pages can be kept by the Cache API there is one more. */
const PROCESS_CASES = { jspi: 11, fault: 10 }
const WEB_CASES = { jspi: 12, fault: 11 }

const node = (major: number, jspi: boolean): Runtime => ({
  name: `Node ${major}`,
  is: new RegExp(`^Node ${major}\\.`),
  jspi,
  cases: PROCESS_CASES,
  run: (scene, bridge) => runInProcess([join(MODULES, `node-${major}/bin/node`)], scene, bridge),
})

const browser = (name: string, is: RegExp, jspi: boolean, where: 'main' | 'worker'): Runtime => ({
  name: `${name}, ${where === 'main' ? 'main thread' : 'worker'}`,
  is,
  jspi,
  cases: WEB_CASES,
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
    cases: PROCESS_CASES,
    run: (scene, bridge) => runInProcess([join(MODULES, '.bin/deno'), 'run', '-A'], scene, bridge),
  },
  {
    name: 'Bun',
    is: /^Bun 1\./,
    jspi: true,
    cases: PROCESS_CASES,
    run: (scene, bridge) => runInProcess([join(MODULES, '.bin/bun')], scene, bridge),
  },
  { name: 'workerd', is: /^Cloudflare-Workers$/, jspi: true, cases: WEB_CASES, run: runInWorkerd },
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

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bridge, Report } from './report.ts'
import type { Scene } from './scene.ts'

/** How a browser is started with a page and a profile of its own, without a screen. */
const COMMANDS: Readonly<Record<string, (profile: string) => readonly string[]>> = {
  Chromium: (profile) => [
    'chromium',
    '--headless=new',
    '--no-sandbox', // as root there is none
    '--disable-gpu',
    '--no-first-run',
    `--user-data-dir=${profile}`,
  ],
  Firefox: (profile) => ['firefox-esr', '--headless', '--no-remote', '--profile', profile],
  WebKitGTK: () => [
    'xvfb-run',
    '-a',
    'dbus-run-session',
    '/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser',
    '--private',
  ],
}

const WEBKIT_ENV = { WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1', NO_AT_BRIDGE: '1' }
let runs = 0

/** Open the suite's page in a browser and wait for what it reports. */
export async function runInBrowser(
  name: string,
  scene: Scene,
  bridge: Bridge,
  where: 'main' | 'worker',
): Promise<Report> {
  const id = String(++runs)
  const profile = await mkdtemp(join(tmpdir(), 'litetap-browser-'))
  const [program = '', ...args] = COMMANDS[name]!(profile)
  const page = `${scene.origin}/files/page/page.html?bridge=${bridge}&in=${where}&id=${id}`
  const child = spawn(program, [...args, page], {
    detached: true, // a group of its own: a browser is many processes
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...WEBKIT_ENV, HOME: profile },
  })
  let said = ''
  child.stderr.on('data', (chunk) => {
    said = `${said}${chunk}`.slice(-2000)
  })
  try {
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`${name} ended with ${code} before it reported: ${said}`)
    })
    return await Promise.race([scene.reportOf(id), ended])
  } finally {
    await stop(child)
    await rm(profile, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.pid === undefined) return
  const ended = once(child, 'exit')
  ended.catch(() => {})
  process.kill(-child.pid, 'SIGTERM')
  const timer = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), 5000)
  await ended
  clearTimeout(timer)
}

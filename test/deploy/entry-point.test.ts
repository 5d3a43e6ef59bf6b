import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DockerfileParser } from 'dockerfile-ast'
import { expect, onTestFinished, test } from 'vitest'
import { countRows, insert, newScene, type Scene } from '../cli/scene.ts'
import { cli, until } from '../cli/support.ts'
import { deployText, ROOT } from './support.ts'

/** The entry point as the Dockerfile says it; the program is taken from where it is here. */
function entryPoint(): string[] {
  const [instruction] = DockerfileParser.parse(deployText('docker/Dockerfile'))
    .getInstructions()
    .filter((one) => one.getKeyword() === 'ENTRYPOINT')
  const words = JSON.parse(instruction!.getRawArgumentsContent()!) as string[]
  return words.map((word) => {
    if (word === 'node') return process.execPath
    return word.replace(/^\/opt\/litetap\/dist\/(.*)\.js$/, join(ROOT, '$1.ts'))
  })
}

/** How to run a command as process 1 of a PID namespace, as a container does; empty where that is not allowed. */
function asProcessOne(): string[] {
  const ways = [
    ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'],
    ['unshare', '--user', '--map-root-user', '--pid', '--fork', '--kill-child', '--mount-proc'],
  ]
  for (const way of ways) {
    try {
      execFileSync(way[0]!, [...way.slice(1), 'true'], { stdio: 'ignore' })
      return way
    } catch {} // the next one, or none: then it is any process
  }
  return []
}

interface Running {
  readonly text: () => string
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  kill(signal: NodeJS.Signals): void
}

function runEntryPoint(args: readonly string[]): Running {
  const way = asProcessOne()
  const [command, ...rest] = [...way, ...entryPoint(), ...args]
  const child = spawn(command!, rest, { stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += chunk))
  return {
    text: () => text,
    ended: new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal }))),
    // unshare keeps signals to itself: a container's runtime sends them to process 1.
    kill: (signal) => void process.kill(way.length > 0 ? onlyChild(child) : child.pid!, signal),
  }
}

function onlyChild({ pid }: ChildProcess): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0])
}

async function restoredRows({ dir, url }: Scene): Promise<number> {
  const out = join(dir, 'restored.db')
  expect(await cli(['restore', '-o', out, url])).toMatchObject({ code: 0 })
  return countRows(out)
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s ends it in good order: the last commit is in the replica, exit code 0',
  async (signal) => {
    const scene = newScene(1)
    const running = runEntryPoint(['replicate', scene.db, scene.url])
    await until('replication', () => existsSync(join(scene.replicaDir, 'ltx/0')))
    insert(scene.db, 20)
    running.kill(signal)
    expect(await running.ended, running.text()).toEqual({ code: 0, signal: null })
    expect(await restoredRows(scene)).toBe(21)
  },
)

test('the command of -exec gets the signal, ends first, and its last commit is in the replica', async () => {
  const scene = newScene(1)
  const app = join(import.meta.dirname, 'app.ts')
  const command = `${process.execPath} ${app} ${scene.db}`
  const running = runEntryPoint(['replicate', '-exec', command, scene.db, scene.url])
  await until('the application', () => running.text().includes('ready'))
  running.kill('SIGTERM')
  expect(await running.ended, running.text()).toEqual({ code: 0, signal: null })
  expect(running.text()).toContain('one more row')
  expect(await restoredRows(scene)).toBe(2)
})

test('without a command it says how it is used, exit code 1', async () => {
  const running = runEntryPoint([])
  expect(await running.ended).toEqual({ code: 1, signal: null })
  expect(running.text()).toMatch(/Usage:/)
})

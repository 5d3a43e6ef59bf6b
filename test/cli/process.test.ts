import { describe, expect, test } from 'vitest'
import { parseExec, startChild } from '../../cli/child.ts'
import { spawnCli } from './support.ts'

describe('the process', () => {
  test('exit codes and streams', async () => {
    expect(await spawnCli(['help']).outcome).toMatchObject({ code: 0, stderr: '' })
    expect(await spawnCli([]).outcome).toMatchObject({ code: 1, stderr: '' })
    expect(await spawnCli(['bogus']).outcome).toMatchObject({
      code: 1,
      stdout: '',
      stderr: 'Error: litetap bogus: unknown command\nTry: litetap help\n',
    })
  })

  test.each(['help', 'version'])('%s loads nothing of the other folders', async (command) => {
    const hook = `
      import { registerHooks } from 'node:module'
      registerHooks({ load(url, context, next) { process.stderr.write(url + '\\n'); return next(url, context) } })`
    const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hook)}` }
    const { code, stderr } = await spawnCli([command], { env }).outcome
    expect(code).toBe(0)
    expect(stderr).toContain('/cli/run.ts')
    const root = new URL('../../', import.meta.url).href // whose own path may have any names in it
    const loaded = stderr.replaceAll(root, '/').split('\n')
    expect(
      loaded.filter((url) => /\/(ltx|storage|replica|writer|gateway|node_modules)\/|node:sqlite/.test(url)),
    ).toEqual([])
  })

  test('a warning about node:sqlite is kept from stderr, others are not', async () => {
    const hook = `setTimeout(() => {
      process.emitWarning('SQLite is an experimental feature and might change at any time', 'ExperimentalWarning')
      process.emitWarning('other')
    })`
    const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hook)}` }
    const { stderr } = await spawnCli(['version'], { env }).outcome
    expect(stderr).not.toContain('SQLite')
    expect(stderr).toContain('Warning: other')
  })

  test('a reader that goes away ends nothing with a stack trace', async () => {
    const { child, outcome } = spawnCli(['help', 'restore'])
    child.stdout.destroy()
    expect(await outcome).toMatchObject({ code: 0, stderr: '' })
  })
})

describe('the command of -exec', () => {
  const io = { env: process.env, cwd: process.cwd() }

  test('its exit code', async () => {
    const child = await startChild(parseExec(`sh -c 'exit 3'`), io)
    expect(await child.ended).toEqual({ code: 3, signal: null })
  })

  test('gets signals', async () => {
    const child = await startChild(parseExec('sleep 60'), io)
    child.signal('SIGTERM')
    expect(await child.ended).toEqual({ code: null, signal: 'SIGTERM' })
    child.signal('SIGTERM')
  })

  test('that does not exist', async () => {
    await expect(startChild(['no-such-command-here'], io)).rejects.toThrow(
      'cannot start exec command "no-such-command-here": no such file, or not in $PATH',
    )
  })
})

import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { ensureDebianPackages } from '../servers/ensure-debian-packages.ts'
import { tempDir } from '../support/temp-dir.ts'
import { databasePaths, loadDeployConfig, longestShutdownMs } from './load-deploy-config.ts'
import { deployText, seconds } from './support.ts'

const UNIT = 'systemd/litetap.service'
/** Of systemd-analyze security, 0 to 10: up to 4 it calls a unit OK. */
const EXPOSURE_MAX = 3

/** The settings of the unit; of one that is given several times, all values. */
function settings(): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const line of deployText(UNIT).split('\n')) {
    const [, name, value] = /^(\w+)=(.*)$/.exec(line) ?? []
    if (name !== undefined) found.set(name, [...(found.get(name) ?? []), value!])
  }
  return found
}
const setting = (name: string) => settings().get(name)![0]!
const config = () => loadDeployConfig('systemd/litestream.yml')

test('litetap runs with the configuration beside it, and is begun again', () => {
  expect(setting('ExecStart')).toBe('/usr/local/bin/litetap replicate -config /etc/litetap/litestream.yml')
  expect(setting('Restart')).toBe('always')
})

test('what it writes may be written', () => {
  for (const path of databasePaths(config())) expect(path.startsWith(`${setting('ReadWritePaths')}/`)).toBe(true)
  expect(config().socket.path.startsWith(`/run/${setting('RuntimeDirectory')}/`)).toBe(true)
})

test('the last upload has the time that it may take, and the first signal goes to litetap alone', () => {
  expect(seconds(setting('TimeoutStopSec'))).toBeGreaterThan(longestShutdownMs(config()) / 1000)
  expect(setting('KillMode')).toBe('mixed')
})

test('Node may compile', () => {
  expect(settings().has('MemoryDenyWriteExecute')).toBe(false)
})

describe('systemd itself', () => {
  beforeAll(() => ensureDebianPackages({ programs: ['systemd-analyze'], packages: ['systemd'] }))

  /** The unit as a file that systemd can check here: its program and its user are those of this machine. */
  function unitFile(): string {
    const file = join(tempDir(), 'litetap.service')
    const text = deployText(UNIT)
      .replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`)
      .replace(/^(User|Group)=app$/gm, '$1=daemon')
    writeFileSync(file, text)
    return file
  }
  const analyze = promisify(execFile)

  test('finds nothing to complain about', async () => {
    const { stdout, stderr } = await analyze('systemd-analyze', ['verify', '--man=no', unitFile()])
    expect(complaints(stdout + stderr)).toEqual([])
  })

  test('a mistake would be found', async () => {
    const file = unitFile()
    writeFileSync(file, deployText(UNIT).replace('Restart=always', 'Restart=ever\nNoSuchSetting=1'))
    const { stdout, stderr } = await analyze('systemd-analyze', ['verify', '--man=no', file]).catch(
      (error: { stdout: string; stderr: string }) => error,
    )
    expect(complaints(stdout + stderr).join('\n')).toMatch(/NoSuchSetting/)
  })

  test('calls it well protected', async () => {
    const { stdout } = await analyze('systemd-analyze', ['security', '--offline=true', '--no-pager', unitFile()])
    const [, exposure] = /Overall exposure level for litetap\.service: ([\d.]+)/.exec(stdout)!
    expect(Number(exposure)).toBeLessThan(EXPOSURE_MAX)
  })
})

/** Lines about our unit; what it says of others on this machine is no matter of ours. */
function complaints(text: string): string[] {
  return text.split('\n').filter((line) => line.includes('litetap.service'))
}

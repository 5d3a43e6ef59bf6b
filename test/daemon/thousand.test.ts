import { constants, copyFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { tempDir } from '../support/temp-dir.ts'
import { commit, config, createDatabase, directory, isSynced, isWhole, newDaemon, SETTINGS, until } from './scene.ts'

const COUNT = 1000

function timers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
}

function descriptors(): number {
  return readdirSync('/proc/self/fd').length
}

it(`${COUNT} idle databases: no request, no descriptor, no timer of their own; each wakes alone`, async () => {
  const dir = tempDir()
  const template = join(tempDir(), 'template.db')
  createDatabase(template)
  for (let i = 0; i < COUNT; i++) copyFileSync(template, join(dir, `${i}.db`), constants.COPYFILE_FICLONE)
  const before = { timers: timers(), descriptors: descriptors() }
  const levels = [{ level: 1, intervalMs: 500 }]
  const settings = { ...SETTINGS, checkpointIntervalMs: 0, l0RetentionMs: 0, levels }
  const { daemon, ...scene } = newDaemon(config([directory(dir, { settings })]), { ours: true })
  await daemon.open()
  await until('all to be synced', () => daemon.list().every(isSynced), 55_000)
  expect(daemon.list()).toHaveLength(COUNT)
  await until('all to be parked', () => descriptors() < before.descriptors + 20, 30_000)
  await until('all timers to end', () => timers() < before.timers + 20, 30_000).catch(() => {})
  expect(timers(), 'timers').toBeLessThan(before.timers + 20)
  await until('the first rounds of maintenance to end', async () => {
    const { requests } = scene.stores
    await delay(300)
    return scene.stores.requests === requests
  })
  const requests = scene.stores.requests
  await delay(1500)
  expect(scene.stores.requests, 'requests while idle').toBe(requests)
  for (const i of [0, 499, 999]) {
    const path = join(dir, `${i}.db`)
    commit(path, i)
    await until(path, () => isWhole(scene, path, `/replica/${i}.db`))
  }
  expect(scene.stores.requests - requests, 'requests for three commits, and three restores').toBeLessThan(150)
  await daemon.close()
  expect(descriptors(), 'descriptors at the end').toBeLessThan(before.descriptors + 10)
  expect(timers(), 'timers at the end').toBeLessThanOrEqual(before.timers + 1)
}, 150_000)

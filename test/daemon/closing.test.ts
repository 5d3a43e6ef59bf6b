import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Lease, type ReplicaClient } from '../../storage/index.ts'
import { tempDir } from '../support/temp-dir.ts'
import { commit, config, createDatabase, database, directory, isSynced, newDaemon, Stores, until } from './scene.ts'

function databases(n: number): string[] {
  const dir = tempDir()
  const paths = Array.from({ length: n }, (_, i) => join(dir, `${i}.db`))
  for (const path of paths) createDatabase(path)
  return paths
}

/** Replicas that are opened when they are let: `asked` says how many were waited for. */
function gatedReplicas(stores = new Stores()) {
  const gate = Promise.withResolvers<void>()
  let asked = 0
  return {
    asked: () => asked,
    let: gate.resolve,
    openReplica: async (replica: object): Promise<ReplicaClient> => {
      asked++
      await gate.promise
      return stores.open((replica as { path: string }).path)
    },
  }
}

const watchers = () => process.getActiveResourcesInfo().filter((name) => name === 'FSEventWrap').length

const states = (scene: ReturnType<typeof newDaemon>) => scene.daemon.list().map(({ state }) => state)

describe('close', () => {
  it.each([true, false])(
    'while databases are looked for: none begins, no folder is watched (strict: %s)',
    async (strict) => {
      const [path] = databases(1) as [string]
      const scene = newDaemon(config([database(path), directory(tempDir(), { watch: true })]))
      const before = watchers()
      const opening = scene.daemon.open({ strict })
      await scene.daemon.close()
      await opening
      expect(states(scene)).toEqual([])
      expect(scene.stores.requests).toBe(0)
      expect(watchers()).toBe(before)
    },
  )

  it('while replicas are opened: what waits for one does not go on, what waits for its turn does not begin', async () => {
    const paths = databases(60)
    const replicas = gatedReplicas()
    const scene = newDaemon(config(paths.map((path) => database(path))), replicas)
    const opening = scene.daemon.open({ strict: true })
    await until('the first ones', () => replicas.asked() > 0)
    const asked = replicas.asked()
    expect(asked).toBeLessThan(paths.length)
    await scene.daemon.close()
    replicas.let()
    await opening
    expect(replicas.asked()).toBe(asked)
    expect(new Set(states(scene))).toEqual(new Set(['stopped']))
  })

  it('while a store does not answer yet: what waits for it does not go on', async () => {
    const [path] = databases(1) as [string]
    const stores = new Stores()
    const gate = Promise.withResolvers<void>()
    let isAsked = false
    const scene = newDaemon(config([database(path)]), {
      openReplica: async () =>
        new Proxy(stores.open(path), {
          get: (target, key) => {
            const value = Reflect.get(target, key)
            if (key !== 'list') return typeof value === 'function' ? value.bind(target) : value
            return async function* (...args: Parameters<ReplicaClient['list']>) {
              isAsked = true
              await gate.promise
              yield* target.list(...args)
            }
          },
        }),
    })
    const opening = scene.daemon.open({ strict: true })
    await until('the store to be asked', () => isAsked)
    await scene.daemon.close()
    gate.resolve()
    await opening
    expect(states(scene)).toEqual(['stopped'])
    const { requests } = stores
    commit(path)
    await delay(200)
    expect(stores.requests).toBe(requests)
  })

  it('while what is missing is restored: no other restore begins, and nothing is told to be tried again', async () => {
    const dir = tempDir()
    const paths = Array.from({ length: 12 }, (_, i) => join(dir, `${i}.db`))
    const replicas = gatedReplicas()
    const errors: string[] = []
    const log = { debug() {}, info() {}, warn() {}, error: (text: string) => void errors.push(text) }
    const entries = paths.map((path) => database(path, { restoreIfMissing: true }))
    const scene = newDaemon(config([...entries, directory(tempDir(), { watch: true })]), { ...replicas, log })
    const before = watchers()
    const opening = scene.daemon.open()
    await until('the first ones', () => replicas.asked() > 0)
    const asked = replicas.asked()
    await scene.daemon.close()
    replicas.let()
    await opening
    expect(replicas.asked()).toBe(asked)
    expect(errors).toEqual([])
    expect(watchers()).toBe(before)
  })

  it.each(['at once', 'while it is let go of'])('when a database failed, %s: it is not begun again', async (when) => {
    const path = join(tempDir(), 'no.db')
    writeFileSync(path, 'no database at all\n'.repeat(300))
    const closed = Promise.withResolvers<void>()
    const close = () => void scene.daemon.close().then(closed.resolve, closed.reject)
    const failed = () => (when === 'at once' ? close() : queueMicrotask(close))
    const scene = newDaemon(config([database(path)]), { events: { failed } })
    await scene.daemon.open()
    await closed.promise
    expect(states(scene)).toEqual(['stopped'])
    await delay(100)
    expect(states(scene)).toEqual(['stopped'])
  })

  it('while a database that is gone is let go of: what came beside it is not begun', async () => {
    const dir = tempDir()
    const [gone, come] = [join(dir, 'gone.db'), join(dir, 'new.db')]
    createDatabase(gone)
    const stores = new Stores()
    const closing = Promise.withResolvers<void>()
    onTestFinished(() => closing.resolve())
    let isClosing = false
    const scene = newDaemon(config([directory(dir, { watch: true })]), {
      openReplica: async (replica) => {
        const client = stores.open((replica as { path: string }).path)
        return new Proxy(client, {
          get: (target, key) => {
            const value = Reflect.get(target, key)
            if (key !== 'close') return typeof value === 'function' ? value.bind(target) : value
            return async () => {
              isClosing = true
              await closing.promise
            }
          },
        })
      },
    })
    await scene.daemon.open()
    await until('the first sync', () => isSynced(scene.daemon.report(gone)))
    for (const suffix of ['', '-wal', '-shm']) rmSync(gone + suffix, { force: true })
    createDatabase(come)
    await until('it to be let go of', () => isClosing)
    await scene.daemon.close()
    closing.resolve()
    await delay(100)
    expect(scene.daemon.list()).toEqual([])
  })
})

describe('one database', () => {
  it('that is unregistered while it is registered is not begun', async () => {
    const [path] = databases(1) as [string]
    const stores = new Stores()
    const replicas = gatedReplicas(stores)
    const scene = newDaemon(config([]), replicas)
    await scene.daemon.open()
    const registering = scene.daemon.register(path, { type: 'file', path }).catch((error: Error) => error)
    await until('its replica to be asked for', () => replicas.asked() === 1)
    await scene.daemon.unregister(path)
    replicas.let()
    expect(await registering).toMatchObject({ name: 'AbortError' })
    await delay(100)
    expect(stores.requests).toBe(0)
    expect(scene.daemon.list()).toEqual([])
  })

  it('that is registered anew meanwhile stays', async () => {
    const [path] = databases(1) as [string]
    const replicas = gatedReplicas()
    const scene = newDaemon(config([]), replicas)
    await scene.daemon.open()
    const first = scene.daemon.register(path, { type: 'file', path })
    const failed = expect(first).rejects.toMatchObject({ name: 'AbortError' })
    await scene.daemon.unregister(path)
    const second = scene.daemon.register(path, { type: 'file', path })
    replicas.let()
    await failed
    expect(await second).toBe(true)
    await until('the first sync', () => isSynced(scene.daemon.report(path)))
  })

  it('that is registered before the opening comes to it begins once', async () => {
    const [path] = databases(1) as [string]
    let leases = 0
    const scene = newDaemon(config([database(path)]), {
      openLease: async (client) => {
        leases++
        return new Lease(client.lease!, { owner: 'test', now: Date.now })
      },
    })
    await scene.daemon.register(path, { type: 'file', path })
    await until('it to begin', () => leases > 0)
    await scene.daemon.open({ strict: true })
    await until('the first sync', () => isSynced(scene.daemon.report(path)))
    expect(leases).toBe(1)
  })

  it('that is asked again to start, after the time for that was over, starts once; a stop ends that', async () => {
    const [path] = databases(1) as [string]
    const stores = new Stores()
    let replicas = gatedReplicas(stores)
    replicas.let()
    const scene = newDaemon(config([database(path)]), {
      stores,
      openReplica: (replica) => replicas.openReplica(replica),
    })
    await scene.daemon.open()
    await until('the first sync', () => isSynced(scene.daemon.report(path)))
    await scene.daemon.stop(path)
    replicas = gatedReplicas(stores)
    await expect(scene.daemon.start(path, { timeoutMs: 20 })).rejects.toMatchObject({ code: 'DAEMON_TIMEOUT' })
    expect(await scene.daemon.start(path, { timeoutMs: 20 })).toBe(false)
    expect(replicas.asked()).toBe(1)
    expect(await scene.daemon.stop(path)).toBe(true)
    replicas.let()
    await delay(100)
    expect(states(scene)).toEqual(['stopped'])
    expect(await scene.daemon.start(path)).toBe(true)
    expect(states(scene)).toEqual(['replicating'])
  })
})

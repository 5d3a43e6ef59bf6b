import { getEventListeners } from 'node:events'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ConnectionPool } from '../../vfs/index.ts'
import { loadEngineModules } from '../../vfs/load-node.ts'

async function pool(poolSize: number): Promise<ConnectionPool> {
  const started = await ConnectionPool.start(await loadEngineModules(), { bridge: 'jspi', poolSize })
  onTestFinished(() => started.close())
  return started
}

/** Whether it has come by the time that all promises which can go on have gone on. */
async function hasCome(promise: Promise<unknown>): Promise<boolean> {
  return await Promise.race([
    promise.then(() => true),
    new Promise<false>((resolve) => setImmediate(() => resolve(false))),
  ])
}

describe('ConnectionPool', () => {
  test('an idle connection comes at once, the one that was used last; a new one only when there is none', async () => {
    const two = await pool(2)
    const first = await two.take(undefined)
    const second = await two.take(undefined)
    expect(second.connection).not.toBe(first.connection)
    two.give(second)
    two.give(first)
    const again = two.take(undefined)
    expect(again).not.toBeInstanceOf(Promise)
    expect((await again).connection).toBe(first.connection)
    expect((await two.take(undefined)).connection).toBe(second.connection)
  })

  test('no more than poolSize: others wait, and have their turn in their order', async () => {
    const one = await pool(1)
    const loan = await one.take(undefined)
    const order: number[] = []
    const waiting = [1, 2].map(async (n) => {
      const got = await one.take(undefined)
      order.push(n)
      return got
    })
    expect(await hasCome(Promise.race(waiting))).toBe(false)
    one.give(loan)
    const first = await waiting[0]!
    expect(first.connection).toBe(loan.connection)
    expect(order).toEqual([1])
    one.give(first)
    expect((await waiting[1]!).connection).toBe(loan.connection)
  })

  test('a loan that was given back is not given back again', async () => {
    const one = await pool(1)
    const loan = await one.take(undefined)
    one.give(loan)
    one.give(loan)
    const next = await one.take(undefined)
    const waiting = Promise.resolve(one.take(undefined))
    one.give(loan)
    expect(await hasCome(waiting)).toBe(false)
    one.give(next)
    expect((await waiting).connection).toBe(loan.connection)
  })

  test('a signal ends the wait, and the connection goes to the next', async () => {
    const one = await pool(1)
    const loan = await one.take(undefined)
    const aborting = new AbortController()
    const given = one.take(aborting.signal)
    const next = one.take(undefined)
    aborting.abort(new Error('enough'))
    await expect(given).rejects.toThrow('enough')
    one.give(loan)
    expect((await next).connection).toBe(loan.connection)
  })

  test('a signal that comes after the connection takes nothing away', async () => {
    const one = await pool(1)
    const loan = await one.take(undefined)
    const aborting = new AbortController()
    const given = one.take(aborting.signal)
    const next = Promise.resolve(one.take(undefined))
    one.give(loan)
    aborting.abort(new Error('too late'))
    const got = await given
    expect(got.connection).toBe(loan.connection)
    expect(await hasCome(next)).toBe(false)
    one.give(got)
    expect((await next).connection).toBe(loan.connection)
  })

  test('a signal that outlives the wait keeps nothing of it', async () => {
    const one = await pool(1)
    const connection = await one.take(undefined)
    const { signal } = new AbortController()
    const given = one.take(signal)
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    one.give(connection)
    await given
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  test('a signal that was aborted before: nothing is taken', async () => {
    const one = await pool(1)
    expect(() => one.take(AbortSignal.abort('no'))).toThrow('no')
    expect(one.take(undefined)).not.toBeInstanceOf(Promise)
  })

  test('closed: waiting ends, nothing is given out, and what comes back is shut down', async () => {
    const one = await pool(1)
    const loan = await one.take(undefined)
    const waiting = one.take(undefined)
    one.close()
    await expect(waiting).rejects.toMatchObject({ code: 'VFS_CLOSED' })
    expect(() => one.take(undefined)).toThrow(expect.objectContaining({ code: 'VFS_CLOSED' }))
    let shutDown = 0
    const { connection } = loan
    const original = connection.shutDown
    connection.shutDown = () => {
      shutDown++
      original.call(connection)
    }
    one.give(loan)
    expect(shutDown).toBe(1)
    expect(() => one.take(undefined)).toThrow(expect.objectContaining({ code: 'VFS_CLOSED' }))
  })

  test('closed: idle connections are shut down', async () => {
    const two = await pool(2)
    const loan = await two.take(undefined)
    let shutDown = 0
    loan.connection.shutDown = () => {
      shutDown++
    }
    two.give(loan)
    two.close()
    expect(shutDown).toBe(1)
  })

  test('an instance that cannot be started takes nobody’s place', async () => {
    const modules = { ...(await loadEngineModules()) }
    const one = await ConnectionPool.start(modules, { bridge: 'jspi', poolSize: 2 })
    onTestFinished(() => one.close())
    const first = await one.take(undefined)
    const { sqlite } = modules
    modules.sqlite = async () => modules.trampoline
    await expect(one.take(undefined)).rejects.toThrow()
    modules.sqlite = sqlite
    const second = await one.take(undefined)
    expect(second).not.toBe(first)
  })

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('poolSize %d is refused', async (poolSize) => {
    await expect(ConnectionPool.start(await loadEngineModules(), { poolSize })).rejects.toMatchObject({
      code: 'VFS_USAGE',
    })
  })

  test('of the usual size there are sixteen', async () => {
    const usual = await ConnectionPool.start(await loadEngineModules(), { bridge: 'jspi' })
    onTestFinished(() => usual.close())
    const taken = await Promise.all(Array.from({ length: 16 }, () => usual.take(undefined)))
    expect(new Set(taken).size).toBe(16)
    const waiting = Promise.resolve(usual.take(undefined))
    expect(await hasCome(waiting)).toBe(false)
    usual.give(taken[0]!)
    expect((await waiting).connection).toBe(taken[0]!.connection)
  })
})

import { beforeEach, describe, expect, test } from 'vitest'
import { Lease, type LeaseStore, memoryReplica } from '../../storage/index.ts'

describe('Lease (facts 8.1)', () => {
  let store: LeaseStore
  let time: number
  const now = (): number => time
  const leaseOf = (owner: string): Lease => new Lease(store, { owner, now })

  beforeEach(() => {
    store = memoryReplica({ path: 'app' }).lease
    time = Date.UTC(2026, 0, 2, 3, 4, 5, 600)
  })

  async function stored(): Promise<unknown> {
    const object = await store.get()
    return object && JSON.parse(new TextDecoder().decode(object.body))
  }

  test('writes what Litestream writes', async () => {
    expect(await leaseOf('host:1').acquire()).toEqual({ generation: 1, expiresAt: time + 30_000, owner: 'host:1' })
    const text = new TextDecoder().decode((await store.get())!.body)
    expect(text).toBe('{"generation":1,"expires_at":"2026-01-02T03:04:35.6Z","owner":"host:1"}')
    time += 31_000
    await leaseOf('').acquire()
    expect(await stored()).toEqual({ generation: 2, expires_at: '2026-01-02T03:05:06.6Z' })
  })

  test('is refused until it has expired, then passes on with the next generation', async () => {
    const first = leaseOf('host:1')
    const second = leaseOf('host:2')
    await first.acquire()
    time += 30_000 // the very last moment still counts
    await expect(second.acquire()).rejects.toMatchObject({
      code: 'STORAGE_LEASE_EXISTS',
      at: { owner: 'host:1', expiresAt: time },
      message: 'The lease is held by host:1 until 2026-01-02T03:04:35.6Z',
    })
    time += 1
    expect(await second.acquire()).toMatchObject({ generation: 2, owner: 'host:2' })
    await expect(first.renew()).rejects.toMatchObject({ code: 'STORAGE_LEASE_NOT_HELD' })
    expect(first.held).toBeUndefined()
    await expect(first.release()).rejects.toMatchObject({ code: 'STORAGE_LEASE_NOT_HELD' })
    expect(second.held).toMatchObject({ generation: 2 })
  })

  test('renewing keeps the generation and puts the expiry off', async () => {
    const lease = leaseOf('host:1')
    await lease.acquire()
    time += 10_000
    expect(await lease.renew()).toEqual({ generation: 1, expiresAt: time + 30_000, owner: 'host:1' })
    time += 10_000
    expect(await lease.renew()).toMatchObject({ generation: 1 })
  })

  test('release makes room at once; what is gone already is fine', async () => {
    const lease = leaseOf('host:1')
    await expect(lease.release()).rejects.toMatchObject({ code: 'STORAGE_LEASE_NOT_HELD' })
    await lease.acquire()
    await lease.release()
    expect(await stored()).toBeUndefined()
    expect(await leaseOf('host:2').acquire()).toMatchObject({ generation: 1 })

    const other = memoryReplica()
    const gone = new Lease(other.lease, { now })
    await gone.acquire()
    await other.deleteAll()
    await gone.release()
    expect(gone.held).toBeUndefined()
  })

  test('of many contenders one wins, the others learn who', async () => {
    const leases = Array.from({ length: 16 }, (_, index) => leaseOf(`host:${index}`))
    const results = await Promise.allSettled(leases.map((lease) => lease.acquire()))
    const winner = results.findIndex(({ status }) => status === 'fulfilled')
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const result of results) {
      if (result.status === 'rejected') {
        expect(result.reason).toMatchObject({ code: 'STORAGE_LEASE_EXISTS', at: { owner: `host:${winner}` } })
      }
    }
  })

  test('a damaged lease is never taken for an expired one', async () => {
    for (const text of ['', 'x', '{}', '{"generation":1}', '{"generation":1,"expires_at":"soon"}']) {
      store = memoryReplica().lease
      await store.put(new TextEncoder().encode(text), undefined)
      await expect(leaseOf('host:1').acquire()).rejects.toMatchObject({ code: 'STORAGE_BAD_LEASE' })
    }
  })
})

import { expect, test } from 'vitest'
import { Lease, type ReplicaClient } from '../../storage/index.ts'
import { TIMESTAMP } from '../storage/ltx-bytes.ts'

interface LeaseSubject {
  /** A new client of the same replica, each time. */
  client(path: string): ReplicaClient
  /** An object's content and type, as the store itself tells them. */
  read(key: string): Promise<{ readonly text: string; readonly type: string | undefined }>
}

/** The lease on a real store: one holder, Litestream's own object, and whoever is late learns who holds it. */
export function leaseSuite(name: string, make: () => Promise<LeaseSubject>): void {
  test(`the lease on ${name} is Litestream's object, and one holder's (facts 8.1)`, async () => {
    const subject = await make()
    let time = TIMESTAMP
    const now = (): number => time
    const leaseOf = (owner: string): Lease => new Lease(subject.client('app').lease!, { owner, now })
    const contenders = Array.from({ length: 8 }, (_, index) => leaseOf(`host:${index}`))
    const results = await Promise.allSettled(contenders.map((lease) => lease.acquire()))
    const winner = results.findIndex(({ status }) => status === 'fulfilled')
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const result of results) {
      if (result.status === 'fulfilled') continue
      expect(result.reason).toMatchObject({ code: 'STORAGE_LEASE_EXISTS', at: { owner: `host:${winner}` } })
    }
    expect(await subject.read('app/lock.json')).toEqual({
      text: `{"generation":1,"expires_at":"2026-01-02T03:04:35.678Z","owner":"host:${winner}"}`,
      type: 'application/json',
    })
    time += 20_000
    expect(await contenders[winner]!.renew()).toMatchObject({ generation: 1 })
    time += 31_000
    const next = leaseOf('host:next')
    expect(await next.acquire()).toMatchObject({ generation: 2 })
    await expect(contenders[winner]!.renew()).rejects.toMatchObject({ code: 'STORAGE_LEASE_NOT_HELD' })
    await next.release()
    expect(await subject.client('app').lease!.get()).toBeUndefined()
    await new Lease(subject.client('').lease!, { now }).acquire()
    expect((await subject.read('lock.json')).type).toBe('application/json')
  })
}

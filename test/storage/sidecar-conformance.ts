// What every replica client must do with what lies beside its files: a lease, a catalog, a page map.
import { describe, expect, test } from 'vitest'
import { CATALOG_NAME, isStorageError, PAGE_MAP_NAME } from '../../storage/index.ts'
import type { Get } from './conformance.ts'
import { listAll, ltxBytes, name } from './ltx-bytes.ts'

/** What a lease store must do. */
export function leases(get: Get): void {
  describe('lease store (facts 8.1)', () => {
    const body = (text: string): Uint8Array => new TextEncoder().encode(text)
    const lost = { code: 'STORAGE_PRECONDITION_FAILED' }

    test('create, replace, delete by version', async () => {
      const lease = get().client.lease!
      expect(await lease.get()).toBeUndefined()
      const first = await lease.put(body('one'), undefined)
      expect(await lease.get()).toEqual({ body: body('one'), version: first })
      await expect(lease.put(body('two'), undefined)).rejects.toMatchObject(lost)
      const second = await lease.put(body('two'), first)
      expect(second).not.toBe(first)
      await expect(lease.put(body('three'), first)).rejects.toMatchObject(lost)
      await expect(lease.delete(first)).rejects.toMatchObject(lost)
      expect(await lease.get()).toEqual({ body: body('two'), version: second })
      await lease.delete(second)
      expect(await lease.get()).toBeUndefined()
      await lease.delete(second)
      await expect(lease.put(body('four'), second)).rejects.toMatchObject(lost)
      await lease.put(body('five'), undefined)
      expect((await lease.get())?.body).toEqual(body('five'))
    })

    test('of 16 at once, one creates and one replaces', async () => {
      const { store } = get()
      const race = async (version: string | undefined): Promise<string[]> => {
        const puts = Array.from({ length: 16 }, (_, index) =>
          store.client('app').lease!.put(body(`${version} ${index}`), version),
        )
        const results = await Promise.allSettled(puts)
        for (const result of results) {
          if (result.status === 'rejected') expect(isStorageError(result.reason, lost.code as never)).toBe(true)
        }
        return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
      }
      const created = await race(undefined)
      expect(created).toHaveLength(1)
      const replaced = await race(created[0])
      expect(replaced).toHaveLength(1)
      expect((await get().client.lease!.get())?.version).toBe(replaced[0])
    })

    test('does not disturb the files', async () => {
      const { client } = get()
      await client.lease!.put(body('x'), undefined)
      for (const level of [0, 1, 9]) expect(await listAll(client, level)).toEqual([])
      await client.deleteAll()
      expect(await client.lease!.get()).toBeUndefined()
    })
  })
}

/** What writing beside the files must do. */
export function catalogs(get: Get): void {
  describe('catalog', () => {
    const body = (text: string): Uint8Array => new TextEncoder().encode(text)

    test('has one place, is replaced as a whole, is in no listing, and goes with the rest', async () => {
      const { client, store } = get()
      await client.write(name(0, 1), ltxBytes({ min: 1 }))
      await client.writeSidecar!(CATALOG_NAME, body('one'))
      await client.writeSidecar!(CATALOG_NAME, body('two'))
      await client.writeSidecar!(PAGE_MAP_NAME, body('map'))
      const keys = await store.keys()
      expect(keys).toContain('app/litetap/catalog.json')
      expect(keys).toContain('app/litetap/pages.map')
      expect(keys).toHaveLength(3)
      for (let level = 0; level <= 9; level++) expect(await listAll(client, level)).toHaveLength(level === 0 ? 1 : 0)
      await client.deleteAll()
      expect(await store.keys()).toEqual([])
    })

    test('an aborted or closed client writes none', async () => {
      const { client, store } = get()
      const reason = new Error('enough')
      await expect(client.writeSidecar!(CATALOG_NAME, body('x'), AbortSignal.abort(reason))).rejects.toBe(reason)
      await client.close()
      await expect(client.writeSidecar!(CATALOG_NAME, body('x'))).rejects.toMatchObject({ code: 'STORAGE_CLOSED' })
      expect(await store.keys()).toEqual([])
    })
  })
}

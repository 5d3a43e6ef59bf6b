import type { AddressInfo } from 'node:net'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { expect, test, vi } from 'vitest'
import { handler } from '../../examples/lambda/handler.ts'
import { notesServer } from '../../examples/read-your-writes/server.ts'
import { tempDir } from '../support/temp-dir.ts'
import { replicatedShop } from './shop.ts'

test('a Lambda handler answers from the replica, again and again, and refuses what is no number', async () => {
  const shop = await replicatedShop(tempDir())
  vi.stubEnv('REPLICA_URL', 'file:///nowhere')
  await expect(handler({ queryStringParameters: { customer: '3' } })).rejects.toThrow()
  vi.stubEnv('REPLICA_URL', shop.replicaURL)
  for (const customer of [3, 4]) {
    const { statusCode, body } = await handler({ queryStringParameters: { customer: String(customer) } })
    expect(statusCode).toBe(200)
    const { orders } = JSON.parse(body) as { orders: { id: number }[] }
    expect(orders).toHaveLength(50)
    expect(orders[0]).toEqual({ id: customer - 1, amount: (customer - 1) / 4 })
  }
  expect((await handler({})).statusCode).toBe(400)
})

test('who has written sees it in the next read, from the replica', async () => {
  const dir = tempDir()
  const path = `${dir}/notes.db`
  const app = new DatabaseSync(path)
  app.exec('PRAGMA journal_mode = wal; CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)')
  app.close()
  const { server, close } = await notesServer(path, pathToFileURL(`${dir}/bucket`).href)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  try {
    for (let i = 1; i <= 20; i++) {
      const written = await fetch(url, { method: 'POST', body: `note ${i}` })
      expect(written.status).toBe(201)
      const [cookie] = written.headers.get('set-cookie')!.split(';')
      const headers = i % 2 ? { cookie: cookie! } : { 'x-bookmark': written.headers.get('x-bookmark')! }
      const notes = (await (await fetch(url, { headers })).json()) as { text: string }[]
      expect(notes.map(({ text }) => text)).toContain(`note ${i}`)
    }
  } finally {
    await close()
  }
})

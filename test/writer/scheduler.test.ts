import { setTimeout as delay, setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { Scheduler } from '../../writer/scheduler.ts'

describe('Scheduler', () => {
  it('runs so many of a kind at once, in the order in which they became due', async () => {
    const scheduler = new Scheduler({ limits: { work: 2 } })
    const order: number[] = []
    let running = 0
    let most = 0
    const tasks = Array.from({ length: 10 }, (_, i) =>
      scheduler.add({
        kind: 'work@store',
        async run() {
          order.push(i)
          most = Math.max(most, ++running)
          await delay(2)
          running--
          return Number.POSITIVE_INFINITY
        },
      }),
    )
    while (order.length < 10) await delay(5)
    await Promise.all(tasks.map((task) => task.stop()))
    expect(most).toBe(2)
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  it('one store that never answers holds up no other, and its own others only for a turn', async () => {
    const scheduler = new Scheduler({ limits: { work: 1 }, turnMs: 30 })
    const done: string[] = []
    const finish = (name: string) => ({
      kind: `work@${name.slice(0, 1)}`,
      async run() {
        done.push(name)
        return Number.POSITIVE_INFINITY
      },
    })
    scheduler.add({ kind: 'work@a', run: () => new Promise(() => {}) })
    scheduler.add(finish('b1'))
    scheduler.add(finish('a1'))
    while (done.length < 1) await delay(1)
    expect(done).toEqual(['b1'])
    while (done.length < 2) await delay(1)
    expect(done).toEqual(['b1', 'a1'])
  })

  it('a task that is woken while it runs runs again; one that is stopped does not; the event loop turns between starts', async () => {
    const scheduler = new Scheduler()
    let runs = 0
    const task = scheduler.add({
      kind: 'work',
      async run() {
        runs++
        await delay(5)
        return Number.POSITIVE_INFINITY
      },
    })
    await delay(2)
    task.wake()
    while (runs < 2) await delay(1)
    await task.stop()
    task.wake()
    await delay(20)
    expect(runs).toBe(2)
    let turns = 0
    let started = 0
    const run = async () => {
      started++
      return Number.POSITIVE_INFINITY
    }
    for (let i = 0; i < 50; i++) scheduler.add({ kind: 'many', run })
    for (; started < 50; turns++) await setImmediate()
    expect(turns).toBeGreaterThanOrEqual(49)
  })
})

import { describe, expect, test } from 'vitest'
import { InFlight } from '../../pagecache/index.ts'

/** Work that waits to be told how to end. */
function work<V>() {
  const { promise, resolve, reject } = Promise.withResolvers<V>()
  const signals: AbortSignal[] = []
  const run = (signal: AbortSignal): Promise<V> => {
    signals.push(signal)
    return promise
  }
  return { run, resolve, reject, signals }
}

describe('InFlight', () => {
  test('callers of one key share one run, and its result is forgotten when it is there', async () => {
    const inFlight = new InFlight<string, object>()
    const { run, resolve, signals } = work<object>()
    const both = [inFlight.share('a', run), inFlight.share('a', run, new AbortController().signal)]
    expect(inFlight.has('a')).toBe(true)
    const result = {}
    resolve(result)
    for (const got of await Promise.all(both)) expect(got).toBe(result)
    expect(signals).toHaveLength(1)
    expect(inFlight.size).toBe(0)
    await expect(inFlight.share('a', async () => ({ fresh: true }))).resolves.toEqual({ fresh: true })
  })

  test('other keys have work of their own', async () => {
    const inFlight = new InFlight<number, number>()
    const results = [1, 2, 3].map((key) => inFlight.share(key, async () => key * 10))
    await expect(Promise.all(results)).resolves.toEqual([10, 20, 30])
  })

  test('a failure reaches everybody, and who sees it may try anew at once', async () => {
    const inFlight = new InFlight<string, string>()
    const { run, reject } = work<string>()
    const again = async (): Promise<string> => {
      try {
        return await inFlight.share('a', run, new AbortController().signal)
      } catch {
        return inFlight.share('a', async () => 'second')
      }
    }
    const plain = inFlight.share('a', run)
    const retried = again()
    reject(new Error('first'))
    await expect(plain).rejects.toThrow('first')
    await expect(retried).resolves.toBe('second')
    expect(inFlight.size).toBe(0)
  })

  test('work that throws instead of rejecting is a rejection', async () => {
    const inFlight = new InFlight<string, string>()
    const thrown = inFlight.share('a', () => {
      throw new Error('at once')
    })
    await expect(thrown).rejects.toThrow('at once')
    expect(inFlight.size).toBe(0)
  })

  test('a caller’s abort ends its own wait, not the others’ read', async () => {
    const inFlight = new InFlight<string, string>()
    const { run, resolve, signals } = work<string>()
    const first = new AbortController()
    const leaving = inFlight.share('a', run, first.signal)
    const staying = inFlight.share('a', run, new AbortController().signal)
    first.abort(new Error('mine'))
    await expect(leaving).rejects.toThrow('mine')
    expect(signals[0]!.aborted).toBe(false)
    resolve('there')
    await expect(staying).resolves.toBe('there')
  })

  test('the work is aborted when all have left, and nobody joins what is being aborted', async () => {
    const inFlight = new InFlight<string, string>()
    const { run, signals } = work<string>()
    const callers = [new AbortController(), new AbortController()]
    const waits = callers.map(({ signal }) => inFlight.share('a', run, signal).catch((error: Error) => error.message))
    callers[0]!.abort(new Error('one'))
    callers[1]!.abort(new Error('two'))
    expect(signals[0]!.aborted).toBe(true)
    expect(signals[0]!.reason).toMatchObject({ message: 'two' })
    await expect(inFlight.share('a', async () => 'anew')).resolves.toBe('anew')
    await expect(Promise.all(waits)).resolves.toEqual(['one', 'two'])
  })

  test('the late end of aborted work does not touch what was begun since', async () => {
    const inFlight = new InFlight<string, string>()
    const old = work<string>()
    const caller = new AbortController()
    const left = inFlight.share('a', old.run, caller.signal).catch(() => 'left')
    caller.abort()
    const fresh = work<string>()
    const wait = inFlight.share('a', fresh.run)
    old.reject(new Error('aborted'))
    await left
    expect(inFlight.has('a')).toBe(true)
    fresh.resolve('fresh')
    await expect(wait).resolves.toBe('fresh')
  })

  test('a caller without a signal keeps the work going', async () => {
    const inFlight = new InFlight<string, string>()
    const { run, resolve, signals } = work<string>()
    const caller = new AbortController()
    const forEver = inFlight.share('a', run)
    const left = inFlight.share('a', run, caller.signal).catch(() => 'left')
    caller.abort()
    await left
    expect(signals[0]!.aborted).toBe(false)
    resolve('there')
    await expect(forEver).resolves.toBe('there')
  })

  test('an abort after the end aborts nothing', async () => {
    const inFlight = new InFlight<string, string>()
    const { run, resolve, signals } = work<string>()
    const caller = new AbortController()
    const wait = inFlight.share('a', run, caller.signal)
    resolve('there')
    await wait
    caller.abort()
    expect(signals[0]!.aborted).toBe(false)
  })

  test('a caller that has aborted already begins nothing', async () => {
    const inFlight = new InFlight<string, string>()
    const { run, signals } = work<string>()
    await expect(inFlight.share('a', run, AbortSignal.abort(new Error('before')))).rejects.toThrow('before')
    expect(signals).toHaveLength(0)
    expect(inFlight.size).toBe(0)
  })

  test('join waits for what is under way and begins nothing', async () => {
    const inFlight = new InFlight<string, string>()
    expect(inFlight.join('a')).toBeUndefined()
    const { run, resolve } = work<string>()
    const wait = inFlight.share('a', run)
    const joined = inFlight.join('a')
    await expect(inFlight.join('a', AbortSignal.abort(new Error('before')))).rejects.toThrow('before')
    resolve('there')
    await expect(Promise.all([wait, joined])).resolves.toEqual(['there', 'there'])
  })

  test('pages of one range: the range is read once, and goes on while anybody waits for one of its pages', async () => {
    const pages = new InFlight<number, number>()
    const ranges = new InFlight<string, Map<number, number>>()
    const { run, resolve, signals } = work<Map<number, number>>()
    const read = (pgno: number, signal: AbortSignal): Promise<number> =>
      pages.share(pgno, async (all) => (await ranges.share('1-3', run, all)).get(pgno)!, signal)
    const callers = [1, 2, 3].map(() => new AbortController())
    const waits = callers.map(({ signal }, i) => read(i + 1, signal).catch(() => -1))
    callers[0]!.abort()
    callers[1]!.abort()
    expect(signals.map(({ aborted }) => aborted)).toEqual([false])
    resolve(new Map([[3, 30]]))
    await expect(Promise.all(waits)).resolves.toEqual([-1, -1, 30])

    const gone = work<Map<number, number>>()
    const last = new AbortController()
    const wait = pages.share(4, async (all) => (await ranges.share('4', gone.run, all)).get(4)!, last.signal)
    last.abort(new Error('last'))
    await expect(wait).rejects.toThrow('last')
    expect(gone.signals[0]!.aborted).toBe(true)
  })
})

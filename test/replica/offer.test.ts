import { expect, test } from 'vitest'
import { PageCache } from '../../pagecache/index.ts'
import { type History, Snapshot } from '../../replica/state/snapshot.ts'
import { SourceFile } from '../../replica/state/source-file.ts'
import { StateTracker } from '../../replica/state/state-tracker.ts'
import { memoryReplica } from '../../storage/index.ts'

const cache = new PageCache()

function state(txid: number, history?: History): Snapshot {
  const ids = { minTXID: BigInt(txid), maxTXID: BigInt(txid) }
  const newest = new SourceFile({ level: 0, ...ids, size: 200, createdAt: txid }, BigInt(txid), cache)
  const about = { txid: BigInt(txid), timestamp: txid, commit: 1, pageSize: 4096, identity: `${txid}`, link: 0n }
  return new Snapshot({ ...about, newest, ...(history && { history }) }, [])
}

function tracker(newest: Snapshot): StateTracker {
  return new StateTracker(
    { state: newest, checkedAt: 0 },
    {
      client: memoryReplica(),
      follower: () => Promise.reject(new Error('Nothing is asked')),
      now: () => 0,
      checkIntervalMs: 1000,
      follow: false,
      signal: new AbortController().signal,
    },
  )
}

test('in one history it goes forward only', () => {
  const history = {}
  const [three, four, five] = [state(3, history), state(4, history), state(5, history)]
  const states = tracker(three)
  expect(states.offer(five, three)).toBe('moved')
  expect(states.offer(four, three)).toBe('kept')
  expect(states.offer(state(5, history), three)).toBe('kept')
  expect(states.newest).toBe(five)
})

test('a state whose files are gone makes room for the same one in other files, and no other does', () => {
  const history = {}
  const [three, same, five] = [state(3, history), state(3, history), state(5, history)]
  const states = tracker(three)
  expect(states.offer(same, three, three)).toBe('moved')
  expect(states.offer(five, same)).toBe('moved')
  expect(states.offer(state(3, history), three, three)).toBe('kept')
  expect(states.newest).toBe(five)
})

test('another history takes its place, at any TXID, if the newest state is still the one of which that was proved', () => {
  const history = {}
  const [three, four] = [state(3, history), state(4, history)]
  const states = tracker(three)
  const one = state(1)
  expect(states.offer(four, three)).toBe('moved')
  expect(states.offer(one, three)).toBe('kept')
  expect(states.offer(one, four)).toBe('begun anew')
  expect(states.newest).toBe(one)
  expect(states.offer(state(9, history), four)).toBe('kept')
})

test('states of the history before are doubted from then on, and those that are opened after are not', async () => {
  const three = state(3)
  const states = tracker(three)
  const older = await states.open(async () => state(2))
  expect([three, older].map((each) => states.doubts(each))).toEqual([false, false])
  const one = state(1)
  const { promise, resolve } = Promise.withResolvers<Snapshot>()
  const opening = states.open(() => promise) // of files that were listed before
  states.offer(one, three)
  resolve(state(2))
  const late = await opening
  expect([three, older, late, one].map((each) => states.doubts(each))).toEqual([true, true, true, false])
  expect(states.doubts(await states.open(async () => state(1)))).toBe(false)
})

import { expect, test } from 'vitest'
import { followLogger } from '../../cli/follow-log.ts'
import { createLog } from '../../cli/log.ts'

function collect() {
  let now = 0
  const lines: string[] = []
  const output = { write: (text: string) => void lines.push(text.replace(/^time=\S+ /, '').trimEnd()) }
  const hear = followLogger(createLog({ output, level: 'info', now: () => 0 }), () => now)
  return { hear, lines, pass: (ms: number) => (now += ms) }
}

const stalled = { type: 'stalled', txid: 3n, gap: { after: 3n, before: 6n } } as const

test('a condition that lasts is said every half minute, and again when it comes back', () => {
  const { hear, lines, pass } = collect()
  for (let second = 0; second <= 60; second++) {
    hear(stalled)
    pass(1000)
  }
  const line =
    'level=WARN msg="the replica has newer states, but files that lead to them are missing" ' +
    'txid=0000000000000003 missing=0000000000000004-0000000000000005'
  expect(lines).toEqual([line, line, line])
  hear({ type: 'current', txid: 3n })
  hear(stalled)
  expect(lines.length).toBe(4)
})

test('a failure and what comes next of it', () => {
  const { hear, lines } = collect()
  hear({ type: 'resumed', txid: 3n })
  hear({ type: 'error', error: new Error('Cannot list s3://b/a'), failures: 1, retryInMs: 1500 })
  hear({ type: 'busy', waitedMs: 5000 })
  expect(lines).toEqual([
    'level=INFO msg="database is there, following on" txid=0000000000000003',
    'level=ERROR msg="cannot follow, trying on" error="Cannot list s3://b/a" failures=1 retry_in=1.5s',
    'level=WARN msg="readers keep the database locked" waited=5s',
  ])
})

import { describe, expect, test } from 'vitest'
import { type ProgressReport, renderBar, showProgress } from '../../cli/progress.ts'

const HALF: ProgressReport = { phase: 'restoring', bytes: 1_200_000_000, totalBytes: 2_400_000_000 }

describe('the progress bar', () => {
  test.each([200, 120, 100, 80, 70, 60, 50, 40, 30, 25, 20, 12, 8, 4, 3, 1, 0])('fits into %d columns', (width) => {
    const bar = renderBar(HALF, 30_000, width)
    expect(bar.length).toBeLessThanOrEqual(width)
    expect(`${width}: ${bar}`).toMatchSnapshot()
  })

  test('shows neither speed nor time at the very start', () => {
    expect(renderBar(HALF, 500, 79)).not.toMatch(/\/s|left/)
  })

  test('knows no share without a total', () => {
    expect(renderBar({ phase: 'restoring', bytes: 0, totalBytes: 0 }, 5000, 79)).toBe('restoring')
    expect(renderBar({ phase: 'restoring', bytes: 5e6, totalBytes: 0 }, 5000, 79)).toBe('restoring  5.0 MB  1.0 MB/s')
  })

  test('never shows 100% before the end', () => {
    expect(renderBar({ ...HALF, bytes: 2_399_999_999 }, 30_000, 79)).toContain(' 99%')
    expect(renderBar({ ...HALF, bytes: 2_400_000_000 }, 30_000, 79)).toContain('100%')
  })
})

function terminal(columns: number | undefined) {
  let now = 0
  const written: string[] = []
  const stderr = { write: (text: string) => void written.push(text), isTTY: columns !== undefined, columns }
  const progress = showProgress({ stderr, now: () => now })
  return { progress, written, pass: (ms: number) => (now += ms) }
}

describe('showing progress', () => {
  test('a terminal is redrawn ten times a second at most, and in place', () => {
    const { progress, written, pass } = terminal(80)
    for (let i = 0; i < 1000; i++) {
      progress.update(HALF)
      pass(1)
    }
    expect(written.length).toBe(10)
    progress.update({ ...HALF, bytes: HALF.totalBytes })
    progress.update({ ...HALF, phase: 'checking' })
    expect(written.length).toBe(12)
    for (const text of written) expect(text.replace('\x1b[K', '$')).toMatch(/^\r[^\r\n]{1,77}\$$/)
    progress.clear()
    progress.clear()
    expect(written.slice(12)).toEqual(['\r\x1b[K'])
  })

  test('elsewhere it is one plain line every ten seconds, and none for what is over soon', () => {
    const { progress, written, pass } = terminal(undefined)
    for (let i = 0; i <= 300; i++) {
      progress.update(HALF)
      pass(100)
    }
    progress.clear()
    expect(written.length).toBe(3)
    expect(written[0]).toBe('restoring   50%  1.2 GB / 2.4 GB  240 MB/s  5s left\n')
  })
})

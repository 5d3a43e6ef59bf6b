import { formatBytes, formatSpan } from './humanize.ts'
import type { CliIO, Output } from './io.ts'

/** How far one phase of the work is. */
export interface ProgressReport {
  /** What is being done, in one word. */
  readonly phase: string
  readonly bytes: number
  /** 0 while it is not known. */
  readonly totalBytes: number
}

/** Where a long piece of work shows how far it is. */
export interface Progress {
  update(report: ProgressReport): void
  /** Take the bar off the screen, so that something else can be written; the next update brings it back. */
  clear(): void
}

const BAR_REFRESH_MS = 100
/** Long enough for a short restore to stay as silent as upstream's. */
const FIRST_LINE_MS = 5_000
const LINE_INTERVAL_MS = 10_000
const MAX_BAR = 40
const MIN_BAR = 10

/** A bar on a terminal, a line every ten seconds elsewhere; both on stderr, where they spoil no output. */
export function showProgress({ stderr, now }: Pick<CliIO, 'stderr' | 'now'>): Progress {
  return stderr.isTTY ? showBar(stderr, now) : showLines(stderr, now)
}

function showBar(output: Output, now: () => number): Progress {
  const elapsed = phaseClock(now)
  let drawn = false
  let next = Number.NEGATIVE_INFINITY
  return {
    update(report) {
      const ms = elapsed(report.phase)
      // A phase that ends or begins is always shown: nothing else may come for a while.
      if (now() < next && ms > 0 && report.bytes !== report.totalBytes) return
      next = now() + BAR_REFRESH_MS
      drawn = true
      // The end stays free for the ^C that a terminal may print there: a line that wraps cannot be taken back.
      output.write(`\r${renderBar(report, ms, (output.columns ?? 80) - 3)}\x1b[K`)
    },
    clear() {
      if (drawn) output.write('\r\x1b[K')
      drawn = false
      next = Number.NEGATIVE_INFINITY
    },
  }
}

function showLines(output: Output, now: () => number): Progress {
  const elapsed = phaseClock(now)
  let next = now() + FIRST_LINE_MS
  return {
    update(report) {
      const ms = elapsed(report.phase)
      if (now() < next) return
      next = now() + LINE_INTERVAL_MS
      output.write(`${renderBar(report, ms, Number.POSITIVE_INFINITY)}\n`)
    },
    clear() {},
  }
}

/** How long the present phase has been going on: each has its own speed. */
function phaseClock(now: () => number): (phase: string) => number {
  let current: string | undefined
  let since = 0
  return (phase) => {
    if (phase !== current) since = now()
    current = phase
    return now() - since
  }
}

/**
 * How far it is, in at most `width` columns: what matters least is left out first.
 * With no limit, it is a line for a log: no bar.
 */
export function renderBar(report: ProgressReport, elapsedMs: number, width: number): string {
  const { bytes, totalBytes } = report
  const share = totalBytes > 0 ? Math.min(1, bytes / totalBytes) : undefined
  const total = share === undefined ? '' : ` / ${formatBytes(totalBytes)}`
  const amount = bytes === 0 && share === undefined ? '' : formatBytes(bytes) + total
  const percent = share === undefined ? '' : `${String(Math.floor(share * 100)).padStart(3)}%`
  const [speed, left] = pace(report, share, elapsedMs)
  const full = [report.phase, percent, amount, speed, left]
  const without = (count: number) => full.slice(0, full.length - count)
  if (share !== undefined && width !== Number.POSITIVE_INFINITY) {
    for (const parts of [full, without(1), without(2)]) {
      const room = Math.min(MAX_BAR, width - join(parts).length - 4)
      if (room >= MIN_BAR) return join(parts.toSpliced(2, 0, drawBar(share, room)))
    }
  }
  const fits = (parts: readonly string[]) => join(parts).length <= width
  const choices = [full, without(1), without(2), [percent, amount], [percent || report.phase]]
  return join(choices.find(fits) ?? []).trimStart()
}

function join(parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('  ')
}

function drawBar(share: number, columns: number): string {
  const filled = Math.round(share * columns)
  return `[${'='.repeat(filled)}${' '.repeat(columns - filled)}]`
}

/** Speed and what is left of the time, once there is enough to tell. */
function pace({ bytes }: ProgressReport, share: number | undefined, elapsedMs: number): [string, string] {
  if (elapsedMs < 1000 || bytes === 0) return ['', '']
  const speed = `${formatBytes((bytes / elapsedMs) * 1000)}/s`
  const known = share !== undefined && share >= 0.01 && share < 1
  return [speed, known ? `${formatSpan((elapsedMs / share) * (1 - share))} left` : '']
}

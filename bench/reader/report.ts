import { limitOf, verdictOn } from '../support/aim.ts'
import { digits, markdownTable } from '../support/table.ts'
import { judge, medianOf, type Results, select, timeRatio, withOpening } from './aims.ts'
import type { Pass } from './measure.ts'
import type { Scenario } from './scenarios.ts'
import { SUBJECTS, type SubjectName } from './subject.ts'

const LITETAP = ['litetap-jspi', 'litetap-asyncify'] as const
const NETWORK = ['litestream-vfs', 'download', ...LITETAP] as const

/** The tables of one bucket behind one line. */
export function report(results: Results, scenarios: readonly Scenario[]): string {
  const { size, line, lineMbit, samples } = results
  const asked = scenarios.filter(({ name }) => samples.some(({ scenario }) => scenario === name))
  const parts = [`## ${size}, ${line.rttMs} ms, ${line.mbit} Mbit/s (one large GET: ${digits(lineMbit)} Mbit/s)`]
  if (asked.length > 0) {
    parts.push(times(results, asked), costs(results, asked))
    const wrong = disagreements(results)
    parts.push(wrong.length === 0 ? 'All readers gave the same rows.' : wrong.join('\n'))
  }
  parts.push(...results.failures.map((failure) => `**Failed**: ${failure}`))
  parts.push(hydrationTable(results), warmTable(results), followingTable(results), aimsTable(results))
  return parts.filter((part) => part !== '').join('\n\n')
}

const TIME_COLUMNS: readonly (readonly [title: string, subject: SubjectName, pass: Pass])[] = [
  ['litestream-vfs', 'litestream-vfs', 'cold'],
  ['jspi', 'litetap-jspi', 'cold'],
  ['asyncify', 'litetap-asyncify', 'cold'],
  ['jspi restarted', 'litetap-jspi', 'restart'],
  ['litestream-vfs again', 'litestream-vfs', 'warm'],
  ['jspi again', 'litetap-jspi', 'warm'],
  ['asyncify again', 'litetap-asyncify', 'warm'],
  ['native', 'native', 'warm'],
]

/** Seconds after opening, and with opening where that is what counts. */
function times(results: Results, scenarios: readonly Scenario[]): string {
  const rows = scenarios.map(({ name, title }) => [
    title,
    ...TIME_COLUMNS.map(([, subject, pass]) => time(results, subject, name, pass)),
    shareOf(timeRatio(results, { subject: 'litetap-jspi', to: 'litestream-vfs', scenario: name })),
    seconds(withOpening(results, 'litetap-jspi', name)),
    seconds(withOpening(results, 'download', name)),
  ])
  const header = ['seconds', ...TIME_COLUMNS.map(([title]) => title), 'vfs / jspi', 'jspi + open', 'download + query']
  return markdownTable(header, rows)
}

function time(results: Results, subject: string, scenario: string, pass: Pass): string {
  const cell = select(results, subject, scenario, pass)
  const value = seconds(medianOf(cell, ({ ms }) => ms))
  return cell.some(({ timedOut }) => timedOut) ? `> ${value}` : value
}

function seconds(ms: number): string {
  if (!Number.isFinite(ms)) return '-'
  return ms < 10 ? (ms / 1000).toFixed(5) : digits(ms / 1000)
}

/** How many times faster. */
function shareOf(ratio: number): string {
  return Number.isFinite(ratio) ? `${digits(1 / ratio)} x` : '-'
}

/** What the cold run asked of the store: GET + LIST (+ others), bytes, rounds, most in flight. */
function costs(results: Results, scenarios: readonly Scenario[]): string {
  const rows = scenarios.map(({ name, title }) => [
    title,
    ...NETWORK.map((subject) => {
      const cell = select(results, subject, name, 'cold')
      if (cell.length === 0) return '-'
      const of = (pick: (sample: (typeof cell)[number]) => number) => digits(medianOf(cell, pick)).replace(/\.0+$/, '')
      const others = medianOf(cell, ({ head, put, other }) => head + put + other)
      const verbs = `${of(({ get }) => get)} GET ${of(({ list }) => list)} LIST${others > 0 ? ` ${others} others` : ''}`
      return `${verbs}, ${of(({ bytes }) => bytes / 1000)} KB, ${of(({ rounds }) => rounds)} rounds, ${of(({ maxInFlight }) => maxInFlight)} at once`
    }),
  ])
  return markdownTable(['cold, after opening', ...NETWORK], rows)
}

/** Every scenario has one answer, whoever is asked. */
function disagreements({ samples }: Results): string[] {
  const answered = samples.filter(({ hash }) => hash !== undefined)
  return [...Map.groupBy(answered, ({ scenario }) => scenario)].flatMap(([scenario, group]) => {
    const hashes = Map.groupBy(group, ({ hash, rows }) => `${hash} (${rows} rows)`)
    if (hashes.size === 1) return []
    const who = [...hashes].map(
      ([hash, those]) => `${hash}: ${[...new Set(those.map(({ subject }) => subject))].join(', ')}`,
    )
    return [`**Rows differ** in ${scenario}: ${who.join('; ')}`]
  })
}

function hydrationTable({ hydration }: Results): string {
  if (hydration.length === 0) return ''
  const rows = hydration.map(({ subject, quietMs, hydratingMs, hydratingBytes, hydratingSeconds }) => [
    subject,
    digits(quietMs),
    digits(hydratingMs),
    digits(hydratingMs / quietMs),
    digits((hydratingBytes * 8) / 1e6 / hydratingSeconds),
  ])
  return markdownTable(['point query, mean', 'ms', 'ms while hydrating', 'times', 'Mbit/s meanwhile'], rows)
}

function warmTable({ warm }: Results): string {
  if (warm.length === 0) return ''
  const memory = warm.find(({ subject }) => subject === 'memory')?.microseconds ?? Number.NaN
  const rows = [...Map.groupBy(warm, ({ subject }) => subject)].map(([subject, group]) => {
    const best = Math.min(...group.map(({ microseconds }) => microseconds))
    return [subject === 'memory' ? 'the WASM engine, database in memory' : subject, digits(best), digits(best / memory)]
  })
  return markdownTable(['warm point query', 'µs', 'times memory'], rows)
}

function followingTable({ following }: Results): string {
  if (following.length === 0) return ''
  const rows = following.map(({ subject, freshP50Ms, freshP99Ms, freshMaxMs, skipped, idle, idleSeconds }) => [
    subject,
    digits(freshP50Ms),
    digits(freshP99Ms),
    digits(freshMaxMs),
    String(skipped),
    ...[idle.get, idle.list, idle.bytes / 1000].map((value) => digits((value / idleSeconds) * 60)),
  ])
  const header = ['following', 'p50 ms', 'p99 ms', 'max ms', 'passed over', 'idle GET/min', 'LIST/min', 'KB/min']
  return markdownTable(header, rows)
}

function aimsTable(results: Results): string {
  const present = LITETAP.filter((subject) =>
    [...results.samples, ...results.warm, ...results.following, ...results.hydration].some(
      (one) => one.subject === subject,
    ),
  )
  const judged = present.map((subject) => judge(results, subject))
  const whats = new Map(judged.flat().map((aim) => [aim.what, aim]))
  if (whats.size === 0) return ''
  const rows = [...whats.values()].map((aim) => [
    aim.what,
    limitOf(aim),
    ...judged.map((aims) => verdictOn(aims.find(({ what }) => what === aim.what))),
  ])
  return markdownTable(['aim', 'limit', ...present], rows)
}

/** Subjects in the order of the tables. */
export function inOrder<T extends { readonly subject: string }>(samples: readonly T[]): T[] {
  const order: readonly string[] = [...SUBJECTS, 'memory']
  return samples.toSorted((a, b) => order.indexOf(a.subject) - order.indexOf(b.subject))
}

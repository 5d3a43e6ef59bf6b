import type { Scenario } from '../reader/scenarios.ts'
import { limitOf, verdictOn } from '../support/aim.ts'
import type { Exchange } from '../support/http-meter.ts'
import { median } from '../support/statistics.ts'
import { digits, markdownTable } from '../support/table.ts'
import { betterPeer, type Cell, cellOf, judge, type Results } from './aims.ts'
import { SUBJECTS, type SubjectName } from './subject.ts'

/** The tables of one bucket behind one line. */
export function report(results: Results, scenarios: readonly Scenario[]): string {
  const { size, line, protocol, lineMbit, samples, failures } = results
  const asked = scenarios.filter(({ name }) => samples.some(({ scenario }) => scenario === name))
  const present = SUBJECTS.filter((name) => samples.some(({ subject }) => subject === name))
  return [
    `## ${size}, ${protocol}, ${line.rttMs} ms, ${line.mbit} Mbit/s (one large GET: ${digits(lineMbit)} Mbit/s)`,
    ...(asked.length > 0 ? [times(results, asked, present), costs(results, asked, present)] : []),
    ...failures.map((failure) => `**Failed**: ${failure}`),
    ...(failures.length === 0 ? ['Every answer was the one that native SQLite gives.'] : []),
  ].join('\n\n')
}

function times(results: Results, scenarios: readonly Scenario[], subjects: readonly SubjectName[]): string {
  const rows = scenarios.map(({ name, title }) => {
    const aim = judge(results, name)
    const less = betterPeer(results, name)?.timedOut ? '< ' : ''
    return [
      title,
      ...subjects.map((subject) => seconds(cellOf(results, subject, name))),
      aim === undefined ? '-' : limitOf(aim),
      less + verdictOn(aim),
    ]
  })
  return markdownTable(['seconds', ...subjects, 'aim', 'litetap / better peer'], rows)
}

function seconds({ ms, timedOut, samples }: Cell): string {
  return samples.length === 0 ? '-' : `${timedOut ? '> ' : ''}${digits(ms / 1000)}`
}

function costs(results: Results, scenarios: readonly Scenario[], subjects: readonly SubjectName[]): string {
  const rows = scenarios.map(({ name, title }) => [
    title,
    ...subjects.map((subject) => cost(cellOf(results, subject, name), showsRounds(results))),
  ])
  const heads = showsRounds(results) ? 'requests, received, rounds, most at once' : 'requests, received'
  return markdownTable([heads, ...subjects], rows)
}

/** By HTTP/2 the meter is behind the line, and does not see for how long a page waits. */
function showsRounds({ protocol }: Results): boolean {
  return protocol === 'http/1.1'
}

function cost({ samples }: Cell, withRounds: boolean): string {
  if (samples.length === 0) return '-'
  const of = (pick: (sample: (typeof samples)[number]) => number) => median(samples.map(pick))
  const [requests, kb] = [of((sample) => sample.requests), of(({ bytes }) => bytes / 1000)]
  const received = `${requests}, ${digits(kb).replace(/\.0+$/, '')} KB`
  if (!withRounds) return received
  return `${received}, ${of(({ rounds }) => rounds)}, ${of(({ maxInFlight }) => maxInFlight)}`
}

/** A cell's requests, one a line, by their begin. */
export function traceText(exchanges: readonly Exchange[]): string {
  const ms = (value: number) => value.toFixed(1).padStart(8)
  return exchanges
    .toSorted((a, b) => a.beganAt - b.beganAt)
    .map(({ method, path, range = '', connection, round, beganAt, answeredAt, endedAt, bytes }) => {
      const times = `${ms(beganAt)} ${ms(answeredAt)} ${ms(endedAt)}`
      return `${times}  round ${round} connection ${connection}  ${method} ${path} ${range} ${bytes} B`
    })
    .join('\n')
}

import { setTimeout as sleep } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import type { Query, Scenario } from '../reader/scenarios.ts'
import type { Exchange, Metered } from '../support/http-meter.ts'
import type { PageAnswer } from './pages/page.ts'
import type { Stage } from './stage.ts'
import type { SubjectName } from './subject.ts'

/** One scenario, asked once of a subject that has nothing but what opening brought. */
export interface Sample extends Metered {
  readonly subject: SubjectName
  readonly scenario: string
  /** Of one that timed out: the limit. */
  readonly ms: number
  readonly timedOut: boolean
  /** With `trace`: every request, in the order of their ends; times from the scenario's begin. */
  readonly exchanges?: readonly Exchange[]
}

/** What a measurement happens on. */
export interface Place {
  readonly stage: Stage
  readonly scenarios: readonly Scenario[]
  /** The rows that each scenario has, by native SQLite. */
  readonly answers: ReadonlyMap<string, string>
  readonly timeoutSeconds: number
  readonly trace: boolean
}

/** Gets every sample as it is taken, and what went wrong. */
export interface Notebook {
  keep(sample: Sample): void
  failed(what: string): void
}

const SETTLE_MS = 1000

/** One subject through all scenarios, each in a fresh page; when one fails, the others are measured all the same. */
export async function measureSubject(place: Place, subject: SubjectName, into: Notebook): Promise<void> {
  for (const scenario of place.scenarios) {
    try {
      await measureFresh(place, { subject, scenario }, into)
    } catch (error) {
      into.failed(`${subject}, ${scenario.name}: ${(error as Error).message}`)
    }
  }
}

async function measureFresh(
  place: Place,
  { subject, scenario }: { subject: SubjectName; scenario: Scenario },
  into: Notebook,
): Promise<void> {
  const page = await place.stage.openPage(subject)
  try {
    const opening = place.scenarios.find(({ name }) => name === 'open')!
    const opened = await ask(place, { page, call: 'open', subject, scenario: opening }, into)
    if (opened && scenario !== opening) await ask(place, { page, call: 'query', subject, scenario }, into)
  } finally {
    await page.context().close()
  }
}

interface Question {
  readonly page: Page
  readonly call: 'open' | 'query'
  readonly subject: SubjectName
  readonly scenario: Scenario
}

/** @returns whether the page is still there @throws Error when the rows are wrong */
async function ask(place: Place, { page, call, subject, scenario }: Question, into: Notebook): Promise<boolean> {
  const { meter } = place.stage
  const { name, queries } = scenario
  const exchanges: Exchange[] = []
  meter.reset()
  const began = performance.now()
  meter.onExchange = place.trace ? (exchange) => exchanges.push(since(began, exchange)) : undefined
  const answer = await evaluate(page, call, { query: queries[0]!, limitSeconds: place.timeoutSeconds })
  const { rounds, maxInFlight } = meter.read()
  // What it has asked for and did not need is part of the cost.
  if (answer !== 'timed out') await meter.settle(SETTLE_MS)
  meter.onExchange = undefined
  if (answer !== 'timed out' && answer.rows !== place.answers.get(name)) {
    throw new Error(`${name} has other rows than native SQLite: ${answer.rows.slice(0, 100)}...`)
  }
  into.keep({
    subject,
    scenario: name,
    ms: answer === 'timed out' ? place.timeoutSeconds * 1000 : answer.ms,
    timedOut: answer === 'timed out',
    ...meter.read(),
    rounds,
    maxInFlight,
    ...(place.trace && { exchanges }),
  })
  return answer !== 'timed out'
}

async function evaluate(
  page: Page,
  call: Question['call'],
  { query, limitSeconds }: { query: Query; limitSeconds: number },
): Promise<PageAnswer | 'timed out'> {
  const answer = page.evaluate<PageAnswer>(`subject.${call}(${JSON.stringify(query)})`)
  // A page that is closed before it has answered has nothing more to say.
  answer.catch(() => {})
  const timer = new AbortController()
  const late = sleep(limitSeconds * 1000, 'timed out' as const, { signal: timer.signal }).catch(
    () => 'timed out' as const,
  )
  try {
    return await Promise.race([answer, late])
  } finally {
    timer.abort()
  }
}

function since(began: number, exchange: Exchange): Exchange {
  const { beganAt, answeredAt, endedAt } = exchange
  return { ...exchange, beganAt: beganAt - began, answeredAt: answeredAt - began, endedAt: endedAt - began }
}

import type { Cost, CostEstimate, LtxFileInfo, TXID } from '../../../entry/web.ts'
import type { AlignedRow } from '../data/diff-rows.ts'
import type { ShownError } from '../data/error-text.ts'
import type { Moment } from '../data/moments.ts'
import type { PageStates } from '../data/page-states.ts'
import type { Cells } from '../data/run-query.ts'
import type { Schema } from '../data/schema.ts'
import type { Session } from '../data/session.ts'

/** One query, from its start on. A new value whenever something has changed; `rows` is shared and only grows. */
export interface Run {
  readonly status: 'running' | 'done' | 'failed' | 'cancelled'
  readonly sql: string
  readonly columns: readonly string[]
  readonly rows: readonly Cells[]
  /** How many of `rows` are there in this value. */
  readonly count: number
  /** The limit ended it: there are more rows. */
  readonly capped: boolean
  /** The state that it ran on. */
  readonly txid: TXID | undefined
  readonly timestamp: number | undefined
  /** The map of that state's pages before it. */
  readonly pagesBefore: Uint8Array | undefined
  /** Milliseconds since the page's time origin. */
  readonly startedAt: number
  readonly endedAt: number | undefined
  readonly cost: Cost | undefined
  readonly error: ShownError | undefined
}

/** The same query at two moments. */
export interface Comparison {
  readonly status: 'running' | 'done' | 'failed'
  readonly sql: string
  readonly before: Moment
  readonly after: Moment
  readonly columns: readonly string[]
  readonly rows: readonly AlignedRow[]
  /** Names of the columns that rows were matched by; empty for all of them. */
  readonly key: readonly string[]
  readonly error: ShownError | undefined
}

export interface Plan {
  readonly sql: string
  readonly estimate: CostEstimate | undefined
  readonly error: ShownError | undefined
}

export type ResultTab = 'rows' | 'chart' | 'compare' | 'plan'
export type InspectorTab = 'requests' | 'pages' | 'transactions' | 'history'

export interface State {
  readonly url: string
  readonly opening: boolean
  readonly session: Session | undefined
  /** Of opening, following and travelling; a query's error is its own. */
  readonly trouble: ShownError | undefined
  /** What the backup consists of. */
  readonly files: readonly LtxFileInfo[]
  /** What can be travelled to, oldest first. */
  readonly moments: readonly Moment[]
  /** What queries see; undefined for the newest. */
  readonly at: TXID | undefined
  /** What `at` is compared with. */
  readonly base: TXID | undefined
  /** The newest state known. */
  readonly newest: TXID | undefined
  readonly schema: Schema | undefined
  readonly sql: string
  readonly limit: number
  readonly run: Run | undefined
  readonly history: readonly Run[]
  readonly comparison: Comparison | undefined
  /** What rows of two moments are matched by; undefined to choose. */
  readonly keyColumn: string | undefined
  readonly plan: Plan | undefined
  readonly pages: PageStates | undefined
  readonly live: boolean
  /** Grows with each request's start and end. */
  readonly requests: number
  readonly resultTab: ResultTab
  readonly inspectorTab: InspectorTab
  /** For those who do not see it happen. */
  readonly said: string
}

export const FIRST_STATE: State = {
  url: '',
  opening: false,
  session: undefined,
  trouble: undefined,
  files: [],
  moments: [],
  at: undefined,
  base: undefined,
  newest: undefined,
  schema: undefined,
  sql: '',
  limit: 1000,
  run: undefined,
  history: [],
  comparison: undefined,
  keyColumn: undefined,
  plan: undefined,
  pages: undefined,
  live: false,
  requests: 0,
  resultTab: 'rows',
  inspectorTab: 'requests',
  said: '',
}

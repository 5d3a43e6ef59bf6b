import { DatabaseSync } from 'node:sqlite'
import type { Scenario } from '../reader/scenarios.ts'
import { canonicalRows, type Rows } from '../support/canonical-rows.ts'

/** The rows of each scenario's query as native SQLite gives them: what every subject must give. */
export function nativeAnswers(databasePath: string, scenarios: readonly Scenario[]): ReadonlyMap<string, string> {
  const db = new DatabaseSync(databasePath, { readOnly: true })
  const answers = new Map<string, string>()
  for (const { name, queries } of scenarios) {
    const { sql, parameters } = queries[0]!
    const statement = db.prepare(sql)
    statement.setReturnArrays(true)
    answers.set(name, canonicalRows(statement.all(...parameters) as unknown as Rows))
  }
  db.close()
  return answers
}

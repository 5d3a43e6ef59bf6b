import { type App, databaseNow } from '../app/app.ts'
import { showError } from '../data/error-text.ts'

/** Show what SQLite plans for a query, and roughly what that would cost on a cold cache. It is not run. */
export async function explain(app: App, sql: string): Promise<void> {
  const { session } = app.store.get()
  if (session === undefined || sql.trim() === '') return
  try {
    const db = await databaseNow(app, session, new AbortController().signal)
    const estimate = await db.explainCost(sql)
    app.store.set({ plan: { sql, estimate, error: undefined } })
  } catch (error) {
    app.store.set({ plan: { sql, estimate: undefined, error: showError(error) } })
  }
}

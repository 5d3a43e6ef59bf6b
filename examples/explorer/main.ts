import { Comparer } from './actions/comparer.ts'
import { Connection } from './actions/connection.ts'
import { explain } from './actions/explainer.ts'
import { Follower } from './actions/follower.ts'
import { PageMapper } from './actions/page-mapper.ts'
import { QueryRunner } from './actions/query-runner.ts'
import { TimeTraveller } from './actions/time-traveller.ts'
import { createApp, say } from './app/app.ts'
import { tokenFor } from './app/token.ts'
import { formatViewLink, parseViewLink } from './app/view-link.ts'
import { chartView } from './views/chart-view.ts'
import { compareView } from './views/compare-view.ts'
import { connectionBar } from './views/connection-bar.ts'
import { sqlEditor } from './views/editor.ts'
import { historyView } from './views/history-view.ts'
import { pagesView } from './views/pages-view.ts'
import { planView } from './views/plan-view.ts'
import { requestsView } from './views/requests-view.ts'
import { rowsView } from './views/rows-view.ts'
import { runBar } from './views/run-bar.ts'
import { schemaTree } from './views/schema-tree.ts'
import { announcer, statusBar, troubleBar } from './views/status-bar.ts'
import { timeBar } from './views/time-bar.ts'
import { transactionsView } from './views/transactions-view.ts'
import { valueDialog } from './views/value-dialog.ts'
import { workbench } from './views/workbench.ts'

const LINK_MS = 200

const app = createApp()
const { store } = app
const connection = new Connection(app)
const runner = new QueryRunner(app)
const comparer = new Comparer(app)
const traveller = new TimeTraveller(app, runner, comparer)
new Follower(app, runner)
new PageMapper(app)

const link = parseViewLink(location.hash)
store.set({ url: link.url, sql: link.sql })

async function run(sql: string): Promise<void> {
  const { resultTab } = store.get()
  if (resultTab === 'plan') store.set({ resultTab: 'rows' })
  const outcome = await runner.run(sql)
  if (outcome?.status === 'done') await comparer.compare(sql)
}

function cancel(): void {
  runner.cancel()
  comparer.cancel()
}

const editor = sqlEditor(app, () => void run(editor.statement()))
const dialog = valueDialog()
const write = (sql: string): void => {
  editor.set(sql)
  void run(sql)
}

document.getElementById('app')!.append(
  connectionBar(app, connection, () => editor.focus()),
  troubleBar(app),
  timeBar(app, traveller),
  workbench(app, {
    schema: schemaTree(app, write),
    editor: editor.element,
    runBar: runBar(app, {
      run: () => void run(editor.statement()),
      cancel,
      explain: () => {
        store.set({ resultTab: 'plan' })
        void explain(app, editor.statement())
      },
      copyLink: () => {
        const address = new URL(formatViewLink(store.get()), location.href).href
        void navigator.clipboard.writeText(address).then(() => say(app, 'Link copied'))
      },
    }),
    results: [
      {
        id: 'rows',
        label: 'Rows',
        panel: rowsView(app, dialog.open, (limit) => {
          store.set({ limit })
          void run(store.get().run?.sql ?? '')
        }),
      },
      { id: 'chart', label: 'Chart', panel: chartView(app) },
      { id: 'compare', label: 'Compare', panel: compareView(app, comparer, dialog.open) },
      { id: 'plan', label: 'Plan', panel: planView(app) },
    ],
    inspector: [
      { id: 'requests', label: 'Requests', panel: requestsView(app) },
      { id: 'pages', label: 'Pages', panel: pagesView(app) },
      { id: 'transactions', label: 'Transactions', panel: transactionsView(app, traveller) },
      { id: 'history', label: 'History', panel: historyView(app, (sql) => editor.set(sql)) },
    ],
  }),
  statusBar(app),
  announcer(app),
  dialog.element,
)

document.addEventListener('keydown', (event) => {
  if (event.defaultPrevented) return
  if (event.key === 'Escape' && store.get().run?.status === 'running') cancel()
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void run(editor.statement())
})
// Browsers refuse to be told of every key.
let linking: ReturnType<typeof setTimeout> | undefined
store.on(['url', 'sql', 'at', 'base'], () => {
  clearTimeout(linking)
  linking = setTimeout(() => history.replaceState(undefined, '', formatViewLink(store.get())), LINK_MS)
})

if (link.url !== '') {
  const opened = await connection.open(link.url, tokenFor(link.url), link)
  if (opened) await run(link.sql)
}

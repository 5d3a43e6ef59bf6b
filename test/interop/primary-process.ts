// The application: the only writer of a primary database, in a process of its own. Driven by messages (see primary.ts).
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Order, Report } from './primary.ts'
import { applyTransaction, lastSeq, prepare, seededRandom, type Workload } from './workload.ts'

const path = process.argv[2]!
const workload = JSON.parse(process.argv[3]!) as Workload
const db = new DatabaseSync(path)
prepare(db, workload)
let seq = lastSeq(db)
let stopping = false
const pause = seededRandom(workload.seed, 0)

process.on('message', (order: Order) => {
  obey(order).catch((error: Error) => report({ failed: error.stack ?? error.message }))
})
process.on('disconnect', () => process.exit(0))

async function obey(order: Order): Promise<void> {
  switch (order.do) {
    case 'run':
      stopping = false
      for (let i = 0; i < order.transactions && !stopping; i++) {
        applyTransaction(db, workload, ++seq)
        if (order.pauseMs > 0) await sleep(order.pauseMs / 2 + pause(order.pauseMs))
      }
      return report({ seq })
    case 'stop':
      stopping = true
      return
    case 'sql':
      db.exec(order.sql)
      return report({ seq })
    case 'close':
      db.close()
      return report({ seq })
  }
}

function report(message: Report): void {
  process.send!(message)
}

// An application that is not done at SIGTERM: it commits five more rows with pauses between them, and ends.
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'

const db = new DatabaseSync(process.argv[2]!, { timeout: 5000 })
process.once('SIGTERM', async () => {
  for (let i = 0; i < 5; i++) {
    await delay(200)
    db.exec("INSERT INTO t (text) VALUES ('after the signal')")
  }
  db.close()
  process.exit(0)
})
setInterval(() => {}, 1000)
console.log('ready')

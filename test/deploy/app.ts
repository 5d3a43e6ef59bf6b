// An application as one in a container: at SIGTERM it writes a last row, and ends.
import { DatabaseSync } from 'node:sqlite'

const db = new DatabaseSync(process.argv[2]!, { timeout: 5000 })
process.once('SIGTERM', () => {
  db.exec("INSERT INTO t (text) VALUES ('last')")
  db.close()
  console.log('one more row')
  process.exit(0)
})
setInterval(() => {}, 1000)
console.log('ready')

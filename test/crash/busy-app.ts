// An application under load: transfers between accounts and one ledger row in each transaction, now and then a large
// one, a VACUUM, a checkpoint of its own. Runs until it is killed; says nothing.
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { seededRandom } from '../support/random.ts'

const [path, seed] = process.argv.slice(2) as [string, string]
const random = seededRandom(Number(seed))
const db = new DatabaseSync(path)
db.exec('PRAGMA busy_timeout = 10000')
const ledger = db.prepare('INSERT INTO ledger (pad) VALUES (randomblob(?))')

for (;;) {
  const dice = random()
  db.exec('BEGIN IMMEDIATE')
  ledger.run(dice < 0.02 ? 400_000 : 200)
  db.exec('UPDATE account SET balance = balance - 1 WHERE id = 1')
  db.exec('UPDATE account SET balance = balance + 1 WHERE id = 2')
  db.exec('COMMIT')
  if (dice > 0.99) db.exec('UPDATE ledger SET pad = NULL WHERE length(pad) > 1000; VACUUM')
  else if (dice > 0.97) db.prepare('PRAGMA wal_checkpoint(PASSIVE)').get()
  if (random() < 0.3) await delay(Math.floor(random() * 10))
}

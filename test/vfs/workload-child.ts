// An application that does to its database whatever moves pages about. The balances of all accounts together never
// change. Prints a line when it has begun.
import { DatabaseSync } from 'node:sqlite'
import { seededRandom } from '../support/random.ts'

const [path, seed] = process.argv.slice(2)
const random = seededRandom(Number(seed))
const below = (n: number) => Math.floor(random() * n)
const db = new DatabaseSync(path!)
db.exec('PRAGMA busy_timeout = 10000')
const ACCOUNTS = 500

function transfer(): void {
  const amount = below(100)
  db.exec(`BEGIN IMMEDIATE;
    UPDATE account SET balance = balance - ${amount} WHERE id = ${1 + below(ACCOUNTS)};
    UPDATE account SET balance = balance + ${amount} WHERE id = ${1 + below(ACCOUNTS)};
    INSERT INTO entry (note) VALUES (hex(randomblob(${20 + below(200)}))); COMMIT`)
}

function act(): void {
  const choice = random()
  if (choice < 0.8) transfer()
  else if (choice < 0.88) db.exec(`INSERT INTO entry (note) SELECT hex(randomblob(300)) FROM entry LIMIT ${below(400)}`)
  else if (choice < 0.94) db.exec(`DELETE FROM entry WHERE id % 7 = ${below(7)}`)
  else if (choice < 0.97) db.exec(`PRAGMA incremental_vacuum(${below(40)})`)
  else if (choice < 0.98) db.exec('VACUUM')
  else db.exec("UPDATE entry SET note = 'changed ' || id WHERE id % 3 = 0")
}

for (let step = 0; ; step++) {
  try {
    act()
  } catch (error) {
    if (!/locked|busy/.test(String(error))) throw error
  }
  if (step === 0) console.log('started')
  await new Promise((resolve) => setTimeout(resolve, below(30)))
}

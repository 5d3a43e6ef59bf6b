// Reads a followed database in one transaction after another until its input ends, and prints what it saw:
// the number of transactions, of states, and every sum that was not 0.
import { DatabaseSync } from 'node:sqlite'

const path = process.argv[2]!
let running = true
process.stdin.on('end', () => {
  running = false
})
process.stdin.resume()
const states = new Set<number>()
const wrong: unknown[] = []
let transactions = 0
const kept = new DatabaseSync(path, { readOnly: true, timeout: 10_000 })
console.log('reading')
while (running) {
  const fresh = new DatabaseSync(path, { readOnly: true, timeout: 10_000 })
  for (const database of [kept, fresh]) {
    database.exec('BEGIN')
    // Two statements and an index: a mix of two states would not add up.
    const rows = database.prepare('SELECT amount, generation FROM account').all()
    const sum = rows.reduce((total, row) => total + (row.amount as number), 0)
    const indexed = database.prepare('SELECT count(*) AS n FROM account INDEXED BY by_amount WHERE amount < 1e9').get()
    database.exec('COMMIT')
    if (sum !== 0 || indexed?.n !== rows.length) wrong.push([sum, indexed?.n, rows.length])
    for (const row of rows) states.add(row.generation as number)
    transactions++
  }
  fresh.close()
  await new Promise((resolve) => setImmediate(resolve))
}
kept.close()
console.log(JSON.stringify({ transactions, states: states.size, wrong }))

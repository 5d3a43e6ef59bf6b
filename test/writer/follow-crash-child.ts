// Follows one change into a database and dies at the n-th call that touches the file system, as `kill -9` would.
// Arguments: the bucket's directory, the database, n.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const [bucket, output, dieAt] = process.argv.slice(2)
let calls = 0
for (const name of ['renameSync', 'writevSync', 'ftruncateSync', 'fsyncSync', 'unlinkSync'] as const) {
  const original = fs[name] as (...args: unknown[]) => unknown
  const dying = (...args: unknown[]) => {
    if (calls++ === Number(dieAt)) {
      // Half of what was to be written gets there.
      if (name === 'writevSync') original(args[0], (args[1] as Uint8Array[]).slice(0, 1), args[2])
      process.kill(process.pid, 'SIGKILL')
    }
    return original(...args)
  }
  Object.assign(fs, { [name]: dying })
}
syncBuiltinESMExports()

const { openReplica } = await import('../../storage/node.ts')
const { follow } = await import('../../writer/follow.ts')
const client = await openReplica(`file://${bucket}`)
const done = new AbortController()
await follow(client, output!, {
  signal: done.signal,
  intervalMs: 1,
  onEvent: (event) => {
    if (event.type === 'current') done.abort()
    else console.log(event.type)
  },
})

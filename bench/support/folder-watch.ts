import { type FSWatcher, readFileSync, watch } from 'node:fs'
import { join } from 'node:path'
import type { Upload } from './put-proxy.ts'

/** Report each `.ltx` file that appears in a folder under its final name. The folder must exist. */
export function watchFolder(folder: string, onFile: (upload: Upload) => void): FSWatcher {
  const seen = new Set<string>()
  return watch(folder, (event, name) => {
    if (event !== 'rename' || name === null || !name.endsWith('.ltx') || seen.has(name)) return
    const durableAt = process.hrtime.bigint()
    seen.add(name)
    try {
      onFile({ path: join(folder, name), body: readFileSync(join(folder, name)), durableAt })
    } catch (error) {
      // A file deleted meanwhile (retention) has been seen before.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  })
}

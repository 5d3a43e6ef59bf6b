import { readFileSync } from 'node:fs'

/** Three connections with their WAL and shared memory, one descriptor beside them, and one on the WAL. */
const PER_ACTIVE = 9
const RESERVE = 256
/** So many databases are assumed to be busy at once. */
const ACTIVE = 64

/**
 * What to do when this process may open too few files for so many databases; undefined when it may open enough, or
 * when that cannot be known here.
 */
export function openFilesAdvice(databases: number, ours: boolean, limit = openFilesLimit()): string | undefined {
  const needed = Math.min(databases, ACTIVE) * PER_ACTIVE + RESERVE + (ours ? 0 : databases)
  if (limit === undefined || limit >= needed) return undefined
  return `This process may open ${limit} files, and ${databases} databases need ${needed}: raise the limit (ulimit -n, LimitNOFILE= of systemd)`
}

function openFilesLimit(): number | undefined {
  try {
    const line = readFileSync('/proc/self/limits', 'utf8').match(/^Max open files\s+(\d+)/m)
    return line ? Number(line[1]) : undefined
  } catch {
    return undefined
  }
}

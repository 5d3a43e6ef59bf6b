import { readFileSync, writeFileSync } from 'node:fs'

// Linux only: everything is read from /proc, in the kernel's clock ticks of 10 ms.
const TICKS_PER_SECOND = 100

/** User and system CPU seconds of a living process, all its threads, without its children. Undefined once it is gone. */
export function cpuSeconds(pid: number): number | undefined {
  const fields = statFields(pid)
  return fields && (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/**
 * CPU seconds of all children this process has reaped so far, each with its whole life. The difference around the end
 * of exactly one child is that child's exact total, however short it lived.
 */
export function reapedChildrenCpuSeconds(): number {
  const fields = statFields('self')!
  return (Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND
}

/** Highest resident set since the start or the last reset, in bytes. Undefined once the process is gone. */
export function peakResidentBytes(pid: number): number | undefined {
  const line = readProc(pid, 'status')?.match(/^VmHWM:\s+(\d+) kB$/m)
  return line ? Number(line[1]) * 1024 : undefined
}

/** Resident set now, in bytes. Undefined once the process is gone. */
export function residentBytes(pid: number): number | undefined {
  const line = readProc(pid, 'status')?.match(/^VmRSS:\s+(\d+) kB$/m)
  return line ? Number(line[1]) * 1024 : undefined
}

/** Let the peak start again from the present resident set. */
export function resetPeakResidentBytes(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

/** Fields of /proc/<pid>/stat from the state (field 3 of the manual page) on. */
function statFields(pid: number | 'self'): readonly string[] | undefined {
  const text = readProc(pid, 'stat')
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')
}

function readProc(pid: number | 'self', file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return undefined
  }
}

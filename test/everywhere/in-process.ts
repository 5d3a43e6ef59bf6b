import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { SUITE_DIR } from './build-suite.ts'
import type { Bridge, Report } from './report.ts'
import type { Scene } from './scene.ts'

/** Run the suite in a process of its own. @param command the runtime and what it takes before the script */
export async function runInProcess(command: readonly string[], scene: Scene, bridge: Bridge): Promise<Report> {
  const [program = '', ...args] = command
  const script = join(SUITE_DIR, 'process/run-process.js')
  const { stdout } = await promisify(execFile)(program, [...args, script, scene.origin, bridge], {
    maxBuffer: 64 << 20,
    timeout: 390_000,
  })
  return JSON.parse(stdout) as Report
}

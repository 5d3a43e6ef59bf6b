// Runs the suite in the runtime that runs this file - Node, Deno or Bun - and prints its report. Bundled to JavaScript:
// `run-process.js <origin> <bridge>`.
import * as litetap from 'litetap'
import type { Bridge } from './report.ts'
import { type Litetap, runSuite } from './suite.ts'

interface Runtimes {
  readonly Deno?: { readonly version: { readonly deno: string; readonly v8: string } }
  readonly Bun?: { readonly version: string }
}

const { Deno, Bun } = globalThis as Runtimes
const runtime = Deno ? `Deno ${Deno.version.deno}` : Bun ? `Bun ${Bun.version}` : `Node ${process.version.slice(1)}`
const [origin = '', bridge = 'jspi'] = process.argv.slice(2)
const report = await runSuite(litetap as unknown as Litetap, { origin, bridge: bridge as Bridge, runtime })
console.log(JSON.stringify(report))
process.exit(0)

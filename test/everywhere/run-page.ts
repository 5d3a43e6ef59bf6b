// Runs the suite in a page, or in a worker of a page, and posts the report to where the page comes from. Bundled to
// JavaScript: `page.html?bridge=...&in=main|worker&id=...`.
import * as litetap from 'litetap'
import type { Bridge } from './report.ts'
import { type Litetap, runSuite } from './suite.ts'

const parameters = new URL(location.href).searchParams
const inWorker = typeof document === 'undefined'

if (!inWorker && parameters.get('in') === 'worker') {
  new Worker(`run-page.js${location.search}`, { type: 'module' })
} else {
  const options = {
    origin: location.origin,
    bridge: parameters.get('bridge') as Bridge,
    runtime: navigator.userAgent,
    keepsPages: true,
  }
  const report = await runSuite(litetap as unknown as Litetap, options)
  await fetch(`/report?id=${parameters.get('id')}`, { method: 'POST', body: JSON.stringify(report) })
}

// A Cloudflare Worker that runs the suite: `GET /?origin=...&bridge=...` gives its report.
import * as litetap from 'litetap'
import type { Bridge } from './report.ts'
import { type Litetap, runSuite } from './suite.ts'

export default {
  async fetch(request: Request): Promise<Response> {
    const parameters = new URL(request.url).searchParams
    const options = {
      origin: parameters.get('origin') ?? '',
      bridge: parameters.get('bridge') as Bridge,
      runtime: navigator.userAgent,
      builds: ['jspi'] as const, // its entry has no other
      keepsPages: true,
    }
    return Response.json(await runSuite(litetap as unknown as Litetap, options))
  },
}

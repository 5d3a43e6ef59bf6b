import { setTimeout as sleep } from 'node:timers/promises'
import { type Browser, chromium, type Page } from 'playwright-core'
import { ensureDebianPackages } from '../../test/servers/ensure-debian-packages.ts'
import { type LagProxy, startLagProxy } from '../../test/servers/lag-proxy.ts'
import { HttpMeter } from '../support/http-meter.ts'
import type { Line } from '../support/line.ts'
import { makeCertificate } from './certificate.ts'
import type { Meter } from './host-meter.ts'
import { StaticHost } from './static-host.ts'
import { PAGES, type SubjectName } from './subject.ts'

const CHROMIUM = '/usr/bin/chromium'
/** For an end to reach the browser over the line. */
const CLOSING_MS = 300
const LARGE_BYTES = 40e6

/** By which version of HTTP pages read: six connections at most, or one for a hundred requests at once. */
export type Protocol = 'http/1.1' | 'h2'
export const PROTOCOLS: readonly Protocol[] = ['http/1.1', 'h2']

interface Parts {
  readonly browser: Browser
  readonly host: StaticHost
  readonly lag: LagProxy
  /** By HTTP/1.1, between page and line; by HTTP/2 the host counts. */
  readonly meter: HttpMeter | undefined
}

/**
 * What pages run in and read from: Chromium -> meter -> line -> static host; by HTTP/2, where nobody on the way can
 * count, Chromium -> line -> static host.
 */
export class Stage {
  readonly meter: Meter
  /** What pages are loaded from. */
  readonly endpoint: string
  readonly #parts: Parts

  private constructor(parts: Parts) {
    this.meter = parts.meter ?? parts.host.meter
    this.endpoint = parts.meter?.endpoint ?? parts.lag.endpoint.replace('http:', 'https:')
    this.#parts = parts
  }

  /** @throws Error that says what to install when Chromium is not there */
  static async start(root: string, protocol: Protocol): Promise<Stage> {
    await ensureDebianPackages({ programs: ['chromium', 'openssl'], packages: ['chromium', 'openssl'] })
    // An interrupted run has a report to make before it ends.
    const signals = { handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false }
    const args = ['--no-sandbox', '--ignore-certificate-errors']
    const browser = await chromium.launch({ executablePath: CHROMIUM, args, ...signals })
    const host = await StaticHost.start(root, protocol === 'h2' ? makeCertificate() : undefined)
    const lag = await startLagProxy(host.endpoint)
    const meter = protocol === 'h2' ? undefined : await HttpMeter.start(lag.endpoint)
    return new Stage({ browser, host, lag, meter })
  }

  get browserVersion(): string {
    return this.#parts.browser.version()
  }

  set(line: Line): void {
    this.#parts.lag.set({ rtt: line.rttMs, mbit: line.mbit })
  }

  /** A subject's page, its code loaded: a browser context of its own, so nothing is cached but that; no connection. */
  async openPage(subject: SubjectName): Promise<Page> {
    const context = await this.#parts.browser.newContext({ ignoreHTTPSErrors: true })
    try {
      const page = await context.newPage()
      await page.goto(this.endpoint + PAGES[subject])
      await page.evaluate('subject.load()')
      this.#parts.host.closeIdle()
      await sleep(CLOSING_MS)
      return page
    } catch (error) {
      await context.close()
      throw error
    }
  }

  /** What the line really gives to one large GET, in Mbit/s: on a fast line, the machine may be the limit. */
  async measureLine(): Promise<number> {
    const context = await this.#parts.browser.newContext({ ignoreHTTPSErrors: true })
    try {
      const page = await context.newPage()
      await page.goto(this.endpoint + PAGES.litetap)
      const get = `fetch('/frozen.sqlite', { headers: { range: 'bytes=0-${LARGE_BYTES - 1}' } })`
      const ms = await page.evaluate<number>(
        `(async () => { const t = performance.now(); await (await ${get}).arrayBuffer(); return performance.now() - t })()`,
      )
      return (LARGE_BYTES * 8) / 1000 / ms
    } finally {
      await context.close()
    }
  }

  async stop(): Promise<void> {
    const { browser, meter, lag, host } = this.#parts
    await browser.close()
    await meter?.close()
    await lag.close()
    await host.stop()
  }
}

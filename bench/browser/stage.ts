import { setTimeout as sleep } from 'node:timers/promises'
import { type Browser, chromium, type Page } from 'playwright-core'
import { ensureDebianPackages } from '../../test/servers/ensure-debian-packages.ts'
import { type LagProxy, startLagProxy } from '../../test/servers/lag-proxy.ts'
import { HttpMeter } from '../support/http-meter.ts'
import type { Line } from '../support/line.ts'
import { StaticHost } from './static-host.ts'
import { PAGES, type SubjectName } from './subject.ts'

const CHROMIUM = '/usr/bin/chromium'
/** For an end to reach the browser over the line. */
const CLOSING_MS = 300
const LARGE_BYTES = 40e6

/** What pages run in and read from: Chromium -> meter -> line -> static host. */
export class Stage {
  readonly meter: HttpMeter
  readonly #host: StaticHost
  readonly #lag: LagProxy
  readonly #browser: Browser

  private constructor(host: StaticHost, lag: LagProxy, meter: HttpMeter, browser: Browser) {
    this.#host = host
    this.#lag = lag
    this.meter = meter
    this.#browser = browser
  }

  /** @throws Error that says what to install when Chromium is not there */
  static async start(root: string): Promise<Stage> {
    await ensureDebianPackages({ programs: ['chromium'], packages: ['chromium'] })
    // An interrupted run has a report to make before it ends.
    const signals = { handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false }
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'], ...signals })
    const host = await StaticHost.start(root)
    const lag = await startLagProxy(host.endpoint)
    return new Stage(host, lag, await HttpMeter.start(lag.endpoint), browser)
  }

  get browserVersion(): string {
    return this.#browser.version()
  }

  set(line: Line): void {
    this.#lag.set({ rtt: line.rttMs, mbit: line.mbit })
  }

  /** A subject's page, its code loaded: a browser context of its own, so nothing is cached but that; no connection. */
  async openPage(subject: SubjectName): Promise<Page> {
    const context = await this.#browser.newContext()
    try {
      const page = await context.newPage()
      await page.goto(this.meter.endpoint + PAGES[subject])
      await page.evaluate('subject.load()')
      this.#host.closeIdle()
      await sleep(CLOSING_MS)
      return page
    } catch (error) {
      await context.close()
      throw error
    }
  }

  /** What the line really gives to one large GET, in Mbit/s: on a fast line, the machine may be the limit. */
  async measureLine(): Promise<number> {
    const started = performance.now()
    const headers = { range: `bytes=0-${LARGE_BYTES - 1}` }
    const reply = await fetch(`${this.meter.endpoint}/frozen.sqlite`, { headers })
    const { byteLength } = await reply.arrayBuffer()
    return (byteLength * 8) / 1000 / (performance.now() - started)
  }

  async stop(): Promise<void> {
    await this.#browser.close()
    await this.meter.close()
    await this.#lag.close()
    await this.#host.stop()
  }
}

import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { firefox } from 'playwright-core-firefox'
import { ensureDebianPackages } from '../servers/ensure-debian-packages.ts'

export type { Page }

/** A browser that a test drives. */
export interface Driven {
  readonly name: string
  /** A page with a profile of its own, and what it complains of. */
  open(options?: BrowserContextOptions): Promise<{ readonly page: Page; readonly complaints: readonly string[] }>
  close(): Promise<void>
}

/** Each starts with what it says first; installed where that is possible. */
export const BROWSERS: readonly { readonly name: string; start(): Promise<Driven> }[] = [
  {
    name: 'Chromium',
    start: async () => {
      await ensureDebianPackages({ programs: ['chromium'], packages: ['chromium'] })
      const args = ['--no-sandbox'] // as root there is none
      return driven('Chromium', await chromium.launch({ executablePath: '/usr/bin/chromium', args }))
    },
  },
  {
    name: 'Firefox',
    start: async () => {
      await ensureDebianPackages({ programs: ['firefox-esr'], packages: ['firefox-esr'] })
      // The distribution's Firefox is driven by WebDriver BiDi, which Playwright 1.65 has broken.
      const browser = await firefox.launch({ channel: 'moz-firefox', executablePath: '/usr/bin/firefox-esr' })
      // Both versions are one interface as far as it is used here.
      return driven('Firefox', browser as unknown as Browser)
    },
  },
]

function driven(name: string, browser: Browser): Driven {
  return {
    name,
    async open(options = {}) {
      const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options })
      const page = await context.newPage()
      const complaints: string[] = []
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type()))
          complaints.push(`${message.text()} ${message.location().url}`)
      })
      page.on('pageerror', (error) => complaints.push(String(error)))
      return { page, complaints }
    },
    close: () => browser.close(),
  }
}

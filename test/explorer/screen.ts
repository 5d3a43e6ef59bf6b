import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Page } from './browsers.ts'

/** The explorer as somebody uses it: by names and roles alone. */
export class Screen {
  readonly page: Page

  constructor(page: Page) {
    this.page = page
  }

  async open(pageURL: string, replicaURL: string, token = ''): Promise<void> {
    await this.page.goto(pageURL)
    await this.page.getByLabel('Replica URL').fill(replicaURL)
    if (token !== '') await this.page.getByLabel('Bearer token').fill(token)
    await this.page.getByRole('button', { name: 'Open', exact: true }).click()
  }

  async write(sql: string): Promise<void> {
    await this.page.getByRole('textbox', { name: 'SQL' }).click()
    await this.page.keyboard.press('ControlOrMeta+a')
    await this.page.keyboard.insertText(sql)
  }

  /** Run a query with the keyboard and wait for its end. @returns what is said of it */
  async run(sql: string): Promise<string> {
    await this.write(sql)
    await this.page.keyboard.press('ControlOrMeta+Enter')
    await this.page.locator('.outcome:not(.running)').waitFor()
    return (await this.outcome.textContent()) ?? ''
  }

  get outcome() {
    return this.page.locator('.outcome')
  }

  async sees(outcome: RegExp): Promise<void> {
    await this.outcome.filter({ hasText: outcome }).waitFor()
  }

  /** The cells of the rows that are drawn. */
  async rows(grid = 'Rows'): Promise<string[][]> {
    return await this.page
      .getByRole('grid', { name: grid, exact: true })
      .evaluate((element) =>
        [...element.querySelectorAll('.row')].map((row) =>
          [...row.querySelectorAll('[role=gridcell]')].map((cell) => cell.textContent ?? ''),
        ),
      )
  }

  /** Wait until a query of one value shows it. */
  async shows(value: string | number): Promise<void> {
    await expect.poll(() => this.rows(), { timeout: 15_000 }).toEqual([[String(value)]])
  }

  tab(name: string) {
    return this.page.getByRole('tab', { name: new RegExp(`^${name}`) })
  }

  slider(name: string) {
    return this.page.getByRole('slider', { name, exact: true })
  }

  /** Take a picture; it is kept where `npm run screenshots` says so, which is how README gets its own. */
  async shoot(name: string): Promise<void> {
    const { LITETAP_SCREENSHOTS: folder } = process.env
    if (folder) mkdirSync(folder, { recursive: true })
    const bytes = await this.page.screenshot(folder ? { path: join(folder, `${name}.png`) } : {})
    expect(bytes.length).toBeGreaterThan(10_000)
  }
}

/** Whatever can be operated and has no name for screen readers. */
export function namelessControls(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const operable = 'button, input, select, [tabindex], [role=tab], [role=treeitem], [role=grid], [role=img], dialog'
    const nameOf = (element: Element): string => {
      const labels = (element as HTMLInputElement).labels
      const referred = document.getElementById(element.getAttribute('aria-labelledby') ?? '')
      return [element.getAttribute('aria-label'), labels?.[0]?.textContent, referred?.textContent, element.textContent]
        .map((text) => text?.trim() ?? '')
        .join('')
    }
    return [...document.querySelectorAll(operable)]
      .filter((element) => !element.closest('.cm-editor') && nameOf(element) === '')
      .map((element) => element.outerHTML.slice(0, 120))
  })
}

/** Texts that are too faint: less than 4.5 to 1 against what they stand on. */
export function faintTexts(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true })!
    const rgba = (color: string): number[] => {
      context.clearRect(0, 0, 1, 1)
      context.fillStyle = color
      context.fillRect(0, 0, 1, 1)
      return [...context.getImageData(0, 0, 1, 1).data]
    }
    const luminance = (color: number[]): number => {
      const [r = 0, g = 0, b = 0] = color.map((part) => {
        const share = part / 255
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
      })
      return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    const groundOf = (element: Element | null): number[] => {
      if (!element) return rgba(getComputedStyle(document.body).backgroundColor)
      const color = rgba(getComputedStyle(element).backgroundColor)
      return color[3] === 255 ? color : groundOf(element.parentElement)
    }
    const faint = new Set<string>()
    for (const element of document.querySelectorAll('#app *')) {
      const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent?.trim())
      if (!own || !element.checkVisibility() || element.closest(':disabled, .cm-gutters')) continue
      const [text, ground] = [luminance(rgba(getComputedStyle(element).color)), luminance(groundOf(element))]
      const ratio = (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05)
      if (ratio < 4.5) faint.add(`${element.className || element.tagName}: ${ratio.toFixed(2)}`)
    }
    return [...faint]
  })
}

/** Elements that reach beyond the page's right edge and cannot be scrolled to. */
export function overflowing(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const scrolls = (element: Element | null): boolean =>
      element !== null &&
      (['auto', 'scroll', 'hidden'].includes(getComputedStyle(element).overflowX) || scrolls(element.parentElement))
    return [...document.querySelectorAll('#app *')]
      .filter((element) => element.getBoundingClientRect().right > innerWidth + 0.5 && !scrolls(element.parentElement))
      .map((element) => element.outerHTML.slice(0, 120))
  })
}

import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { buildExplorer } from '../../tools/build-explorer.ts'
import { suiteDir } from '../support/temp-dir.ts'
import { BROWSERS, type Driven } from './browsers.ts'
import { faintTexts, namelessControls, overflowing, Screen } from './screen.ts'
import { type ServedReplica, serveReplica } from './serve-replica.ts'
import { openShop, type Shop, trade } from './shop.ts'

const TRANSACTIONS = 30
const ENDLESS = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)'
const dir = suiteDir()
const page = join(dir, 'explorer')
let shop: Shop
let served: ServedReplica

beforeAll(async () => {
  await buildExplorer(page)
  shop = await openShop(dir)
  await trade(shop, TRANSACTIONS)
  served = await serveReplica(shop.replicaDir, page)
})

afterAll(async () => {
  await served?.close()
  await shop?.close()
})

describe.each(BROWSERS)('the explorer in $name', ({ start, name }) => {
  let browser: Driven

  beforeAll(async () => {
    browser = await start()
  })
  afterAll(() => browser?.close())

  /** A page, which must have nothing to complain of. @param expected complaints that the test provokes */
  async function newScreen(options: Parameters<Driven['open']>[0] = {}, expected = /^$/): Promise<Screen> {
    const { page, complaints } = await browser.open(options)
    onTestFinished(async () => {
      await page.context().close()
      expect(complaints.filter((text) => !expected.test(text))).toEqual([])
    })
    return new Screen(page)
  }

  async function openScreen(options: Parameters<Driven['open']>[0] = {}): Promise<Screen> {
    const screen = await newScreen(options)
    await screen.open(served.page, served.replica)
    await screen.page
      .getByRole('treeitem', { name: 'orders, table', includeHidden: true })
      .waitFor({ state: 'attached' })
    return screen
  }

  test('shows the schema; a table is queried from it by keyboard, with what that cost', async () => {
    const screen = await openScreen()
    const tree = screen.page.getByRole('tree', { name: 'Schema' })
    expect(await tree.getByRole('treeitem').count()).toBe(6)
    await tree.getByRole('treeitem').first().focus()
    await screen.page.keyboard.press('ArrowRight')
    await tree.getByRole('treeitem', { name: 'city, text' }).waitFor()
    await screen.page.keyboard.press('ArrowDown')
    await screen.page.keyboard.press('Enter')
    await screen.sees(/^100 rows in/)
    await expect.poll(async () => (await screen.rows())[0]).toEqual(['1', 'Ben 1', 'Oslo', '2024-01-02'])
    await delay(1100) // whether there is anything newer is asked again, which is not of the query
    await screen.run('SELECT sum(revenue) FROM revenue')
    const cost = await screen.page.locator('.cost').textContent()
    expect(cost).toMatch(/^\d+ requests?, .+ kB, \d+ round trips?, \d+ % at hand$/)
    // What the waterfall lists is what the query says it has cost.
    const requests = Number(cost?.split(' ')[0])
    await expect.poll(() => screen.page.locator('.waterfall tbody tr').count()).toBe(requests)
    await screen.tab('History').click()
    await screen.page.getByRole('list', { name: 'Queries' }).getByText('SELECT * FROM customers LIMIT 100').waitFor()
  })

  test('shows values as what they are, and one of them whole', async () => {
    const screen = await openScreen()
    await screen.run("SELECT 9007199254740993 AS a, 2.0 AS b, NULL AS c, x'00ff10' AS d, '' AS e")
    await expect.poll(() => screen.rows()).toEqual([['9007199254740993', '2.0', 'NULL', '3 B  00 ff 10', '']])
    const grid = screen.page.getByRole('grid', { name: 'Rows', exact: true })
    await grid.focus()
    for (const key of ['ArrowRight', 'ArrowRight', 'ArrowRight', 'Enter']) await screen.page.keyboard.press(key)
    const dialog = screen.page.getByRole('dialog')
    await dialog.getByText('000000  00 ff 10').waitFor()
    await screen.page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'hidden' })
  })

  test('shows errors with their code, and goes on', async () => {
    const screen = await openScreen()
    await screen.run('SELECT nope FROM orders')
    const alert = screen.page.getByRole('alert')
    expect(await alert.textContent()).toMatch(/^VFS_SQLno such column: nope/)
    await screen.run('SELECT count(*) FROM products')
    await screen.shows(120)
  })

  test('a query without end is cancelled, by button and by Escape', async () => {
    const screen = await openScreen()
    await screen.write(`${ENDLESS} SELECT count(*) FROM n`)
    await screen.page.getByRole('button', { name: 'Run' }).click()
    await screen.sees(/^Running/)
    await screen.page.getByRole('button', { name: 'Cancel' }).click({ timeout: 5000 })
    await screen.sees(/^Cancelled after/)
    await screen.page.getByRole('textbox', { name: 'SQL' }).focus()
    await screen.page.keyboard.press('ControlOrMeta+Enter')
    await screen.sees(/^Running/)
    await screen.page.keyboard.press('Escape')
    await screen.sees(/^Cancelled after/)
    await screen.run('SELECT 1')
    await screen.shows(1)
  })

  test('rows come while the query runs, up to a limit that can be raised', async () => {
    const screen = await openScreen()
    expect(await screen.run(`${ENDLESS} SELECT i FROM n`)).toMatch(/^1,000 rows, more were not fetched/)
    await screen.page.getByRole('button', { name: 'Fetch 10,000' }).click()
    await screen.sees(/^10,000 rows/)
    // The first rows are there at once, the next ones take for ever.
    await screen.write(`${ENDLESS} SELECT i FROM n WHERE i < 100 OR i > 1e12`)
    await screen.page.keyboard.press('ControlOrMeta+Enter')
    await screen.sees(/^Running, \d+ rows? in/)
    await expect.poll(async () => (await screen.rows())[0], { timeout: 10_000 }).toEqual(['1'])
    await screen.page.keyboard.press('Escape')
    await screen.sees(/^Cancelled/)
  })

  test('the slider leads back in time, and the link to a moment leads there again', async () => {
    const screen = await openScreen()
    const sql = 'SELECT count(*) AS n FROM orders'
    await screen.run(sql)
    const now = shop.ask(sql)[0]!.n as number
    expect(now).toBeGreaterThanOrEqual(9000 + TRANSACTIONS)
    await screen.shows(now)
    await screen.slider('Moment').focus()
    await screen.page.keyboard.press('Home')
    await screen.shows(9000)
    expect(await screen.slider('Moment').getAttribute('aria-valuetext')).toMatch(/TXID 1, 1 of \d+$/)
    await screen.page.keyboard.press('ArrowRight')
    await screen.shows(9001)
    await expect.poll(() => screen.page.url()).toContain('at=0000000000000002')
    const other = await newScreen()
    await other.page.goto(screen.page.url())
    await other.shows(9001)
    await screen.page.getByRole('button', { name: 'Latest' }).click()
    await screen.shows(now)
  })

  test('a new transaction arrives while the page is live', async () => {
    const screen = await openScreen()
    const sql = "SELECT count(*) AS n FROM orders WHERE state = 'live'"
    await screen.run(sql)
    const before = shop.ask(sql)[0]!.n as number
    await screen.shows(before)
    await screen.tab('Transactions').click()
    await screen.page.getByRole('switch', { name: 'Live' }).click()
    const txid = await shop.commit("INSERT INTO orders (customer, day, state) VALUES (1, '2026-10-30', 'live')")
    await screen.shows(before + 1)
    await screen.page.getByRole('rowheader', { name: txid.toString(16), exact: true }).waitFor()
    await screen.page
      .getByRole('status')
      .filter({ hasText: `New transaction ${txid.toString(16)}` })
      .waitFor({ state: 'attached' })
  })

  test('two moments are compared, row by row', async () => {
    const first = await shop.commit("UPDATE discounts SET until = '2027-01-31'")
    await shop.commit(`DELETE FROM discounts WHERE code = 'SAVE01'; UPDATE discounts SET percent = 50 WHERE code = 'SAVE02';
      INSERT INTO discounts VALUES ('SAVE99', 99, NULL)`)
    onTestFinished(async () => {
      await shop.commit(
        "DELETE FROM discounts; INSERT INTO discounts SELECT printf('SAVE%02d', id), id, NULL FROM products WHERE id <= 20",
      )
    })
    const screen = await openScreen()
    await screen.run('SELECT code, percent FROM discounts')
    await screen.tab('Transactions').click()
    await screen.page.getByRole('button', { name: `Compare with TXID ${first.toString(16)}`, exact: true }).click()
    const summary = screen.page.locator('.summary')
    await summary.filter({ hasText: '1 row added, 1 removed, 1 changed, 18 the same' }).waitFor()
    await expect
      .poll(() => screen.rows('Rows before'))
      .toEqual([
        ['SAVE01', '1'],
        ['SAVE02', '2'],
        ['', ''],
      ])
    await expect
      .poll(() => screen.rows('Rows after'))
      .toEqual([
        ['', ''],
        ['SAVE02', '50'],
        ['SAVE99', '99'],
      ])
    await screen.page.getByRole('combobox', { name: 'Match rows by' }).selectOption({ label: 'all columns' })
    await summary.filter({ hasText: '2 rows added, 2 removed, 0 changed, 18 the same' }).waitFor()
    await screen.tab('Pages').click()
    await screen.page
      .getByRole('img', { name: /^Map of \d+ pages: \d+ cold, \d+ in memory, \d+ came .*, [1-9]\d? changed$/ })
      .waitFor()
  })

  test('a token opens what is protected; it is in no link and goes to no other server', async () => {
    const token = 'a-token-that-nobody-guesses-0123456789'
    const locked = await serveReplica(shop.replicaDir, page, token)
    onTestFinished(() => locked.close())
    const screen = await newScreen({}, /401|Unauthorized/)
    await screen.open(served.page, locked.replica)
    await screen.page.getByRole('alert').filter({ hasText: 'STORAGE_BAD_CREDENTIALS' }).waitFor()
    await screen.open(served.page, locked.replica, token)
    await screen.run('SELECT count(*) FROM customers')
    await screen.shows(1500)
    await expect.poll(() => screen.page.url()).toContain('sql=')
    expect(screen.page.url()).not.toContain(token)
    const sent: string[] = []
    screen.page.on('request', (request) => sent.push(request.headers().authorization ?? ''))
    await screen.page.goto('about:blank')
    await screen.page.goto(`${served.page}#url=${encodeURIComponent(served.replica)}`)
    await screen.page.getByRole('treeitem', { name: 'orders, table' }).waitFor()
    expect(sent.length).toBeGreaterThan(3)
    expect(sent.filter((header) => header !== '')).toEqual([])
  })

  test('has names for screen readers, enough contrast, room on a phone; pictures', async () => {
    const sql = 'SELECT day, orders, revenue\nFROM revenue\nWHERE day >= :first'.replace(':first', "'2026-09-01'")
    for (const [look, options] of Object.entries({
      light: { colorScheme: 'light' },
      dark: { colorScheme: 'dark' },
      phone: { colorScheme: 'light', viewport: { width: 360, height: 780 } },
    } as const)) {
      const screen = await openScreen(options)
      await screen.run(sql)
      for (const tab of ['Rows', 'Chart', 'Compare', 'Plan', 'Requests', 'Pages', 'Transactions', 'History']) {
        await screen.tab(tab).click()
        expect(await faintTexts(screen.page), `${look}, ${tab}`).toEqual([])
        expect(await overflowing(screen.page), `${look}, ${tab}`).toEqual([])
      }
      expect(await namelessControls(screen.page)).toEqual([])
      await screen.tab('Chart').click()
      await screen.page.getByRole('img', { name: /^Chart of revenue over day, \d+ points$/ }).waitFor()
      await screen.tab('Requests').click()
      await screen.page.evaluate(() => scrollTo(0, 0))
      await screen.shoot(`${name.toLowerCase()}-${look}-chart`)
      await screen.slider('Moment').focus()
      await screen.page.getByRole('button', { name: 'Compare', exact: true }).click()
      await screen.tab('Compare').click()
      await screen.tab('Pages').click()
      await screen.page.locator('.summary').waitFor()
      await screen.shoot(`${name.toLowerCase()}-${look}-compare`)
    }
  })
})

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { databasePaths, loadWithoutWarning } from '../deploy/load-deploy-config.ts'
import { compatibilityRows, ROOT } from './compatibility-rows.ts'

const PAGES = ['docker', 'systemd', 'kubernetes', 'fly', 'compose', 'monitoring', 'README'].map(
  (name) => `docs/deploy/${name}.md`,
)
const textOf = (page: string) => readFileSync(join(ROOT, page), 'utf8')
const readme = textOf('README.md')

test('the configuration in the README loads without a warning', () => {
  const examples = [...readme.matchAll(/```yaml\n(.*?)```/gs)].map(([, content]) => content!)
  expect(examples).toHaveLength(1)
  expect(databasePaths(loadWithoutWarning(examples[0]!))).toEqual(['/data/app.db', '/data/tenants'])
})

test('the README counts the rows of docs/compatibility.md', () => {
  expect(readme).toContain(`${compatibilityRows().length} items of its surface`)
})

test.each(['README.md', 'docs/compatibility.md', ...PAGES])('%s: every file that it names is there', (page) => {
  const text = textOf(page)
  // A decision is named by its number alone.
  const named = [...text.matchAll(/(?<![\w/.:])((?:docs\/(?!decisions)|examples\/|skills\/)[\w./-]*\w)/g)]
  expect(named.length).toBeGreaterThan(0)
  for (const [, path] of named) expect(existsSync(join(ROOT, path!)), path).toBe(true)
})

test('the page on alerts has each one, and no other', () => {
  const alerts = [...textOf('examples/deploy/prometheus/alerts.yaml').matchAll(/- alert: (\w+)/g)].map(
    ([, name]) => name!,
  )
  const rows = textOf('docs/deploy/monitoring.md')
    .split('\n')
    .filter((line) => line.startsWith('| `Litetap'))
  const told = rows.flatMap((line) => [...line.split('|')[1]!.matchAll(/`(\w+)`/g)].map(([, name]) => name!))
  expect(told.sort()).toEqual(alerts.sort())
})

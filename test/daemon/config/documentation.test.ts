import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { withKeyTables } from '../../../tools/configuration-tables.ts'
import { parse } from './support.ts'

const text = readFileSync(join(import.meta.dirname, '../../../docs/configuration.md'), 'utf8')

it('the tables are those of the keys', () => {
  expect(withKeyTables(text)).toBe(text)
  for (const key of ['addr', 'levels[].interval', 'socket.permissions', 'meta-dir', 'sse-kms-key-id'])
    expect(text).toContain(`| \`${key}\` |`)
})

it('its example is a configuration without warnings', () => {
  const example = /```yaml\n(.*?)```/s.exec(text)![1]!
  expect(parse(example).warnings).toEqual([])
  expect(parse(example).config.databases).toHaveLength(2)
})

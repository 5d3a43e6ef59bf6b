import { expect, test } from 'vitest'
import { formatTable } from '../../cli/table.ts'

test('columns are aligned as by Go tabwriter(0, 8, 2, space, 0)', () => {
  const table = formatTable([
    ['level', 'name', '', 'last'],
    ['1', 'é日本', '', ''],
    ['100000000', 'a', '', 'xx'],
  ])
  expect(table).toBe('level      name    last\n1          é日本     \n100000000  a       xx\n')
})

test('an empty table is its header', () => {
  expect(formatTable([['level', 'min_txid', 'size']])).toBe('level  min_txid  size\n')
})

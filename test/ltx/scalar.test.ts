import { expect, test } from 'vitest'
import { formatTXID, type Pgno, type TXID } from '../../ltx/index.ts'
import type { Scalar } from '../../ltx/scalar.ts'

test('the compiler takes plain numbers, and none that are named to mean something else', () => {
  const checksum = 1n as Scalar<bigint, 'checksum'>
  const bytes = 1 as Scalar<number, 'bytes'>
  const txid: TXID = 7n
  const pgno: Pgno = 7
  // @ts-expect-error: a checksum is no TXID
  const wrong: TXID = checksum
  // @ts-expect-error: nor has a function that takes a TXID any use for one
  formatTXID(checksum)
  // @ts-expect-error: an offset is no page number
  const wrongPage: Pgno = bytes
  expect([txid + wrong, pgno + wrongPage]).toEqual([8n, 8])
})

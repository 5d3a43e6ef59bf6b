import type { TXID } from '../../ltx/index.ts'

/** What JavaScript has, and its types do not say yet: numbers by their digits. */
const digits = JSON as unknown as {
  rawJSON(text: string): unknown
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown
}

const TXID_KEY = /^(?:\w+_)?txid$/

/** JSON in which TXIDs are numbers, as Litestream has them, with all digits beyond 2^53 too. */
export function stringifyTXIDs(value: unknown, indent?: number): string {
  return JSON.stringify(value, (_, item) => (typeof item === 'bigint' ? digits.rawJSON(`${item}`) : item), indent)
}

/**
 * Read such JSON: what is named `txid` or `..._txid` becomes a TXID.
 * @throws SyntaxError for what is no JSON, or a TXID that is no whole number
 */
export function parseTXIDs(text: string): unknown {
  return digits.parse(text, (key, value, { source }) => {
    if (typeof value !== 'number' || !TXID_KEY.test(key)) return value
    return BigInt(source!) satisfies TXID
  })
}

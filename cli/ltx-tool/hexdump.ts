const ROW = 16

/**
 * Bytes as `ltx dump` prints them: rows of 16 with their offset and their printable characters; rows that repeat the
 * one before are one line of asterisks, the last row is always there.
 *
 * @see superfly/ltx@8cb8f8e internal/hexdump.go
 */
export function hexdump(bytes: Uint8Array): string {
  let text = ''
  let starred = false
  for (let at = 0; at < bytes.length; at += ROW) {
    if (at > 0 && at + ROW < bytes.length && sameRow(bytes, at)) {
      if (!starred) text += '***\n'
      starred = true
      continue
    }
    starred = false
    text += row(bytes, at)
  }
  return text
}

function sameRow(bytes: Uint8Array, at: number): boolean {
  for (let i = at; i < at + ROW; i++) if (bytes[i] !== bytes[i - ROW]) return false
  return true
}

function row(bytes: Uint8Array, at: number): string {
  const cells = Array.from({ length: ROW }, (_, i) => bytes[at + i] ?? 0)
  const hex = cells.map((byte) => byte.toString(16).padStart(2, '0'))
  const characters = cells.map((byte) => (byte < 32 || byte > 126 ? '.' : String.fromCharCode(byte))).join('')
  const [left, right] = [hex.slice(0, 8).join(' '), hex.slice(8).join(' ')]
  return `${at.toString(16).padStart(8, '0')}  ${left}  ${right}  |${characters}|\n`
}

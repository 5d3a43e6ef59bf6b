import type { SqlValue } from '../../../entry/web.ts'
import { formatBytes, formatValue, hex } from '../data/format.ts'
import { button, h } from './dom.ts'

/** Bytes of a blob that are shown. */
const MAX_BLOB = 4096

/** Shows one value whole. */
export function valueDialog(): { readonly element: HTMLDialogElement; open(column: string, value: SqlValue): void } {
  const title = h('h2', {})
  const kind = h('span', { class: 'muted' })
  const text = h('pre', { tabindex: 0, 'aria-label': 'Value' })
  const copy = button('Copy', () => void navigator.clipboard.writeText(text.textContent ?? ''))
  const element = h(
    'dialog',
    { class: 'value', 'aria-label': 'Value' },
    h(
      'header',
      {},
      title,
      kind,
      copy,
      button('Close', () => element.close(), { autofocus: true }),
    ),
    text,
  )
  element.addEventListener('click', (event) => {
    if (event.target === element) element.close()
  })
  return {
    element,
    open(column, value) {
      title.textContent = column
      kind.textContent = kindText(value)
      text.textContent = value instanceof Uint8Array ? hexLines(value) : formatValue(value)
      element.showModal()
    },
  }
}

function kindText(value: SqlValue): string {
  if (value === null) return 'null'
  if (value instanceof Uint8Array) return `blob, ${formatBytes(value.length)}`
  if (typeof value === 'string') return `text, ${value.length} characters`
  return typeof value === 'bigint' ? 'integer' : 'real'
}

function hexLines(bytes: Uint8Array): string {
  const lines: string[] = []
  for (let at = 0; at < Math.min(bytes.length, MAX_BLOB); at += 16) {
    lines.push(`${at.toString(16).padStart(6, '0')}  ${hex(bytes.subarray(at, at + 16))}`)
  }
  if (bytes.length > MAX_BLOB) lines.push(`… ${formatBytes(bytes.length - MAX_BLOB)} more`)
  return lines.join('\n')
}

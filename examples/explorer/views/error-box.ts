import type { ShownError } from '../data/error-text.ts'
import { h } from './dom.ts'

/** An error with its code and what can be done. */
export function errorBox({ message, code, hint }: ShownError): HTMLElement {
  return h(
    'div',
    { class: 'error', role: 'alert' },
    ...(code ? [h('code', {}, code)] : []),
    h('p', {}, message),
    ...(hint ? [h('p', { class: 'muted' }, hint)] : []),
  )
}

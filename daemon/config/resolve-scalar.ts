import type { ScalarNode } from './nodes.ts'

/** What a scalar is before anybody says what it should be. */
export type Resolved =
  | { readonly kind: 'null' }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'text'; readonly value: string }

const NULL = /^(|~|null|Null|NULL)$/
const TRUE = /^(y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON)$/
const FALSE = /^(n|N|no|No|NO|false|False|FALSE|off|Off|OFF)$/
const INTEGER = /^([+-]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))$/
const FLOAT = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/

/**
 * What yaml.v2 takes a scalar for, YAML 1.1 and Go together: `yes`, `on` and `y` are true, `0600` is octal, `_` may
 * stand between digits. What is in quotes is text.
 *
 * @see facts 8.6; gopkg.in/yaml.v2@v2.4.0 resolve.go
 */
export function resolveScalar(node: ScalarNode): Resolved {
  const { text } = node
  if (!node.plain) return { kind: 'text', value: text }
  if (NULL.test(text)) return { kind: 'null' }
  if (TRUE.test(text)) return { kind: 'boolean', value: true }
  if (FALSE.test(text)) return { kind: 'boolean', value: false }
  const number = numberOf(text.replaceAll('_', ''))
  return number === undefined ? { kind: 'text', value: text } : { kind: 'number', value: number }
}

function numberOf(text: string): number | undefined {
  const [match, sign, hex, binary, octal, decimal] = INTEGER.exec(text) ?? []
  if (match === undefined) return FLOAT.test(text) ? Number(text) : undefined
  const digits =
    hex !== undefined ? `0x${hex}` : binary !== undefined ? `0b${binary}` : octal !== undefined ? `0o${octal}` : decimal
  const value = Number(digits)
  return sign === '-' ? 0 - value : value
}

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Key, KeySet } from '../daemon/config/key.ts'
import { CONFIG_KEYS, DATABASE_KEYS } from '../daemon/config/keys.ts'
import { REPLICA_KEYS, REPLICA_SETTING_KEYS } from '../daemon/config/replica-keys.ts'

const DOCUMENT = join(import.meta.dirname, '../docs/configuration.md')

/** `docs/configuration.md` with its tables of keys made anew: each stands below a line `<!-- keys: NAME -->`. */
export function withKeyTables(text: string): string {
  return text.replace(
    /(<!-- keys: (\w+) -->\n)(?:\|.*\n)*/g,
    (_, line: string, name: string) => line + table(SECTIONS[name] ?? {}),
  )
}

const top = Object.fromEntries(Object.entries(CONFIG_KEYS).filter(([name]) => !(name in REPLICA_SETTING_KEYS)))
const SECTIONS: Readonly<Record<string, KeySet>> = { top, database: DATABASE_KEYS, replica: REPLICA_KEYS }

function table(keys: KeySet): string {
  return ['| key | value | default | |', '| --- | --- | --- | --- |', ...rows(keys, ''), ''].join('\n')
}

function rows(keys: KeySet, prefix: string): string[] {
  return Object.entries(keys).flatMap(([name, key]: [string, Key]) => {
    if (key.kind === 'map' && name !== 'replica') return rows(key.keys, `${prefix}${name}.`)
    if (key.kind === 'list' && name === 'levels')
      return [row(`${prefix}${name}`, 'list', '30s, 5m, 1h', key.about), ...rows(key.keys, `${name}[].`)]
    if (key.kind === 'map' || key.kind === 'list') return [row(`${prefix}${name}`, key.kind, '', key.about)]
    const value = key.oneOf ? key.oneOf.map((word) => `\`${word}\``).join(', ') : key.kind
    const marks = [
      key.ours && 'Ours alone.',
      key.secret && 'Secret.',
      key.inherited === false && 'Not taken from the top of the file.',
    ]
    return [row(`${prefix}${name}`, value, key.default ?? '', [key.about, ...marks].filter(Boolean).join(' '))]
  })
}

function row(name: string, value: string, initial: string, about: string): string {
  return `| \`${name}\` | ${value} | ${initial} | ${about} |`
}

if (process.argv[1] === import.meta.filename) writeFileSync(DOCUMENT, withKeyTables(readFileSync(DOCUMENT, 'utf8')))

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import type { Key, KeySet } from '../../daemon/config/key.ts'
import { CONFIG_KEYS } from '../../daemon/config/keys.ts'
import { cli } from '../cli/support.ts'
import { exposedNames } from '../deploy/exposed-names.ts'
import { databasePaths, loadWithoutWarning } from '../deploy/load-deploy-config.ts'
import { ROOT } from './compatibility-rows.ts'

const text = readFileSync(join(ROOT, 'skills/litetap/SKILL.md'), 'utf8')
const [, frontMatter = '', body = ''] = /^---\n(.*?)\n---\n(.*)$/s.exec(text)!

/** What stands between backticks, and the lines of shell examples without their comments. */
const fences = [...body.matchAll(/```(\w+)\n(.*?)```/gs)].map(([, language, content]) => ({
  language,
  content: content!,
}))
const spans = [...body.replace(/```.*?```/gs, '').matchAll(/`([^`]+)`/g)].map(([, span]) => span!)
const shellLines = fences
  .filter(({ language }) => language === 'sh')
  .flatMap(({ content }) => content.split('\n').filter((line) => line !== ''))
  .map((line) => line.replace(/\s+#.*$/, ''))

const helpOf = async (...names: string[]) => (await cli([...names, '-h'])).stdout

/** The flags that a help text has, without their dashes. */
function flagsIn(help: string): string[] {
  return [...help.matchAll(/^\t-([a-z0-9-]+)/gm)].map(([, name]) => name!)
}

async function commandNames(): Promise<string[]> {
  const { stdout } = await cli(['help'])
  return [...stdout.matchAll(/^\t([a-z][a-z-]*) {2,}/gm)].map(([, name]) => name!)
}

/** Every key by its whole name: `dbs[].replica.url`. */
function keyNames(keys: KeySet, prefix = ''): string[] {
  return Object.entries(keys).flatMap(([name, key]: [string, Key]) => {
    if (key.kind === 'map') return [prefix + name, ...keyNames(key.keys, `${prefix}${name}.`)]
    if (key.kind === 'list') return [prefix + name, ...keyNames(key.keys, `${prefix}${name}[].`)]
    return [prefix + name]
  })
}

test('its front matter says when to read it', () => {
  const { name, description } = parse(frontMatter) as { name: string; description: string }
  expect(name).toBe('litetap')
  expect(description.length).toBeGreaterThan(100)
  expect(description.length).toBeLessThanOrEqual(1024)
})

test('every command and flag that it names is there', async () => {
  const commands = await commandNames()
  const lines = [...shellLines, ...spans.filter((span) => span.startsWith('litetap '))]
  expect(lines.length).toBeGreaterThan(30)
  for (const line of lines) {
    const [name, next = ''] = line.split(' ').slice(1)
    if (name === 'help' || name === 'COMMAND') continue
    expect(commands, line).toContain(name)
    const help = await helpOf(name!, ...(name === 'ltx-tool' ? [next] : []))
    const unquoted = line.replace(/"[^"]*"/g, '')
    for (const [, flag] of unquoted.matchAll(/ -([a-z][a-z-]*)/g)) {
      if (flag !== 'h') expect(flagsIn(help), line).toContain(flag)
    }
  }
})

test('every command but those of nobody’s daily work is shown', async () => {
  const shown = new Set(shellLines.map((line) => line.split(' ')[1]))
  const missing = (await commandNames()).filter((name) => !shown.has(name))
  expect(missing).toEqual(['databases', 'shell', 'version'])
})

test('every flag that it names alone is one of some command', async () => {
  const all = new Set((await Promise.all((await commandNames()).map((name) => helpOf(name)))).flatMap(flagsIn))
  const flags = spans.flatMap((span) => /^-([a-z][a-z-]+)(?: |$)/.exec(span)?.[1] ?? [])
  expect(flags.length).toBeGreaterThan(4)
  // Files beside a database, not flags.
  for (const flag of flags) if (flag !== 'wal' && flag !== 'shm') expect([...all]).toContain(flag)
})

describe('configuration', () => {
  const keys = keyNames(CONFIG_KEYS)

  test('every key that it names is there', () => {
    const table = /\| key \| what for \|\n.*?\n\n/s.exec(body)![0]
    const named = [...table.matchAll(/`([^`]+)`/g)].map(([, name]) => name!)
    expect(named.length).toBeGreaterThan(20)
    for (const name of named) expect(keys).toContain(name)
    const elsewhere = spans.flatMap((span) => /^([a-z0-9]+-[a-z-]+|socket\.[a-z]+)(?:: .*)?$/.exec(span)?.[1] ?? [])
    expect(elsewhere).toContain('shutdown-sync-timeout')
    for (const name of elsewhere) expect(keys).toContain(name)
  })

  test('its examples load without a warning', () => {
    const examples = fences.filter(({ language }) => language === 'yaml')
    expect(examples).toHaveLength(1)
    for (const { content } of examples) {
      expect(databasePaths(loadWithoutWarning(content))).toEqual(['/data/app.db', '/data/tenants'])
    }
  })
})

test('every metric and every tool that it names is there', async () => {
  const tools = readFileSync(join(ROOT, 'daemon/mcp/tools.ts'), 'utf8')
  const names = await exposedNames()
  const named = spans.filter((span) => /^lite(?:tap|stream)_/.test(span))
  expect(named.length).toBeGreaterThan(12)
  for (const name of named) expect(names.has(name) || tools.includes(`'${name}'`), name).toBe(true)
})

test('every file that it names is there', () => {
  for (const span of spans) {
    if (/^(?:docs|examples)\//.test(span)) expect(() => readFileSync(join(ROOT, span)), span).not.toThrow(/ENOENT/)
  }
})

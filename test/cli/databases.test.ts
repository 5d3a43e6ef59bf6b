import { expect, test } from 'vitest'
import { databasesCommand, type LoadConfig } from '../../cli/databases.ts'
import { parseFlags } from '../../cli/flags.ts'
import type { CliIO } from '../../cli/io.ts'

const CONFIG = {
  databases: [
    { kind: 'database', path: '/data/app.db', replica: { type: 's3', bucket: 'b', path: 'app' } },
    { kind: 'directory', dir: '/data/tenants', replica: { type: 'file', path: '/backup' } },
  ],
} as unknown as Awaited<ReturnType<LoadConfig>>

async function databases(...argv: string[]) {
  const asked: unknown[] = []
  const command = databasesCommand(async (path, { expandEnv }) => {
    asked.push([path, expandEnv])
    return CONFIG
  })
  const parsed = parseFlags(command.flags, argv)
  if (parsed.kind !== 'ok') throw new Error(parsed.kind)
  let stdout = ''
  const io = { stdout: { write: (text: string) => (stdout += text), isTTY: false } } as unknown as CliIO
  await command.run(io, parsed.values, parsed.args)
  return { stdout, asked }
}

test('databases: a table of what the configuration has, folders as such (features 2)', async () => {
  const { stdout, asked } = await databases()
  expect(stdout).toBe('path           replica\n/data/app.db   s3\n/data/tenants  file\n')
  expect(asked).toEqual([['', true]])
})

test('databases -json, of another file, without the environment', async () => {
  const { stdout, asked } = await databases('-json', '-no-expand-env', '-config', '/x.yml')
  expect(JSON.parse(stdout)).toEqual([
    { path: '/data/app.db', replica: 's3' },
    { path: '/data/tenants', replica: 'file' },
  ])
  expect(asked).toEqual([['/x.yml', false]])
})

test('databases takes no argument', async () => {
  await expect(databases('x')).rejects.toThrow('too many arguments')
})

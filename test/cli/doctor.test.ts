import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { newScene } from './scene.ts'
import { cli } from './support.ts'

test('a set-up that is well: text, and exit code 0', async () => {
  const { db, url } = newScene()
  const { code, stdout, stderr } = await cli(['doctor', db, url])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^ok {7}node {15}Node \d+/)
  expect(stdout).toMatch(/\nok {7}put {16}Objects can be written\n/)
  expect(stdout).toMatch(/\n\d+ ok, 0 warnings, 0 failures\n$/)
})

test('one that is not: exit code 1, in text and as JSON', async () => {
  const { dir, url } = newScene()
  const absent = join(dir, 'absent.db')
  const text = await cli(['doctor', absent, url])
  expect(text).toMatchObject({ code: 1, stderr: '' })
  expect(text.stdout).toMatch(/\nFAILURE {2}database {11}There is no database .*\n {28}Check the path/)
  const json = await cli(['doctor', '-json', '-no-write', absent, url])
  expect(json.code).toBe(1)
  const findings = JSON.parse(json.stdout) as { check: string; status: string }[]
  expect(findings.find(({ check }) => check === 'database')).toMatchObject({ status: 'failure' })
  expect(findings.some(({ check }) => check === 'put')).toBe(false)
})

describe('of a configuration file', () => {
  function configured() {
    const { dir, db, replicaDir } = newScene()
    const config = join(dir, 'litestream.yml')
    const absent = join(dir, 'absent.db')
    const write = (text: string) => writeFileSync(config, `dbs:\n${text}`)
    const well = `  - {path: ${db}, replica: {path: ${replicaDir}}}\n`
    return { dir, db, config, absent, write, well, env: { LITESTREAM_CONFIG: config } }
  }

  test('every database is checked, those of a folder too', async () => {
    const { dir, db, well, write, env } = configured()
    const folder = join(dir, 'many')
    mkdirSync(folder)
    copyFileSync(db, join(folder, 'a.db'))
    copyFileSync(db, join(folder, 'b.db'))
    writeFileSync(join(folder, 'c.db'), 'no database')
    write(`${well}  - {dir: ${folder}, pattern: "*.db", replica: {path: ${dir}/r}}\n`)
    const text = await cli(['doctor', '-no-write'], { env })
    expect(text).toMatchObject({ code: 0, stderr: '' })
    expect(text.stdout.startsWith(`${db}\n\nok       node`)).toBe(true)
    expect(text.stdout).toMatch(/\n\d+ ok, 0 warnings, 0 failures\n$/)
    const { stdout } = await cli(['doctor', '-no-write', '-json'], { env })
    const reports = JSON.parse(stdout) as { database: string }[]
    expect(reports.map(({ database }) => database)).toEqual([db, join(folder, 'a.db'), join(folder, 'b.db')])
  })

  test('a folder without a database is a warning, one that cannot be read a failure', async () => {
    const { dir, well, write, env } = configured()
    mkdirSync(join(dir, 'empty'))
    const entry = (name: string) => `  - {dir: ${dir}/${name}, pattern: "*.db", replica: {path: ${dir}/r}}\n`
    write(entry('empty') + entry('absent') + well)
    const { code, stdout } = await cli(['doctor', '-no-write', '-json'], { env })
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject([
      { database: join(dir, 'empty'), findings: [{ check: 'dir', status: 'warning' }] },
      { database: join(dir, 'absent'), findings: [{ check: 'dir', status: 'failure' }] },
      {},
    ])
  })

  test('one that fails does not keep the others from being checked, and is exit code 1', async () => {
    const { dir, db, absent, well, write, config } = configured()
    write(
      `  - {path: ${absent}, replica: {path: ${dir}/a}}\n  - {path: ${dir}/b.db, replica: {path: ${dir}/b}}\n${well}`,
    )
    const text = await cli(['doctor', '-config', config, '-no-write'])
    expect(text).toMatchObject({ code: 1, stderr: '' })
    const json = await cli(['doctor', '-config', config, '-no-write', '-json'])
    expect(json).toMatchObject({ code: 1, stderr: '' })
    const reports = JSON.parse(json.stdout) as { database: string; findings: { check: string; status: string }[] }[]
    expect(reports.map(({ database }) => database)).toEqual([absent, join(dir, 'b.db'), db])
    const failures = reports.map(({ findings }) => findings.filter(({ status }) => status === 'failure').length)
    expect(failures).toEqual([1, 1, 0])
  })

  test('one of them by its name', async () => {
    const { db, absent, well, write, config } = configured()
    write(`${well}  - {path: ${absent}, replica: {path: ${absent}-r}}\n`)
    const { code, stdout } = await cli(['doctor', '-config', config, '-no-write', '-json', db])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject([{ database: db }])
  })

  test('a replica that cannot be opened is a finding', async () => {
    const { db, write, config, well } = configured()
    write(`  - {path: ${db}x, replica: {type: oss, bucket: b, path: p}}\n${well}`)
    const { code, stdout } = await cli(['doctor', '-config', config, '-no-write', '-json'])
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject([
      { database: `${db}x`, findings: [{ check: 'replica', status: 'failure' }] },
      { database: db },
    ])
  })
})

test.each([
  [['-config', '/nowhere.yml'], /there is no such configuration file/],
  [['-config', 'x.yml', 'a.db', 'file:///b'], /cannot specify a replica URL and the -config flag/],
  [['a.db'], /must specify the replica URL of a\.db/],
  [['a', 'b', 'c'], /too many arguments/],
])('%j says what is missing', async (args, message) => {
  const { code, stderr } = await cli(['doctor', ...args])
  expect(code).toBe(1)
  expect(stderr).toMatch(message)
})

import { join } from 'node:path'
import { expect, test } from 'vitest'
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

test.each([
  [[], /configuration files are not supported yet/],
  [['-config', 'x.yml'], /configuration files are not supported yet/],
  [['a.db'], /must specify the replica URL of a\.db/],
  [['a', 'b', 'c'], /too many arguments/],
])('%j says what is missing', async (args, message) => {
  const { code, stderr } = await cli(['doctor', ...args])
  expect(code).toBe(1)
  expect(stderr).toMatch(message)
})

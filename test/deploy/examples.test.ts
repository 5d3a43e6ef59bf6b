import { readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, test } from 'vitest'
import { databasePaths, loadDeployConfig, loadWithoutWarning } from './load-deploy-config.ts'
import { DEPLOY, deployYaml } from './support.ts'

const files = readdirSync(DEPLOY, { recursive: true, encoding: 'utf8' }).sort()
const configurations = files.filter((file) => file.endsWith('litestream.yml'))

test('there are configurations to look at', () => {
  expect(configurations.map((file) => dirname(file))).toEqual(['compose', 'fly', 'systemd'])
})

test.each(configurations)('%s loads without a warning', (file) => {
  expect(databasePaths(loadDeployConfig(file))).toHaveLength(1)
})

describe('prometheus.yml', () => {
  const [prometheus] = deployYaml<{
    readonly rule_files: readonly string[]
    readonly scrape_configs: readonly {
      readonly job_name: string
      readonly static_configs: readonly { readonly targets: readonly string[] }[]
    }[]
  }>('prometheus/prometheus.yml')

  test('names the rules beside it, and the job that they are about', () => {
    for (const file of prometheus!.rule_files) expect(files).toContain(`prometheus/${file}`)
    expect(prometheus!.scrape_configs.map(({ job_name }) => job_name)).toEqual(['litetap'])
  })

  test('asks where the systemd example serves metrics', () => {
    const targets = prometheus!.scrape_configs.flatMap(({ static_configs }) =>
      static_configs.flatMap((one) => one.targets),
    )
    expect(targets).toEqual([loadDeployConfig('systemd/litestream.yml').addr])
  })
})

test('a configuration with a word that nobody reads would be found', () => {
  expect(() => loadWithoutWarning('exce: a\n')).toThrow()
})

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { buildExplorer } from '../../tools/build-explorer.ts'

const ROOT = join(import.meta.dirname, '../..')

test('the demo runs, says where the explorer is, and ends with a replica that has everything', async () => {
  await buildExplorer(join(ROOT, 'dist/explorer'))
  const env = { ...process.env, LITETAP_DEMO_SECONDS: '2' }
  const { stdout } = await promisify(execFile)(process.execPath, [join(ROOT, 'examples/demo.ts')], { env })
  expect(stdout).toMatch(/^Explorer {2}http:\/\/127\.0\.0\.1:\d+\/#url=http/m)
  expect(stdout).toMatch(/^Durable {3}\d+ commits/m)
  expect(stdout).toMatch(/^Queried {3}in place: 2\d{4} orders/m)
  expect(stdout).toMatch(/^Restored {2}the very same bytes$/m)
})
